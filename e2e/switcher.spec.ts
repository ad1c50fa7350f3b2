// Getting around without a pointer: the quick switcher, and the keys that work everywhere.

import { PHONE } from './people.ts';
import { expect, test } from './stage.ts';

test('a few letters and Enter lead to a conversation, a person or a command', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob', 'cleo');
  const { page } = alice;
  await alice.makesGroup('Sunday walk', ['bob']);
  await alice.makesGroup('Repair night', ['bob']);
  await alice.opensDirectWith('bob');

  // With the keyboard alone, from the composer.
  await page.keyboard.press('Control+k');
  const switcher = alice.dialog('Jump to');
  const field = switcher.getByRole('combobox', { name: 'Jump to' });
  await expect(field).toBeFocused();
  // Before anything is typed: where one was last, but for here.
  await expect(switcher.getByRole('option')).toHaveText([/Repair night/, /Sunday walk/]);
  await page.keyboard.type('rpn');
  await expect(switcher.getByRole('option').first()).toHaveText(/Repair night/);
  await expect(switcher.getByRole('option').first().locator('mark')).toHaveText(['R', 'p', 'n']);
  await page.keyboard.press('Enter');
  await expect(switcher).toBeHidden();
  await alice.canWriteTo('Repair night');
  await expect(alice.composer).toBeFocused();

  // Arrows choose; the field keeps the keyboard and says which one is chosen.
  await page.keyboard.press('Control+k');
  await page.keyboard.press('ArrowDown');
  const second = switcher.getByRole('option').nth(1);
  await expect(second).toHaveAttribute('aria-selected', 'true');
  await expect(field).toHaveAttribute('aria-activedescendant', (await second.getAttribute('id')) ?? '');
  await expect(field).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await expect(switcher.getByRole('option').last()).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Escape');
  await expect(switcher).toBeHidden();
  await expect(alice.composer).toBeFocused();

  // Commands, also those that ask something.
  await page.keyboard.press('Control+k');
  await page.keyboard.type('>group');
  await page.keyboard.press('Enter');
  await expect(alice.dialog('New group')).toBeVisible();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+k');
  await page.keyboard.type('devices');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Devices' })).toBeVisible();

  // Somebody nobody here has written to, by handle; and somebody who does not exist.
  await page.keyboard.press('Control+k');
  await page.keyboard.type('@cleo');
  await switcher.getByRole('option', { name: /Write to cleo/ }).click();
  await alice.canWriteTo('cleo');
  alice.expectsTrouble();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('@nobody-at-all');
  await page.keyboard.press('Enter');
  await expect(switcher.getByText('Nobody here is called nobody-at-all.')).toBeVisible();
  await page.keyboard.press('Escape');
  void bob;
});

test('keys lead through conversations and to what is unread, and the list of keys says so', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const { page } = alice;
  await alice.makesGroup('First', ['bob']);
  await alice.makesGroup('Second', ['bob']);
  await alice.makesGroup('Third', ['bob']);
  await bob.opensToWrite('First');
  await bob.says('something new');
  await bob.hasSentEverything();
  const first = alice.conversations.getByRole('link').filter({ hasText: 'First' });
  await expect(first.locator('.talk-dot')).toBeVisible();

  // The newest stands first now.
  await expect(alice.conversations.locator('.talk-name')).toHaveText(['First', 'Third', 'Second']);
  await page.keyboard.press('Alt+ArrowDown');
  await alice.canWriteTo('Second');
  await page.keyboard.press('Alt+Shift+ArrowUp');
  await alice.canWriteTo('First');
  await alice.sees('something new');

  await page.keyboard.press('Control+/');
  const keys = alice.dialog('Keyboard');
  await expect(keys.getByRole('listitem').filter({ hasText: 'Next one with something unread' })).toContainText('AltShift↓');
  await page.keyboard.press('Escape');
  await expect(keys).toBeHidden();

  // Esc closes what stands beside the conversation and gives the keyboard back.
  await page.getByRole('button', { name: /^Members/ }).click();
  await expect(page.getByRole('complementary', { name: 'Members' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('complementary', { name: 'Members' })).toBeHidden();
  await expect(alice.composer).toBeFocused();
});

test('keys lead back, on to the next unread one, and into the field; Ctrl and Enter send', async ({ signedUp, newPerson }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const { page } = alice;
  for (const name of ['First', 'Second', 'Third']) await alice.makesGroup(name, ['bob']);
  const names = alice.conversations.locator('.talk-name');
  await expect(names).toHaveText(['Third', 'Second', 'First']);
  await page.keyboard.press('Alt+ArrowDown');
  await alice.canWriteTo('Second');
  await page.keyboard.press('Alt+ArrowUp');
  await alice.canWriteTo('Third');
  // There is none above the first one.
  await page.keyboard.press('Alt+ArrowUp');
  await alice.canWriteTo('Third');

  // The next one that is unread, over one that is not.
  await bob.opensToWrite('First');
  await bob.says('something new');
  await expect(alice.conversations.getByRole('link').filter({ hasText: 'First' }).locator('.talk-dot')).toBeVisible();
  for (const name of ['Second', 'Third']) {
    await alice.opens(name);
    await alice.says(`mine, in ${name}`);
    await alice.hasSentEverything();
  }
  await expect(names).toHaveText(['Third', 'Second', 'First']);
  await page.keyboard.press('Alt+Shift+ArrowDown');
  await alice.canWriteTo('First');
  await alice.sees('something new');

  // Whatever has the keyboard, what is typed lands in the field.
  await page.getByRole('button', { name: /^Members/ }).focus();
  await page.keyboard.type('typed from afar');
  await expect(alice.composer).toBeFocused();
  await expect(alice.composer).toHaveValue('typed from afar');
  await page.keyboard.press('Control+Enter');
  await bob.sees('typed from afar');

  // With a keyboard beside a phone, too, where Enter makes a line.
  const cleo = await (await newPerson('cleo', PHONE)).signsUp();
  await cleo.makesGroup('Boats', ['bob']);
  await cleo.composer.focus();
  await cleo.page.keyboard.type('by hand');
  await cleo.page.keyboard.press('Enter');
  await cleo.page.keyboard.type('and heart');
  await expect(cleo.composer).toHaveValue('by hand\nand heart');
  await cleo.page.keyboard.press('Control+Enter');
  await expect(cleo.composer).toHaveValue('');
  await bob.opensToWrite('Boats');
  await expect.poll(() => bob.messages()).toEqual(['by hand\nand heart']);
});

test('what was not read above the screen is found by a key, and counts as read by another', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const { page } = alice;
  await alice.makesGroup('First', ['bob']);
  await alice.makesGroup('Second', ['bob']);
  await bob.opensToWrite('First');
  for (let nth = 0; nth < 40; nth += 1) await bob.says(`line ${nth}`);
  await bob.hasSentEverything();
  await expect(alice.conversations.getByRole('link').filter({ hasText: 'First' })).toContainText('40 unread');
  await alice.opens('First');
  await expect(page.getByRole('button', { name: /^First of 40 unread/ })).toBeVisible();
  await page.keyboard.press('Shift+PageUp');
  await expect(alice.message('line 0')).toBeInViewport();

  // While reading further up, new lines stay unread until Esc.
  await bob.says('one more');
  await expect(alice.conversations.getByRole('link').filter({ hasText: 'First' })).toContainText('1 unread');
  await alice.composer.focus();
  await page.keyboard.press('Escape');
  await expect(page.getByText('Everything here counts as read.')).toBeVisible();
  await expect(alice.conversations.getByRole('link').filter({ hasText: 'First' })).not.toContainText('unread');
});

test('on a phone the switcher opens from the list and from nothing but touch', async ({ newPerson, signedUp }) => {
  const phone = await newPerson('alice', PHONE);
  await signedUp('bob');
  await phone.signsUp();
  await phone.page.getByRole('button', { name: 'Find people, groups' }).tap();
  const switcher = phone.dialog('Jump to');
  await switcher.getByRole('combobox').fill('bob');
  await switcher.getByRole('option', { name: /Write to bob/ }).tap();
  await phone.canWriteTo('bob');
  await phone.page.getByRole('link', { name: 'All messages' }).tap();
  await phone.page.getByRole('button', { name: 'Find people, groups' }).tap();
  await expect(switcher.getByRole('option', { name: /bob/ })).toBeVisible();
  await expect(switcher.getByText('Esc', { exact: true })).toBeHidden();
  await switcher.getByRole('button', { name: 'Close' }).tap();
  await expect(switcher).toBeHidden();
});

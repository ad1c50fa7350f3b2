// What can be done with a message that was written: edit, delete, react; how it looks; and how an emoji is found.

import type { Locator } from '@playwright/test';

import type { Person } from './people.ts';
import { expect, test } from './stage.ts';

/** Opens the menu of a message and takes an entry. */
async function takes(person: Person, text: string, entry: string): Promise<void> {
  await person.message(text).hover();
  await person.message(text).getByRole('button', { name: 'More' }).click();
  await person.page.getByRole('menuitem', { name: entry }).click();
}

const chips = (person: Person, text: string): Locator => person.message(text).locator('.reaction');

async function together(signedUp: (...handles: ['alice', 'bob']) => Promise<Person[]>): Promise<[Person, Person]> {
  const [alice, bob] = (await signedUp('alice', 'bob')) as [Person, Person];
  await alice.opensDirectWith('bob');
  await bob.opensDirectWith('alice');
  return [alice, bob];
}

test('a message is edited, and both see what it says now', async ({ signedUp }) => {
  const [alice, bob] = await together(signedUp);
  await alice.says('see you at nine');
  await bob.sees('see you at nine');
  // Rows stand still from here on.
  await expect(alice.readMark('see you at nine')).toBeVisible();

  await alice.composer.fill('a thought that is not done');
  await takes(alice, 'see you at nine', 'Edit');
  await expect(alice.composer).toHaveValue('see you at nine');
  await expect(alice.composer).toBeFocused();
  await expect(alice.page.getByText('Editing your message')).toBeVisible();
  await alice.composer.fill('see you at ten');
  await alice.composer.press('Enter');
  for (const person of [alice, bob]) {
    await person.comesToSeeExactly(['see you at ten (edited)']);
  }
  // What stood there before stands there again.
  await expect(alice.composer).toHaveValue('a thought that is not done');
  await alice.composer.fill('');

  // By the keyboard: Up takes the last of one's own, Esc leaves it.
  await bob.says('fine');
  await alice.sees('fine');
  await alice.composer.press('ArrowUp');
  await expect(alice.composer).toHaveValue('see you at ten');
  await alice.composer.fill('never mind');
  await alice.composer.press('Escape');
  await expect(alice.composer).toHaveValue('');
  await expect(alice.page.getByText('Editing your message')).toHaveCount(0);
  await alice.composer.press('ArrowUp');
  await alice.composer.fill('see you at eleven');
  await alice.page.getByRole('button', { name: 'Save' }).click();
  await bob.comesToSeeExactly(['see you at eleven (edited)', 'fine']);
  await alice.reloads();
  await alice.comesToSeeExactly(['see you at eleven (edited)', 'fine']);
  await expect(alice.composer).toHaveValue('');

  // Somebody else's words are not offered to be edited.
  await alice.message('fine').hover();
  await alice.message('fine').getByRole('button', { name: 'More' }).click();
  await expect(alice.page.getByRole('menuitem')).toHaveText(['React…', 'Reply', 'Answer in a thread', 'Pin', 'Forward', 'Save for later', 'Copy link', 'Copy text', 'Mark unread from here']);
});

test('a message is deleted for everyone, and every row says by whom', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Sunday walk', ['bob', 'cleo']);
  await bob.opensToWrite('Sunday walk');
  await cleo.opensToWrite('Sunday walk');
  await bob.says('a slip');
  await cleo.says('something rude');
  for (const person of [alice, bob, cleo]) await person.comesToSeeExactly(['a slip', 'something rude']);
  await expect(bob.readMark('a slip')).toHaveText('Read by 2');
  await expect(cleo.readMark('something rude')).toHaveText('Read by 2');

  await takes(bob, 'a slip', 'Delete for everyone');
  const own = bob.dialog('Delete for everyone?');
  await own.getByRole('button', { name: 'Keep it' }).click();
  await bob.sees('a slip');
  await takes(bob, 'a slip', 'Delete for everyone');
  await own.getByRole('button', { name: 'Delete' }).click();
  await expect(bob.log.getByText('You deleted a message.')).toBeVisible();
  await expect(alice.log.getByText('bob deleted a message.')).toBeVisible();

  // Bob may not take away what cleo wrote; whoever made the group may.
  await bob.message('something rude').hover();
  await bob.message('something rude').getByRole('button', { name: 'More' }).click();
  await expect(bob.page.getByRole('menuitem')).toHaveText(['React…', 'Reply', 'Answer in a thread', 'Forward', 'Save for later', 'Copy link', 'Copy text', 'Mark unread from here', 'Report…']);
  await takes(alice, 'something rude', 'Delete for everyone');
  await alice.dialog('Delete what cleo wrote?').getByRole('button', { name: 'Delete' }).click();
  await expect(cleo.log.getByText('alice deleted what you wrote.')).toBeVisible();
  await expect(bob.log.getByText('alice deleted what cleo wrote.')).toBeVisible();
  for (const person of [alice, bob, cleo]) {
    await person.comesToSeeExactly([]);
    await person.reloads();
    await expect(person.log.getByText(/deleted (a message|what)/)).toHaveCount(2);
  }
});

test('reactions are put, counted, named and taken back', async ({ signedUp }) => {
  const [alice, bob] = await together(signedUp);
  await alice.says('we got the boat');
  await bob.sees('we got the boat');
  const row = bob.message('we got the boat');
  await row.hover();
  await row.getByRole('button', { name: 'React with heart' }).click();
  await expect(chips(alice, 'we got the boat')).toHaveAccessibleName('❤️ 1 from bob');
  await expect(chips(alice, 'we got the boat')).toHaveAttribute('aria-pressed', 'false');
  await chips(alice, 'we got the boat').click();
  await expect(chips(bob, 'we got the boat')).toHaveAccessibleName('❤️ 2 from you and alice');
  await expect(chips(bob, 'we got the boat')).toHaveText('❤️2');

  // By keyboard alone: to the row, its menu, the picker, a search, a sign.
  await alice.composer.press('Shift+Tab');
  await alice.log.focus();
  await alice.log.press('ArrowUp');
  await alice.page.keyboard.press('Enter');
  await expect(alice.page.getByRole('menuitem', { name: 'React…' })).toBeFocused();
  await alice.page.keyboard.press('Enter');
  const dialog = alice.dialog('React');
  const search = dialog.getByRole('searchbox', { name: 'Search emoji' });
  await search.fill('sailboat');
  await search.press('ArrowDown');
  await expect(dialog.getByRole('button', { name: 'sailboat', exact: true })).toBeFocused();
  await alice.page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  await expect(chips(bob, 'we got the boat')).toHaveText(['❤️2', '⛵1']);

  // From the picker beside the chips, in a colour that this browser remembers.
  await row.getByRole('list', { name: 'Reactions' }).getByRole('button', { name: 'Add a reaction' }).click();
  const picker = row.getByRole('dialog', { name: 'Add a reaction' });
  await picker.getByRole('combobox', { name: 'Skin tone' }).selectOption('3');
  await picker.getByRole('tab', { name: 'People' }).click();
  await picker.getByRole('button', { name: 'waving hand' }).click();
  await expect(chips(alice, 'we got the boat')).toHaveText(['❤️2', '⛵1', '👋🏽1']);
  expect(await bob.page.evaluate(() => localStorage.getItem('sotto.skin-tone'))).toBe('3');

  // Taken back, here and there; the keyboard is not lost with the chip.
  await chips(bob, 'we got the boat').last().click();
  await expect(chips(alice, 'we got the boat')).toHaveText(['❤️2', '⛵1']);
  await expect(row).toBeFocused();
  await chips(bob, 'we got the boat').first().click();
  await expect(chips(alice, 'we got the boat').first()).toHaveAccessibleName('❤️ 1 from you');
  await alice.reloads();
  await expect(chips(alice, 'we got the boat')).toHaveText(['❤️1', '⛵1']);
});

test('an emoji is found by its name while one writes', async ({ signedUp }) => {
  const [alice, bob] = await together(signedUp);
  await alice.composer.pressSequentially('well done :tad');
  const offers = alice.page.getByRole('listbox', { name: 'Emoji' });
  await expect(offers.getByRole('option').first()).toHaveText('🎉party popper');
  await alice.composer.press('Enter');
  await expect(alice.composer).toHaveValue('well done 🎉');
  await expect(offers).toBeHidden();
  await alice.composer.pressSequentially(' at 10:30 :smi');
  await expect(offers.getByRole('option')).toHaveCount(8);
  await alice.composer.press('ArrowDown');
  const second = offers.getByRole('option').nth(1);
  await expect(second).toHaveAttribute('aria-selected', 'true');
  await expect(alice.composer).toHaveAttribute('aria-activedescendant', (await second.getAttribute('id')) ?? '');
  await alice.composer.press('Escape');
  await expect(offers).toBeHidden();
  await expect(alice.composer).toHaveValue('well done 🎉 at 10:30 :smi');
  // Where the caret stands, not at the end.
  await alice.composer.fill('ab');
  await alice.composer.press('ArrowLeft');
  await alice.page.getByRole('form', { name: 'Write a message' }).getByRole('button', { name: 'Emoji' }).click();
  await alice.page.getByRole('searchbox', { name: 'Search emoji' }).fill('anchor');
  await alice.page.getByRole('searchbox', { name: 'Search emoji' }).press('Enter');
  await expect(alice.composer).toHaveValue('a⚓b');
  await alice.composer.fill('🎉');
  await alice.composer.press('Enter');
  await bob.sees('🎉');
  await expect(bob.log.locator('.message-large')).toHaveText('🎉');
});

test('Markdown is drawn, and a link says where it leads', async ({ signedUp }) => {
  const [alice, bob] = await together(signedUp);
  const typed = [
    'Bring **two** _dry_ ~~wet~~ `ropes` and https://example.org/a_b_c',
    '',
    '> said Bob',
    '',
    '1. knots',
    '2. sails',
    '',
    '```rust',
    'let <b>a</b> = 1;',
    '```',
    '[our bank](https://elsewhere.invalid/login) <i>x</i> ||the captain||',
  ].join('\n');
  await alice.says(typed);
  const body = bob.log.locator('.message-body');
  await expect(body.locator('strong')).toHaveText('two');
  await expect(body.locator('em')).toHaveText('dry');
  await expect(body.locator('s')).toHaveText('wet');
  await expect(body.locator('p code')).toHaveText('ropes');
  await expect(body.locator('blockquote')).toHaveText('said Bob');
  await expect(body.locator('ol > li')).toHaveText(['knots', 'sails']);
  await expect(body.locator('pre code')).toHaveText('let <b>a</b> = 1;');
  await expect(body.locator('b, i, img, script')).toHaveCount(0);
  const links = body.locator('a');
  expect(await links.evaluateAll((all) => all.map((link) => [link.getAttribute('href'), link.getAttribute('rel'), link.getAttribute('target')]))).toEqual([
    ['https://example.org/a_b_c', 'noopener noreferrer', '_blank'],
    ['https://elsewhere.invalid/login', 'noopener noreferrer', '_blank'],
  ]);
  await expect(body).toContainText('our bank (elsewhere.invalid) <i>x</i>');
  // Covered until somebody wants to know.
  const covered = bob.page.getByRole('button', { name: 'Hidden text: press to show' });
  await covered.focus();
  await bob.page.keyboard.press('Enter');
  await expect(covered).toHaveCount(0);
  await expect(body.locator('.spoiler')).toHaveText('the captain');
  // What is copied and edited is what was typed.
  await expect(alice.log.locator('[data-message-state=sent]')).toHaveCount(1);
  await alice.composer.press('ArrowUp');
  await expect(alice.composer).toHaveValue(typed);
});

test('a very long message is folded', async ({ signedUp }) => {
  const [alice, bob] = await together(signedUp);
  await alice.says(Array.from({ length: 80 }, (_, at) => `line ${at + 1}`).join('\n'));
  const body = bob.log.locator('.message-body');
  const height = (): Promise<number> => body.evaluate((element) => element.getBoundingClientRect().height);
  await expect(bob.page.getByRole('button', { name: 'Show all' })).toBeVisible();
  const folded = await height();
  await bob.page.getByRole('button', { name: 'Show all' }).click();
  expect(await height()).toBeGreaterThan(2 * folded);
  await bob.page.getByRole('button', { name: 'Show less' }).click();
  expect(await height()).toBe(folded);
});

// Answering, calling by name, handing on: in two browsers. By the finger: `phone.spec.ts`.

import type { Locator } from '@playwright/test';

import type { Person } from './people.ts';
import { expect, test } from './stage.ts';

/** The row whose own text this is; an answer repeats what it answers. */
const row = (person: Person, text: string): Locator =>
  person.log.locator('[data-message-state]').filter({ has: person.page.locator('.message-body', { hasText: text }) });

/** Opens the menu of a message and takes an entry. */
async function takes(person: Person, text: string, entry: string): Promise<void> {
  await row(person, text).hover();
  await row(person, text).getByRole('button', { name: 'More' }).click();
  await person.page.getByRole('menuitem', { name: entry, exact: true }).click();
}

const quote = (person: Person, text: string): Locator => row(person, text).locator('.reply');

test('an answer shows what it answers as it reads now, and leads there', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.makesGroup('Sunday walk', ['bob']);
  await bob.opensToWrite('Sunday walk');
  await alice.says('shall we meet at nine');
  await bob.sees('shall we meet at nine');

  await row(bob, 'shall we meet').hover();
  await row(bob, 'shall we meet').getByRole('button', { name: 'Reply' }).click();
  await expect(bob.page.getByText('Replying to alice shall we meet at nine')).toBeVisible();
  await expect(bob.composer).toBeFocused();
  // Esc leaves it; what was typed stays.
  await bob.composer.fill('too early');
  await bob.composer.press('Escape');
  await expect(bob.page.getByText(/^Replying to/)).toHaveCount(0);
  await expect(bob.composer).toHaveValue('too early');
  await takes(bob, 'shall we meet', 'Reply');
  await bob.composer.press('Enter');
  await expect(bob.page.getByText(/^Replying to/)).toHaveCount(0);
  for (const person of [alice, bob]) {
    await expect(quote(person, 'too early')).toHaveText('aliceshall we meet at nine');
  }
  // It is for alice: her row stands out, his does not.
  await expect(row(alice, 'too early')).toHaveAttribute('data-calls', '');
  await expect(row(bob, 'too early')).not.toHaveAttribute('data-calls');

  await alice.composer.press('ArrowUp');
  await alice.composer.fill('shall we meet at ten');
  await alice.composer.press('Enter');
  await expect(quote(bob, 'too early')).toHaveText('aliceshall we meet at ten(edited)');

  // Far above by now, on a browser that has not loaded it.
  for (let number = 0; number < 65; number += 1) await alice.says(`line ${number}`);
  await alice.hasSentEverything();
  await takes(alice, 'line 64', 'Reply');
  await alice.says('to the last');
  await bob.sees('to the last');
  await bob.reloads();
  await bob.sees('to the last');
  await quote(bob, 'to the last').click();
  await expect(row(bob, 'line 64')).toBeFocused();
  await bob.goesToTheBeginning();
  await quote(bob, 'too early').click();
  await expect(row(bob, 'shall we meet at ten')).toBeFocused();
  await expect(row(bob, 'shall we meet at ten')).toHaveAttribute('data-flash', '');

  await takes(alice, 'line 64', 'Delete for everyone');
  await alice.dialog('Delete for everyone?').getByRole('button', { name: 'Delete' }).click();
  await expect(quote(alice, 'to the last')).toHaveText('A message that was deleted');
  await bob.page.getByRole('button', { name: 'Newest' }).click();
  await expect(quote(bob, 'to the last')).toHaveText('A message that was deleted');
});

test('keys of an input method are its own: they send nothing, leave nothing and choose nothing', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.makesGroup('Sunday walk', ['bob']);
  await bob.opensToWrite('Sunday walk');
  await bob.says('which one');
  await alice.sees('which one');
  /** Whether the field leaves the key to the input method. `old`: as some browsers say so. */
  const composes = (field: Locator, key: string, old = false): Promise<boolean> =>
    field.evaluate(
      (element, { key, old }) =>
        element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...(old ? { keyCode: 229 } : { isComposing: true }) })),
      { key, old },
    );

  await row(alice, 'which one').hover();
  await row(alice, 'which one').getByRole('button', { name: 'Reply' }).click();
  await expect(alice.composer).toBeFocused();
  await alice.composer.fill('にほん');
  for (const key of ['Enter', 'Escape', 'ArrowUp', 'Tab']) {
    expect(await composes(alice.composer, key), key).toBe(true);
    expect(await composes(alice.composer, key, true), key).toBe(true);
  }
  await expect(alice.composer).toHaveValue('にほん');
  await expect(alice.page.getByText('Replying to bob which one')).toBeVisible();

  // In the switcher it chooses nothing, and what was typed stays.
  await alice.page.keyboard.press('Control+k');
  const field = alice.dialog('Jump to').getByRole('combobox', { name: 'Jump to' });
  await field.fill('settings');
  await expect(alice.dialog('Jump to').getByRole('option').first()).toHaveAttribute('aria-selected', 'true');
  for (const old of [false, true]) {
    expect(await composes(field, 'ArrowDown', old)).toBe(true);
    expect(await composes(field, 'Enter', old)).toBe(true);
  }
  await expect(alice.dialog('Jump to').getByRole('option').first()).toHaveAttribute('aria-selected', 'true');
  await expect(field).toHaveValue('settings');
  await alice.page.keyboard.press('Escape');
  await expect(field).toBeHidden();

  // The next one is no longer its own.
  await expect(alice.composer).toBeFocused();
  await alice.composer.press('Enter');
  await expect(row(bob, 'にほん')).toBeVisible();
  await expect(row(bob, 'にほん')).toHaveCount(1);
});

test('whoever writes while people come and go writes on', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Sunday walk', ['bob']);
  await bob.opensToWrite('Sunday walk');
  await bob.says('hello');
  await bob.hasSentEverything();
  await bob.composer.pressSequentially('half a thou');
  // The field stands there all the time, and no banner in its place.
  await bob.page.evaluate(() => {
    const field = document.getElementById('composer');
    const seen = { gone: false };
    new MutationObserver(() => {
      if (!field?.isConnected || document.querySelector('.banner')) seen.gone = true;
    }).observe(document.body, { childList: true, subtree: true });
    Object.assign(window, { seen });
  });
  const wasGone = (): Promise<boolean> => bob.page.evaluate(() => (window as unknown as { seen: { gone: boolean } }).seen.gone);

  await alice.addsPeople(['cleo']);
  await expect(bob.log.getByText('alice added cleo.')).toBeVisible();
  await cleo.opensToWrite('Sunday walk');
  await cleo.says('here I am');
  await bob.sees('here I am');
  await expect(bob.composer).toBeFocused();
  await bob.page.keyboard.type('ght');
  await expect(bob.composer).toHaveValue('half a thought');

  // With every one who goes there is a new key.
  await alice.removes('cleo');
  await expect(bob.log.getByText('alice removed cleo.')).toBeVisible();
  await alice.says('only us');
  await bob.sees('only us');
  await expect(bob.composer).toBeFocused();
  await expect(bob.composer).toHaveValue('half a thought');
  expect(await wasGone()).toBe(false);
  await bob.composer.press('Enter');
  await alice.sees('half a thought');
});

test('people are called by name while one writes, and see that they are meant', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Sunday walk', ['bob', 'cleo']);
  await bob.opensToWrite('Sunday walk');
  await cleo.opensToWrite('Sunday walk');

  await bob.composer.pressSequentially('good morning ');
  const line = await bob.composer.boundingBox();
  await bob.composer.pressSequentially('@');
  const offers = bob.page.getByRole('listbox', { name: 'People' });
  await expect(offers.getByRole('option')).toHaveText(['alice', 'cleo']);
  // They open above the line, which stays where it is; on the smallest screen, too.
  expect(await bob.composer.boundingBox()).toEqual(line);
  const wide = bob.page.viewportSize() ?? { width: 1280, height: 800 };
  await bob.page.setViewportSize({ width: 360, height: 640 });
  const [list, below] = [await offers.boundingBox(), await bob.composer.boundingBox()];
  expect(list && below && list.x >= 0 && list.x + list.width <= 360 && list.y >= 0 && list.y + list.height <= below.y).toBe(true);
  await bob.page.setViewportSize(wide);
  await bob.composer.press('ArrowDown');
  await expect(offers.getByRole('option', { name: 'cleo' })).toHaveAttribute('aria-selected', 'true');
  await bob.composer.press('Enter');
  await expect(bob.composer).toHaveValue('good morning @cleo ');
  await expect(offers).toHaveCount(0);
  // Esc turns the offer down, and the letters stay.
  await bob.composer.pressSequentially('and @al');
  await expect(offers.getByRole('option')).toHaveText(['alice']);
  await bob.composer.press('Escape');
  await expect(offers).toHaveCount(0);
  await bob.composer.press('Enter');
  await expect(row(cleo, 'good morning').locator('.mention-you')).toHaveText('@cleo');
  await expect(row(cleo, 'good morning')).toHaveAttribute('data-calls', '');
  await expect(row(alice, 'good morning').locator('.mention')).toHaveText('@cleo');
  await expect(row(alice, 'good morning')).not.toHaveAttribute('data-calls');

  // Only who moderates calls everybody; from others it is a word.
  await alice.composer.pressSequentially('@every');
  await alice.page.getByRole('option', { name: /everyone/ }).click();
  await expect(alice.composer).toHaveValue('@everyone ');
  await alice.composer.pressSequentially('tea is ready');
  await alice.composer.press('Enter');
  await expect(row(bob, 'tea is ready').locator('.mention-you')).toHaveText('@everyone');
  await bob.says('@everyone coffee too');
  await cleo.sees('@everyone coffee too');
  await expect(row(cleo, 'coffee too').locator('.mention')).toHaveCount(0);

  // In code a name is code, and an address is an address.
  await bob.says('`@cleo` cleo@example.org');
  await expect(row(cleo, 'cleo@example.org')).toBeVisible();
  await expect(row(cleo, 'cleo@example.org').locator('.mention')).toHaveCount(0);
});

test('a message is handed on: the words alone', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Secret garden', ['bob']);
  await bob.opensToWrite('Secret garden');
  await bob.says('the gate is open, @alice, come in');
  await alice.sees('the gate is open, @alice, come in');
  await alice.opensDirectWith('cleo');
  await alice.makesGroup('Harbour', ['cleo']);
  await alice.opensToWrite('Secret garden');

  await takes(alice, 'the gate is open', 'Forward');
  const dialog = alice.dialog('Forward');
  await expect(dialog.getByRole('button', { name: 'Forward' })).toBeDisabled();
  await dialog.getByRole('searchbox', { name: 'Find a conversation' }).fill('nothing like it');
  await expect(dialog.getByText('No conversation is called that.')).toBeVisible();
  await dialog.getByRole('searchbox', { name: 'Find a conversation' }).fill('har');
  await dialog.getByRole('checkbox', { name: 'Harbour' }).check();
  await dialog.getByRole('searchbox', { name: 'Find a conversation' }).fill('');
  await dialog.getByRole('checkbox', { name: 'cleo' }).check();
  await dialog.getByRole('button', { name: 'Forward' }).click();
  await expect(alice.page.getByText('Forwarded to 2 conversations')).toBeVisible();

  for (const title of ['alice', 'Harbour']) {
    await cleo.opensToWrite(title);
    await expect(row(cleo, 'the gate is open').locator('.message-note')).toHaveText('Forwarded');
    const shown = await row(cleo, 'the gate is open').innerText();
    expect(shown).not.toMatch(/bob|Secret garden/);
  }
});

test('commands that are typed are done, and what is none stays in the field', async ({ signedUp }) => {
  const [alice] = await signedUp('alice', 'bob');
  await alice.makesGroup('Sunday walk', ['bob']);
  await alice.composer.pressSequentially('/in');
  await expect(alice.page.getByRole('listbox', { name: 'Commands' }).getByRole('option')).toHaveText([/^\/invite/]);
  await alice.composer.press('Enter');
  await expect(alice.composer).toHaveValue('/invite ');
  await alice.composer.press('Enter');
  await expect(alice.dialog(/^Add people/)).toBeVisible();
  await alice.page.keyboard.press('Escape');
  await expect(alice.composer).toHaveValue('');

  await alice.composer.fill('/dance with me');
  await alice.composer.press('Enter');
  await expect(alice.page.getByRole('alert').getByText('There is no command /dance.')).toBeVisible();
  await expect(alice.composer).toHaveValue('/dance with me');
  await alice.composer.fill(' /dance with me');
  await alice.composer.press('Enter');
  await alice.sees('/dance with me');
  await alice.says('/usr/bin/env is a path');
  await alice.sees('/usr/bin/env is a path');
  await alice.says('/shrug who knows');
  await alice.sees('who knows ¯\\_(ツ)_/¯');
  await alice.composer.fill('/help');
  await alice.composer.press('Enter');
  await expect(alice.dialog('Commands').getByText('/leave')).toBeVisible();
});

test('what commands do is seen by the others', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Sunday walk', ['bob']);
  await bob.opensToWrite('Sunday walk');
  const orders = async (person: Person, command: string): Promise<void> => {
    await person.composer.fill(command);
    await person.composer.press('Enter');
  };
  await alice.says('/shrug who knows');
  await bob.sees('who knows ¯\\_(ツ)_/¯');
  await orders(alice, '/rename');
  await alice.dialog('Rename the group').getByRole('textbox', { name: 'Name' }).fill('Monday swim');
  await alice.dialog('Rename the group').getByRole('button', { name: 'Rename' }).click();
  await expect(bob.page.getByRole('heading', { name: 'Monday swim', level: 1 })).toBeVisible();
  await bob.canWriteTo('Monday swim');
  // Whoever may not is told, and nothing changes.
  await orders(bob, '/rename');
  await expect(bob.page.getByRole('alert').getByText('/rename cannot be used here.')).toBeVisible();
  await bob.composer.fill('');
  await orders(alice, '/poll Where to?');
  const poll = alice.dialog('New poll');
  await expect(poll.getByLabel('Question')).toHaveValue('Where to?');
  await poll.getByLabel('Answer 1').fill('the mill');
  await poll.getByLabel('Answer 2').fill('the bridge');
  await poll.getByRole('button', { name: 'Ask' }).click();
  await bob.log.getByRole('radio', { name: 'the mill' }).check();
  await expect(alice.log.getByText('1 vote', { exact: true }).first()).toBeVisible();
  await orders(alice, '/invite');
  const add = alice.dialog(/^Add people/);
  await add.getByRole('textbox', { name: 'People' }).fill('cleo');
  await add.getByRole('button', { name: 'Add', exact: true }).last().click();
  await expect(add).toBeHidden();
  await expect(bob.log.getByText('alice added cleo.')).toBeVisible();
  await cleo.opensToWrite('Monday swim');
  await orders(cleo, '/leave');
  await cleo.dialog('Leave Monday swim?').getByRole('button', { name: 'Leave group' }).click();
  for (const person of [alice, bob]) await expect(person.log.getByText('cleo left.')).toBeVisible();
});

test('what was begun in one conversation waits there while another one is open, and nobody sees it before', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.makesGroup('Garden', ['bob']);
  await alice.makesGroup('Kitchen', ['bob']);
  await bob.opensToWrite('Garden');
  await bob.composer.fill('I think that we should');
  await bob.opensToWrite('Kitchen');
  await expect(bob.composer).toHaveValue('');
  await bob.says('the soup is ready');
  await alice.sees('the soup is ready');
  await expect(bob.conversations.getByRole('link').filter({ hasText: 'Garden' })).toContainText('Draft: I think that we should');
  await alice.opensToWrite('Garden');
  await alice.comesToSeeExactly([]);
  await bob.opensToWrite('Garden');
  await expect(bob.composer).toHaveValue('I think that we should');
  await bob.composer.press('End');
  await bob.composer.pressSequentially(' wait');
  await bob.composer.press('Enter');
  await alice.comesToSeeExactly(['I think that we should wait']);
  await bob.opensToWrite('Kitchen');
  await expect(bob.composer).toHaveValue('');
});

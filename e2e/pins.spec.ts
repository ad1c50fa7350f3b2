// Messages that are kept at hand.

import type { Locator } from '@playwright/test';

import { PHONE, type Person } from './people.ts';
import { expect, test } from './stage.ts';

const panel = (person: Person): Locator => person.page.getByRole('complementary', { name: 'Pinned messages' });
const pins = (person: Person): Locator => panel(person).locator('.pin-text');

async function takes(person: Person, text: string, entry: string): Promise<void> {
  await person.message(text).hover();
  await person.message(text).getByRole('button', { name: 'More' }).click();
  await person.page.getByRole('menuitem', { name: entry, exact: true }).click();
}

test('what is pinned is found by everybody, from far away, until it is taken down', async ({ signedUp, anotherBrowserOf }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.makesGroup('Sunday walk', ['bob']);
  await bob.opensToWrite('Sunday walk');
  await alice.says('the meeting point is the mill');
  await alice.says('bring water');
  await bob.sees('bring water');
  await takes(alice, 'the meeting point is the mill', 'Pin');
  await expect(bob.log.getByText('alice pinned a message.')).toBeVisible();
  await expect(bob.message('the meeting point is the mill').getByText('Pinned')).toBeVisible();
  await takes(alice, 'bring water', 'Pin');

  // Bob may look, and not pin.
  await bob.message('bring water').hover();
  await bob.message('bring water').getByRole('button', { name: 'More' }).click();
  await expect(bob.page.getByRole('menuitem', { name: 'Unpin' })).toHaveCount(0);
  await bob.page.keyboard.press('Escape');
  await bob.page.getByRole('button', { name: 'Pinned messages, 2' }).click();
  await expect(pins(bob)).toHaveText(['bring water', 'the meeting point is the mill']);
  await expect(panel(bob).getByRole('button', { name: 'What can be done with this pin' })).toHaveCount(0);

  for (let number = 0; number < 90; number += 1) await alice.says(`line ${number}`);
  await alice.hasSentEverything();
  const elsewhere = await anotherBrowserOf(bob);
  await elsewhere.signsIn();
  await elsewhere.opensToWrite('Sunday walk');
  await elsewhere.page.getByRole('button', { name: 'Pinned messages, 2' }).click();
  await pins(elsewhere).nth(1).click();
  await expect(elsewhere.message('the meeting point is the mill')).toBeFocused();

  // Taken down from the panel; deleted, it goes by itself.
  await alice.page.getByRole('button', { name: 'Pinned messages, 2' }).click();
  await panel(alice).getByRole('button', { name: 'What can be done with this pin' }).first().click();
  await alice.page.getByRole('menuitem', { name: 'Unpin' }).click();
  for (const person of [alice, bob, elsewhere]) await expect(pins(person)).toHaveText(['the meeting point is the mill']);
  await pins(alice).click();
  await takes(alice, 'the meeting point is the mill', 'Delete for everyone');
  await alice.dialog('Delete for everyone?').getByRole('button', { name: 'Delete' }).click();
  for (const person of [alice, bob, elsewhere]) await expect(panel(person).getByText('Nothing is pinned')).toBeVisible();
});

test('on a narrow screen the pinned messages take the place of the conversation, and lead back to it', async ({ signedUp, newPerson }) => {
  const bob = await newPerson('bob', PHONE);
  await bob.signsUp();
  const [alice] = await signedUp('alice');
  await alice.opensDirectWith('bob');
  await alice.says('the key is under the pot');
  await bob.opensToWrite('alice');
  await takes(alice, 'the key is under the pot', 'Pin');
  await bob.page.getByRole('button', { name: 'Pinned messages, 1' }).tap();
  await expect(pins(bob)).toHaveText(['the key is under the pot']);
  await pins(bob).tap();
  await expect(bob.message('the key is under the pot')).toBeVisible();
  await expect(panel(bob)).toHaveCount(0);
  // In a direct message both may.
  await bob.page.getByRole('button', { name: 'Pinned messages, 1' }).tap();
  await panel(bob).getByRole('button', { name: 'What can be done with this pin' }).tap();
  await bob.page.getByRole('menuitem', { name: 'Unpin' }).tap();
  await expect(panel(bob).getByText('Nothing is pinned')).toBeVisible();
  await expect(alice.page.getByRole('button', { name: /^Pinned messages/ })).toHaveCount(0);
});

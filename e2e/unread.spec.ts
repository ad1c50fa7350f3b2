// What is unread: a number for what is meant for one, a dot for the rest, the same in all tabs and browsers.

import type { Locator } from '@playwright/test';

import type { Person } from './people.ts';
import { expect, test } from './stage.ts';

const row = (person: Person, title: string): Locator => person.conversations.getByRole('link').filter({ hasText: title });

test('a direct message counts, a group shows a dot, and the tab says both', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.hasBeenWrittenToBy(bob);
  await alice.makesGroup('Garden', ['bob']);
  await alice.says('the beans are in');
  await expect(row(bob, 'Garden').locator('.talk-dot')).toBeVisible();
  await expect(row(bob, 'Garden')).toContainText('1 unread');
  await expect(row(bob, 'Garden').locator('.badge')).toHaveCount(0);
  await expect(bob.page).not.toHaveTitle(/^\(/);
  await expect(bob.page.locator('link[rel=icon]')).toHaveAttribute('href', '/favicon-unread.svg');
  await alice.opensDirectWith('bob');
  await alice.says('and for you alone');
  await expect(row(bob, 'alice').locator('.badge')).toContainText('1');
  await expect(bob.page).toHaveTitle(/^\(1\) /);
  await bob.opens('alice');
  await expect(bob.page).not.toHaveTitle(/^\(/);
  await bob.opens('Garden');
  await expect(bob.page.locator('link[rel=icon]')).toHaveAttribute('href', '/favicon.svg');
});

test('what is read in one browser is read in the other, and in another tab at once', async ({ signedUp, anotherBrowserOf, anotherTabOf }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('one');
  await bob.opensToWrite('alice');
  await bob.page.goto('/messages');
  const tab = await anotherTabOf(bob);
  await tab.page.goto('/messages');
  const second = await anotherBrowserOf(bob);
  await second.signsIn();
  await alice.says('two');
  for (const view of [bob, tab, second]) await expect(row(view, 'alice')).toContainText('1 unread');
  await second.opens('alice');
  for (const view of [bob, tab, second]) await expect(row(view, 'alice')).not.toContainText('unread');
  // A browser that comes later begins where the others are.
  await alice.says('three');
  await second.sees('three');
  const third = await anotherBrowserOf(bob);
  await third.signsIn();
  await expect(row(third, 'alice')).toContainText('three');
  // What was read is written at a leisurely pace.
  await expect(row(third, 'alice')).not.toContainText('unread', { timeout: 40_000 });
});

test('a message can be marked unread, and stays so until one leaves', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  for (const text of ['one', 'two', 'three']) await alice.says(text);
  await bob.opensToWrite('alice');
  await bob.sees('three');
  await expect(row(bob, 'alice')).not.toContainText('unread');
  await bob.message('two').hover();
  await bob.message('two').getByRole('button', { name: 'More' }).click();
  await bob.page.getByRole('menuitem', { name: 'Mark unread from here' }).click();
  await expect(row(bob, 'alice')).toContainText('2 unread');
  await expect(bob.log.getByText('New since')).toBeVisible();
  await alice.says('four');
  await expect(row(bob, 'alice')).toContainText('3 unread');
  await bob.page.goto('/messages');
  await expect(row(bob, 'alice')).toContainText('3 unread');
  await bob.opens('alice');
  await expect(row(bob, 'alice')).not.toContainText('unread');
});

test('what was marked unread counts as read again after Esc, and what comes next does, too', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  for (const text of ['one', 'two', 'three']) await alice.says(text);
  await bob.opensToWrite('alice');
  await bob.sees('three');
  await expect(row(bob, 'alice')).not.toContainText('unread');
  await bob.message('two').hover();
  await bob.message('two').getByRole('button', { name: 'More' }).click();
  await bob.page.getByRole('menuitem', { name: 'Mark unread from here' }).click();
  await expect(row(bob, 'alice')).toContainText('2 unread');
  const line = bob.log.getByText('New since');
  await expect(line).toBeVisible();

  await bob.composer.press('Escape');
  await expect(row(bob, 'alice')).not.toContainText('unread');
  // The line stays where one reads.
  await expect(line).toBeVisible();
  await bob.page.getByRole('button', { name: 'Undo' }).click();
  await expect(row(bob, 'alice')).toContainText('2 unread');
  await bob.composer.press('Escape');
  await expect(row(bob, 'alice')).not.toContainText('unread');
  await alice.says('four');
  await bob.sees('four');
  await expect(alice.readMark('four')).toBeVisible();
  await expect(row(bob, 'alice')).not.toContainText('unread');
  await expect(line).toBeVisible();

  // Whoever goes to the settings and comes back finds what was left unread.
  await bob.message('three').hover();
  await bob.message('three').getByRole('button', { name: 'More' }).click();
  await bob.page.getByRole('menuitem', { name: 'Mark unread from here' }).click();
  await expect(row(bob, 'alice')).toContainText('2 unread');
  await bob.column.getByRole('link', { name: 'Settings' }).click();
  await expect(bob.log).toHaveCount(0);
  await bob.page.goBack();
  await expect(line).toBeVisible();
  await expect(bob.message('three')).toBeVisible();
});

test('counting everything as read can be taken back', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.hasBeenWrittenToBy(bob);
  for (let nth = 0; nth < 40; nth += 1) await alice.says(`line ${nth}`);
  await expect(row(bob, 'alice')).toContainText('40 unread');
  await bob.opens('alice');
  await expect(bob.page.getByRole('button', { name: 'First of 40 unread' })).toBeVisible();
  await bob.page.keyboard.press('Shift+PageUp');
  await expect(bob.message('line 0')).toBeInViewport();
  await alice.says('one more');
  await expect(row(bob, 'alice')).toContainText('1 unread');
  await bob.page.keyboard.press('Escape');
  await expect(row(bob, 'alice')).not.toContainText('unread');
  await bob.page.getByRole('button', { name: 'Undo' }).click();
  await expect(row(bob, 'alice')).toContainText('1 unread');
  // All conversations at once, too.
  await bob.page.keyboard.press('Control+k');
  await bob.dialog('Jump to').getByRole('combobox').fill('everything');
  await bob.page.keyboard.press('Enter');
  await expect(row(bob, 'alice')).not.toContainText('unread');
  await bob.page.getByRole('button', { name: 'Undo' }).last().click();
  await expect(row(bob, 'alice')).toContainText('1 unread');
});

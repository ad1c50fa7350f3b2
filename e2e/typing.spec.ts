// That somebody writes, and whether they are here: seen by the others, said by nothing aloud, and each can be switched off.

import type { Person } from './people.ts';
import { expect, test } from './stage.ts';

const writes = (person: Person, words: string) => person.page.getByText(words, { exact: true });

async function lets(person: Person, what: string, on: boolean): Promise<void> {
  await person.page.goto('/settings/privacy');
  await person.page.getByLabel(what).setChecked(on);
  await person.page.goto('/messages');
}

test('who writes is shown until what they wrote comes', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Garden', ['bob', 'cleo']);
  await bob.opensToWrite('Garden');
  await cleo.opensToWrite('Garden');
  const rows = await alice.log.boundingBox();
  await bob.composer.pressSequentially('The be');
  await expect(writes(alice, 'bob is writing')).toBeVisible();
  // The messages stay where they are.
  expect(await alice.log.boundingBox()).toEqual(rows);
  await cleo.composer.pressSequentially('Who wa');
  await expect(alice.page.getByText(/^(bob and cleo|cleo and bob) are writing$/)).toBeVisible();
  // Nothing calls it out.
  await expect(alice.page.locator('[aria-live], [role=status], [role=log]').getByText('writing')).toHaveCount(0);
  await bob.composer.fill('The beans are in');
  await bob.composer.press('Enter');
  await alice.sees('The beans are in');
  await expect(writes(alice, 'cleo is writing')).toBeVisible();
  await cleo.composer.fill('Who waters?');
  await cleo.composer.press('Enter');
  await alice.sees('Who waters?');
  await expect(alice.page.getByText('is writing')).toHaveCount(0);
});

test('on a phone it stands above the field, and the page is as wide as before', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('hello');
  await alice.page.setViewportSize({ width: 390, height: 844 });
  await bob.opensToWrite('alice');
  const rows = await alice.log.boundingBox();
  await bob.composer.pressSequentially('Hm');
  await expect(writes(alice, 'bob is writing')).toBeInViewport();
  expect(await alice.log.boundingBox()).toEqual(rows);
  expect(await alice.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
});

test('whoever does not let it be seen does not see it either', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('hello');
  await lets(bob, 'Let others see that you are writing', false);
  await bob.opensToWrite('alice');
  await bob.composer.pressSequentially('secretly');
  await alice.composer.pressSequentially('openly');
  await bob.composer.press('Enter');
  await alice.sees('secretly');
  await alice.composer.press('Enter');
  await bob.sees('openly');
  for (const person of [alice, bob]) await expect(person.page.getByText('is writing')).toHaveCount(0);
});

test('whether somebody is here stands beside their picture, in shape and in words', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('hello');
  const row = alice.conversations.getByRole('link').filter({ hasText: 'bob' });
  await bob.opensToWrite('alice');
  await expect(row.getByText('Here now')).toBeAttached();
  await expect(alice.page.locator('.bar-topic')).toContainText('Here now');
  await lets(bob, 'Let others see whether you are here', false);
  await expect(row.getByText('Not here')).toBeAttached();
  await expect(alice.page.locator('.bar-topic')).toContainText('Last here today');
  await bob.opens('alice');
  await expect(bob.page.locator('.bar-topic')).not.toContainText('Here');
});

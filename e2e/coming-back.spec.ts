// A browser is a cache: what was there is there at once, and what is lost comes back with the password.

import { expect, test } from './stage.ts';

const TALK = ['one', 'two', 'three', 'four', 'five'];

test('after a reload everything is there at once, with no server in reach', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  for (const text of TALK) await alice.says(text);
  await bob.opens('alice');
  await bob.comesToSeeExactly(TALK);

  bob.goesOffline();
  await bob.reloads();
  await bob.comesToSeeExactly(TALK);
  await expect(bob.column.getByRole('link').filter({ hasText: 'alice' })).toBeVisible();
  await bob.readsEverything();

  await alice.says('six');
  await bob.comesBack();
  await bob.comesToSeeExactly([...TALK, 'six']);
  await bob.readsEverything();
});

test('a browser that was never here reads the whole history', async ({ signedUp, anotherBrowserOf }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  for (const text of TALK) await alice.says(text);
  await bob.opensToWrite('alice');
  await bob.says('and back');
  await bob.hasSentEverything();

  const elsewhere = await anotherBrowserOf(bob);
  await elsewhere.signsIn();
  await elsewhere.opensToWrite('alice');
  await elsewhere.comesToSeeExactly([...TALK, 'and back']);
  await elsewhere.readsEverything();

  // The new browser is a full one, and nobody sees an alarm.
  await elsewhere.says('from the new browser');
  await alice.sees('from the new browser');
  await bob.sees('from the new browser');
  await alice.readsEverything();
  await expect(alice.page.getByText('safety number')).toHaveCount(0);
});

test('what stood in the composer stands there after a reload', async ({ signedUp }) => {
  const [alice] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.composer.fill('half a thou');
  await alice.reloads();
  await expect(alice.composer).toHaveValue('half a thou');
});

test('signing out leaves nothing behind in the browser', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('only for us');
  await bob.opens('alice');
  await bob.sees('only for us');

  await bob.page.goto('/settings');
  await bob.page.getByRole('button', { name: 'Sign out of this browser' }).click();
  const dialog = bob.page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Sign out' }).click();
  await expect(bob.page.getByRole('form', { name: 'Sign in' })).toBeVisible();
  await bob.reloads();
  await expect(bob.page.getByRole('form', { name: 'Sign in' })).toBeVisible();
  const left = await bob.page.evaluate(async () => {
    const names = (await indexedDB.databases()).map((database) => database.name ?? '');
    return { databases: names, storage: JSON.stringify(localStorage) };
  });
  expect(JSON.stringify(left)).not.toContain('only for us');
});

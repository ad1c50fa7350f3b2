// What others have read: it stands under one's own message, for those who let it be seen.

import { expect, test } from './stage.ts';
import type { Person } from './people.ts';

/** Sets whether others see what is read in this browser, and comes back to the conversations. */
async function letsOthersSee(person: Person, on: boolean): Promise<void> {
  await person.page.goto('/settings/privacy');
  await person.page.getByLabel('Let others see what you have read').setChecked(on);
  await person.page.goto('/messages');
}

test('what the other one has read is marked under the newest message they have read', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await bob.opensDirectWith('alice');
  await bob.page.goto('/messages');
  await alice.opensDirectWith('bob');
  await alice.says('one');
  await alice.hasSentEverything();
  // It has come, and nobody has looked at it.
  await expect(bob.conversations.getByRole('link').filter({ hasText: 'alice' })).toContainText('1 unread');
  await expect(alice.log.locator('[data-read]')).toHaveCount(0);

  await bob.opens('alice');
  await expect(alice.readMark('one')).toHaveText('Read');
  await alice.says('two');
  await expect(alice.readMark('two')).toHaveText('Read');
  await expect(alice.log.locator('[data-read]')).toHaveCount(1);
  // The browser keeps it.
  await alice.reloads();
  await expect(alice.readMark('two')).toHaveText('Read');
  await alice.readsEverything();
  await bob.readsEverything();
});

test('in a group it says how many have read it', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Sunday walk', ['bob', 'cleo']);
  await alice.says('who comes?');
  await bob.opensToWrite('Sunday walk');
  await expect(alice.readMark('who comes?')).toHaveText('Read by 1');
  await cleo.opensToWrite('Sunday walk');
  await expect(alice.readMark('who comes?')).toHaveText('Read by 2');
  await expect(bob.log.locator('[data-read]'), 'he has written nothing').toHaveCount(0);
});

test('whoever does not let it be seen does not see it either', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await letsOthersSee(bob, false);
  await alice.opensDirectWith('bob');
  await alice.says('one');
  await bob.opensToWrite('alice');
  await bob.sees('one');
  await bob.says('two');
  await alice.sees('two');
  await alice.says('three');
  await bob.sees('three');
  await expect(alice.log.locator('[data-read]')).toHaveCount(0);
  await expect(bob.log.locator('[data-read]')).toHaveCount(0);

  // It was kept over reloads; and once it is on again, both see it.
  await bob.page.goto('/settings/privacy');
  await expect(bob.page.getByLabel('Let others see what you have read')).not.toBeChecked();
  await letsOthersSee(bob, true);
  await bob.opens('alice');
  await expect(alice.readMark('three')).toHaveText('Read');
  await expect(bob.readMark('two')).toHaveText('Read');
});

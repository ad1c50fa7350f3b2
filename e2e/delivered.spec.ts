// What has come to somebody: it stands under one's own newest message before they have looked at it.

import { expect, test } from './stage.ts';
import type { Person } from './people.ts';

const reachedMark = (person: Person, text: string) => person.message(text).locator('[data-reached]');

async function lets(person: Person, on: boolean): Promise<void> {
  await person.page.goto('/settings/privacy');
  await person.page.getByLabel('Let others see that their messages have come').setChecked(on);
  await person.page.goto('/messages');
}

test('a message is sent, then delivered, then read', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await bob.opensDirectWith('alice');
  await alice.says('hello');
  await expect(alice.readMark('hello')).toHaveText('Read');

  // Bob is somewhere else on his page: it comes, and he has not looked at it.
  await bob.page.goto('/settings/appearance');
  await alice.says('one');
  await expect(reachedMark(alice, 'one')).toHaveText('Delivered');
  await expect(alice.readMark('hello')).toHaveText('Read');
  await bob.page.goto('/messages');
  await bob.opens('alice');
  await expect(alice.readMark('one')).toHaveText('Read');
  await expect(alice.log.locator('[data-reached]')).toHaveCount(0);

  // He closes his page: it waits for him at the server.
  await bob.page.close();
  await alice.says('two');
  await alice.hasSentEverything();
  await expect(reachedMark(alice, 'two')).toHaveText('Sent');
});

test('in a group it says to how many', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Sunday walk', ['bob', 'cleo']);
  await bob.opensToWrite('Sunday walk');
  await cleo.opensToWrite('Sunday walk');
  await bob.page.goto('/settings/appearance');
  await cleo.page.goto('/settings/appearance');
  await alice.says('who comes?');
  await expect(reachedMark(alice, 'who comes?')).toHaveText('Delivered to 2');
});

test('whoever does not tell it does not see it either', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await bob.opensDirectWith('alice');
  await bob.says('hello');
  await alice.sees('hello');
  await lets(bob, false);
  await bob.opens('alice');
  await alice.page.goto('/messages');
  await bob.says('one');
  await bob.hasSentEverything();
  await expect(alice.conversations.getByRole('link').filter({ hasText: 'bob' })).toContainText('1 unread');
  await expect(reachedMark(bob, 'one')).toHaveText('Sent');
  await bob.page.goto('/settings/privacy');
  await expect(bob.page.getByLabel('Let others see that their messages have come')).not.toBeChecked();
  await lets(bob, true);
  await bob.opens('alice');
  await bob.says('two');
  await expect(reachedMark(bob, 'two')).toHaveText('Delivered');
});

// What a reader finds who comes back to a long conversation.

import { expect, test } from './stage.ts';

test('a conversation with much that is new leads to the first of it', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('off for a while');
  await alice.hasSentEverything();
  await alice.page.goto('/messages');
  await alice.isOnline();
  await bob.opensToWrite('alice');
  for (let at = 1; at <= 60; at += 1) await bob.says(`news ${at}`);
  await expect(alice.column.getByText('news 60')).toBeVisible({ timeout: 20_000 });

  await alice.opens('bob');
  await expect(alice.message('news 60')).toBeInViewport();
  await expect(alice.message('news 1')).not.toBeInViewport();
  await alice.page.getByRole('button', { name: 'First of 60 unread' }).click();
  await expect(alice.message('news 1')).toBeInViewport();
  await expect(alice.log.getByText('New since')).toBeInViewport();
  await expect(alice.page.getByRole('button', { name: /^First of/ })).toHaveCount(0);

  await alice.page.getByRole('button', { name: 'Newest' }).click();
  await expect(alice.message('news 60')).toBeInViewport();
  await expect(alice.page.getByRole('button', { name: /^First of/ })).toHaveCount(0);
});

test('a page that broke says so', async ({ signedUp }) => {
  const [alice] = await signedUp('alice');
  alice.expectsTrouble(/unreachable/);
  // A module whose one function does what a fault of the page comes down to.
  await alice.page.evaluate(() => {
    const trap = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 97, 0, 0, 10, 5, 1, 3, 0, 0, 11);
    setTimeout(() => void WebAssembly.instantiate(trap).then(({ instance }) => (instance.exports['a'] as () => void)()));
  });
  await expect(alice.page.getByRole('heading', { name: 'Sotto stopped' })).toBeVisible();
  await alice.page.getByRole('button', { name: 'Load the page again' }).click();
  await alice.isIn();
});

// Any number of tabs of one account, all live, all in one order.

import { expect, test } from './stage.ts';

test('two tabs of one account send at once, and everyone sees one order', async ({ signedUp, anotherTabOf }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('begin');
  await bob.opensToWrite('alice');
  await bob.sees('begin');

  const second = await anotherTabOf(alice);
  await second.page.goto('/messages');
  await second.opensToWrite('bob');
  await second.sees('begin');

  await Promise.all(
    [alice, second].map(async (tab, number) => {
      for (let i = 1; i <= 10; i++) await tab.says(`tab ${number + 1}, line ${i}.`);
    }),
  );

  const wanted = ['begin', ...[1, 2].flatMap((tab) => Array.from({ length: 10 }, (_, i) => `tab ${tab}, line ${i + 1}.`))].sort();
  for (const view of [alice, second, bob]) {
    await expect.poll(async () => (await view.messages()).sort(), { timeout: 20_000 }).toEqual(wanted);
    await view.hasSentEverything();
    await view.readsEverything();
  }
  const order = await bob.messages();
  expect(await alice.messages()).toEqual(order);
  expect(await second.messages()).toEqual(order);
  // Each tab's own lines kept their order.
  for (const tab of ['tab 1', 'tab 2']) {
    const lines = order.filter((text) => text.startsWith(tab));
    expect(lines).toEqual(Array.from({ length: 10 }, (_, i) => `${tab}, line ${i + 1}.`));
  }
});

test('a tab that is opened while another is at work is signed in at once', async ({ signedUp, anotherTabOf }) => {
  const [alice] = await signedUp('alice');
  const second = await anotherTabOf(alice);
  await second.page.goto('/');
  await second.isIn();
});

test('what is begun in one tab stands in the other, and once sent it comes back in none', async ({ signedUp, anotherTabOf }) => {
  const [alice] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('begin');
  const second = await anotherTabOf(alice);
  await second.page.goto('/messages');
  await second.opensToWrite('bob');
  await expect(second.composer).toHaveValue('');
  await second.presses(second.page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: /^Messages/ }));
  await expect(second.composer).toBeHidden();

  await alice.composer.fill('half a thou');
  await expect(second.conversations.getByRole('link').filter({ hasText: 'bob' })).toContainText('Draft: half a thou');
  await second.opensToWrite('bob');
  await expect(second.composer).toHaveValue('half a thou');

  await second.composer.press('End');
  await second.composer.pressSequentially('ght');
  await second.composer.press('Enter');
  for (const tab of [alice, second]) await tab.sees('half a thought');
  await expect(second.composer).toHaveValue('');
  await alice.page.reload();
  await alice.canWriteTo('bob');
  await expect(alice.composer).toHaveValue('');
  await second.page.reload();
  await second.canWriteTo('bob');
  await expect(second.composer).toHaveValue('');
  await expect(second.message('half a thought')).toHaveCount(1);
});

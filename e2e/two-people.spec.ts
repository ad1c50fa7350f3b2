// The first minute: two people sign up, write to each other, and a third joins in.

import { expect, test } from './stage.ts';

/** From Enter in one browser to the row in the other's timeline. */
const LIVE_MS = 1_000;

test('two people write to each other, and each sees it within a second', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('hi bob');
  await bob.opensToWrite('alice');
  await bob.sees('hi bob');

  for (const [from, to, text] of [[bob, alice, 'hi alice'], [alice, bob, 'how are you?'], [bob, alice, 'fine, and you?']] as const) {
    const noticed = await to.noticesWhen(text);
    const pressed = await from.says(text);
    const seen = await noticed();
    expect(seen - pressed, `"${text}" took ${seen - pressed} ms`).toBeLessThan(LIVE_MS);
  }

  const all = ['hi bob', 'hi alice', 'how are you?', 'fine, and you?'];
  await alice.comesToSeeExactly(all);
  await bob.comesToSeeExactly(all);
  await alice.hasSentEverything();
  await alice.readsEverything();
  await bob.readsEverything();
});

test('a message shows in the list, with a count, while another conversation is open', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await bob.opensDirectWith('alice');
  await bob.page.goto('/messages');
  await alice.opensDirectWith('bob');
  await alice.says('are you there?');
  const row = bob.conversations.getByRole('link').filter({ hasText: 'alice' });
  await expect(row).toContainText('are you there?');
  await expect(row).toContainText('1 unread');
  await alice.says('hello?');
  await expect(row).toContainText('2 unread');
  await bob.opens('alice');
  await expect(row).not.toContainText('unread');
});

test('three people share a group, and everyone reads everyone', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Sunday walk', ['bob', 'cleo']);
  await alice.says('who comes?');
  await bob.opensToWrite('Sunday walk');
  await bob.sees('who comes?');
  await bob.says('me');
  await cleo.opensToWrite('Sunday walk');
  await cleo.sees('me');
  await cleo.says('me too');

  for (const person of [alice, bob, cleo]) {
    await person.comesToSeeExactly(['who comes?', 'me', 'me too']);
    await person.readsEverything();
  }
});

test('one can write first and the other signs in later', async ({ signedUp, anotherBrowserOf }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await bob.context.close();
  await alice.opensDirectWith('bob');
  await alice.says('read this when you are back');
  await alice.hasSentEverything();

  const back = await anotherBrowserOf(bob);
  await back.signsIn();
  await back.opensToWrite('alice');
  await back.sees('read this when you are back');
});

test('what is written is text, whatever it looks like', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  const texts = [
    '<img src=x onerror=alert(1)><script>alert(2)</script>',
    '{{constructor}} %00 \u202Eright to left\u202C ends',
    'https://example.org/<b>?a="b" and more',
    '👩‍👩‍👧‍👦 日本語 العربية',
  ];
  for (const text of texts) await alice.says(text);
  await bob.opensToWrite('alice');
  await bob.comesToSeeExactly(texts);
  await expect(bob.log.locator('img, script')).toHaveCount(0);
});

test('numbers that differ stop sending, in every way out that there is', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('hello');
  await bob.opensToWrite('alice');
  await bob.sees('hello');
  const compares = async (answer: string): Promise<void> => {
    await alice.page.getByRole('button', { name: /Compare now/ }).or(alice.page.getByRole('button', { name: 'More', exact: true })).first().click();
    const entry = alice.page.getByRole('menuitem', { name: 'Safety number' });
    const dialog = alice.dialog(/^Safety number/);
    await expect(entry.or(dialog)).toBeVisible();
    if (await entry.isVisible()) await entry.click();
    await dialog.getByRole('button', { name: answer }).click();
  };
  const paused = alice.page.getByText('Sending to bob is paused.');
  await compares('They differ');
  await expect(alice.dialog(/^Safety number/).getByText('Sending is stopped here.')).toBeVisible();
  await alice.page.keyboard.press('Escape');
  await expect(paused).toBeVisible();
  await expect(alice.composer).toHaveCount(0);
  await alice.reloads();
  await expect(paused).toBeVisible();

  await compares('They match');
  await expect(paused).toBeHidden();
  await alice.says('it was a slip');
  await bob.sees('it was a slip');

  await compares('Undo');
  await alice.dialog(/^Safety number/).getByRole('button', { name: 'They differ' }).click();
  await alice.page.keyboard.press('Escape');
  await alice.page.getByRole('button', { name: 'Accept without comparing' }).click();
  await expect(paused).toBeHidden();
  await alice.says('on my own account');
  await bob.sees('on my own account');
});

// Nothing that was written is lost, and nothing comes twice: the cable goes, the page goes, the relay goes.

import { expect, test } from './stage.ts';

test('three messages written offline survive a reload and arrive once, in order', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('still here');
  await bob.opensToWrite('alice');
  await bob.sees('still here');

  alice.goesOffline();
  await expect(alice.page.getByText('You are offline.')).toBeVisible();
  for (const text of ['first', 'second', 'third']) await alice.says(text);
  await expect(alice.page.getByText('3 messages are waiting')).toBeVisible();
  await alice.reloads();
  await alice.comesToSeeExactly(['still here', 'first', 'second', 'third']);
  await bob.seesNot('first');

  await alice.comesBack();
  await bob.comesToSeeExactly(['still here', 'first', 'second', 'third']);
  await alice.hasSentEverything();
  await alice.comesToSeeExactly(['still here', 'first', 'second', 'third']);
  await bob.readsEverything();
});

test('a relay killed under load loses nothing it took and doubles nothing', async ({ signedUp, relay }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('begin');
  await bob.opensToWrite('alice');
  await bob.sees('begin');

  for (const person of [alice, bob]) person.expectsTrouble();
  const texts = Array.from({ length: 60 }, (_, i) => `line ${i + 1} of 60.`);
  // Killed twice in the middle of it, at moments the person sending does not wait for.
  const twoCrashes = (async () => {
    for (const line of ['line 10 of 60.', 'line 30 of 60.']) {
      await expect(bob.message(line)).toBeVisible({ timeout: 30_000 });
      await relay.kill();
      await relay.restart();
    }
  })();
  for (const text of texts) await alice.says(text);
  await twoCrashes;

  for (const person of [alice, bob]) await person.comesBack();
  await bob.comesToSeeExactly(['begin', ...texts], 40_000);
  await alice.hasSentEverything(40_000);
  await alice.comesToSeeExactly(['begin', ...texts]);
  await bob.readsEverything();

  await bob.reloads();
  await bob.goesToTheBeginning();
  await bob.comesToSeeExactly(['begin', ...texts]);
});

test('a cable that goes and comes while both write ends in one order for both', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('begin');
  await bob.opensToWrite('alice');
  await bob.sees('begin');

  bob.goesOffline();
  for (let i = 1; i <= 5; i++) {
    await alice.says(`alice ${i}`);
    await bob.says(`bob ${i}`);
  }
  await bob.comesBack();
  const wanted = ['begin', ...[1, 2, 3, 4, 5].flatMap((i) => [`alice ${i}`, `bob ${i}`])].sort();
  for (const person of [alice, bob]) {
    await expect.poll(async () => (await person.messages()).sort(), { timeout: 15_000 }).toEqual(wanted);
    await person.hasSentEverything();
    await person.readsEverything();
  }
  expect(await alice.messages()).toEqual(await bob.messages());
});

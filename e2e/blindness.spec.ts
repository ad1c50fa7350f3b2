// What the relay keeps, logs and carries holds nothing of what people write. It learns who talks to whom, when, and how
// large; it does not learn a word, a group's name, or a password.

import { canary, scan } from './canary.ts';
import { expect, test } from './stage.ts';

test('no secret stands in the database, the logs or the traffic', async ({ newPerson, relay, anotherBrowserOf }) => {
  const secrets = {
    'password of alice': canary('pw-a'),
    'password of bob': canary('pw-b'),
    'direct message': canary('direct'),
    'answer': canary('answer'),
    'name of the group': canary('group'),
    'new name of the group': canary('renamed'),
    'message in the group': canary('in-group'),
    'draft': canary('draft'),
  };
  // Handles are known to the relay: finding them shows that the scanner reaches into each of the three places.
  const [aliceHandle, bobHandle] = ['visible-handle-alice', 'visible-handle-bob'];
  const alice = await newPerson(aliceHandle, { password: secrets['password of alice'] });
  const bob = await newPerson(bobHandle, { password: secrets['password of bob'] });
  await alice.signsUp();
  await bob.signsUp();

  await alice.opensDirectWith(bobHandle);
  await alice.says(secrets['direct message']);
  await bob.opensToWrite(aliceHandle);
  await bob.sees(secrets['direct message']);
  await bob.says(secrets['answer']);
  await alice.sees(secrets['answer']);

  await alice.makesGroup(secrets['name of the group'], [bobHandle]);
  await alice.says(secrets['message in the group']);
  await bob.opensToWrite(secrets['name of the group']);
  await bob.sees(secrets['message in the group']);
  await alice.chooses('More', 'Rename');
  await alice.dialog('Rename the group').getByRole('textbox', { name: 'Name' }).fill(secrets['new name of the group']);
  await alice.dialog('Rename the group').getByRole('button', { name: 'Rename' }).click();
  await bob.canWriteTo(secrets['new name of the group']);
  await bob.composer.fill(secrets['draft']);
  await bob.composer.blur();

  const elsewhere = await anotherBrowserOf(bob);
  await elsewhere.signsIn();
  await elsewhere.opensToWrite(aliceHandle);
  await elsewhere.sees(secrets['answer']);

  // A wrong password is a password too.
  const wrong = canary('wrong-pw');
  const guest = await newPerson(bobHandle);
  guest.expectsTrouble();
  await guest.triesToSignIn(wrong);
  await expect(guest.page.getByText('do not belong together')).toBeVisible();

  const kept = relay.kept();
  const passed = [alice, bob, elsewhere, guest].flatMap((person) => person.wire.passed);
  expect(kept.map(({ what }) => what)).toContain('sotto.db');
  expect(passed.filter(({ what }) => what.startsWith('socket, ')).length, 'frames on the socket').toBeGreaterThan(10);

  expect(scan({ handle: aliceHandle }, kept.filter(({ what }) => what.startsWith('sotto.db')))).not.toEqual([]);
  expect(scan({ handle: aliceHandle }, passed)).not.toEqual([]);

  expect(scan({ ...secrets, 'wrong password': wrong }, [...kept, ...passed])).toEqual([]);

  // Nor does the log hold what the database may: handles, tokens, the pepper.
  const log = kept.filter(({ what }) => what === 'relay.log');
  expect(log[0]?.bytes.length ?? 0, 'a log at the finest level').toBeGreaterThan(1_000);
  expect(scan({ 'handle of alice': aliceHandle, 'handle of bob': bobHandle }, log)).toEqual([]);
});

test('a build that leaks is caught', async ({ browser }) => {
  const leaking = process.env['SOTTO_LEAKING_CLIENT_DIR'];
  expect(leaking, 'SOTTO_LEAKING_CLIENT_DIR names a build that leaks; ./dev test makes it').toBeTruthy();
  const { Relay } = await import('./relay.ts');
  const { Person } = await import('./people.ts');
  const relay = await Relay.start({ clientDir: leaking ?? '' });
  const secret = canary('leak');
  const alice = await Person.arrives(browser, relay, 'alice');
  const bob = await Person.arrives(browser, relay, 'bob');
  await alice.signsUp();
  await bob.signsUp();
  await alice.opensDirectWith('bob');
  await alice.says(secret);
  await alice.hasSentEverything();
  const found = scan({ leak: secret }, [...relay.kept(), ...alice.wire.passed]);
  await alice.leaves();
  await bob.leaves();
  await relay.remove();
  expect(found).not.toEqual([]);
});

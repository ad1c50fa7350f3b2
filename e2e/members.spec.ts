// Who is in a group decides who can read it, from the moment it is decided.

import { expect, test } from './stage.ts';

test('somebody who was removed reads nothing that is written afterwards', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Sunday walk', ['bob', 'cleo']);
  await alice.says('all three');
  for (const person of [bob, cleo]) {
    await person.opensToWrite('Sunday walk');
    await person.sees('all three');
  }

  await alice.removes('cleo');
  await expect(cleo.page.getByText('You were removed from this group.')).toBeVisible();
  const passedBefore = cleo.wire.passed.length;
  await alice.says('just the two of us now');
  await bob.sees('just the two of us now');
  await bob.says('yes');
  await alice.sees('yes');

  await cleo.seesNot('just the two of us now');
  await cleo.reloads();
  await cleo.sees('all three');
  await cleo.seesNot('just the two of us now');
  await expect(cleo.composer).toHaveCount(0);
  // Not even as ciphertext: after the removal no message came over cleo's wire.
  const frames = cleo.wire.passed.slice(passedBefore).filter(({ what }) => what === 'socket, received');
  expect(frames.filter(({ bytes }) => bytes.includes('"type":"message"'))).toEqual([]);
});

test('somebody who is added reads what was written before', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Sunday walk', ['bob']);
  await alice.says('before you came');
  await bob.opensToWrite('Sunday walk');
  await bob.says('nobody else here');
  await alice.sees('nobody else here');

  await alice.addsPeople(['cleo']);
  await cleo.opensToWrite('Sunday walk');
  await cleo.comesToSeeExactly(['before you came', 'nobody else here']);
  await cleo.says('thank you for having me');
  for (const person of [alice, bob]) await person.sees('thank you for having me');
  await cleo.readsEverything();
});

test('an open menu stays as it is while others write and come', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Sunday walk', ['bob']);
  await bob.opensToWrite('Sunday walk');
  await alice.page.getByRole('button', { name: /^Members/ }).click();
  const opened = [
    [alice.member('bob'), 'Remove', 'first'],
    [alice.page.getByRole('button', { name: 'More', exact: true }), 'Rename', 'second'],
  ] as const;
  for (const [opener, entry, text] of opened) {
    await opener.click();
    const item = alice.page.getByRole('menuitem', { name: entry });
    await expect(item).toBeVisible();
    const node = await item.elementHandle();
    await bob.says(text);
    await alice.sees(text);
    if (text === 'first') {
      await bob.addsPeople([cleo.handle]);
      await expect(alice.member('cleo')).toBeVisible();
    }
    expect(await node?.isVisible(), entry).toBe(true);
    await alice.page.keyboard.press('Escape');
    await expect(item).toBeHidden();
  }
});

test('a new name of a group reaches everyone', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.makesGroup('Sunday walk', ['bob']);
  await bob.opensToWrite('Sunday walk');
  await alice.chooses('More', 'Rename');
  const dialog = alice.dialog('Rename the group');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('Monday swim');
  await dialog.getByRole('button', { name: 'Rename' }).click();
  for (const person of [alice, bob]) await person.canWriteTo('Monday swim');
});

test('somebody who leaves gets nothing new and has the group no longer', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Sunday walk', ['bob', 'cleo']);
  await alice.says('all three');
  await cleo.opensToWrite('Sunday walk');
  await cleo.sees('all three');
  await cleo.chooses('More', 'Leave group');
  await cleo.dialog(/^Leave/).getByRole('button', { name: 'Leave group' }).click();
  await expect(cleo.dialog(/^Leave/)).toBeHidden();

  await expect(alice.log.getByText('cleo left.')).toBeVisible();
  await alice.says('cleo is gone');
  await bob.opensToWrite('Sunday walk');
  await bob.sees('cleo is gone');
  await expect(cleo.conversations.getByRole('link')).toHaveCount(0);
  await cleo.reloads();
  await cleo.isOnline();
  await expect(cleo.conversations.getByRole('link')).toHaveCount(0);
});

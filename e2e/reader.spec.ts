// An independent reader, in another language and from the protocol's page alone, reads what the page shows, and notices
// what a relay changes.

import { join } from 'node:path';

import type { Person } from './people.ts';
import { python, type Reading } from './python.ts';
import { Relay } from './relay.ts';
import { expect, test } from './stage.ts';

const reading = (relay: Relay, person: Person, password = person.password): Promise<Reading> =>
  python('reader.py', [relay.url, person.handle], password);

/** What the reader says of rooms: `title` → lines. */
function rooms({ said }: Reading): Map<string, string[]> {
  const all = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of said.split('\n').filter((line) => line)) {
    if (line.startsWith('room ')) all.set(line.slice('room '.length), (lines = []));
    else if (line.startsWith('    ')) lines.push(`${lines.pop()}\n${line.slice(4)}`);
    else lines.push(line);
  }
  return all;
}

/** What the page shows of a room, in the reader's words; what happened to the room is left out. */
async function shows(person: Person, title: string): Promise<string[]> {
  await person.opens(title);
  const rows = await person.log.locator('[data-row]').evaluateAll((rows) =>
    rows.map((row) => {
      if (!row.hasAttribute('data-message-state')) return row.textContent ?? '';
      const author = row.querySelector('.message-author') ?? row.querySelector('.visually-hidden');
      const reactions = [...row.querySelectorAll('.reaction')].map((one) => ` [${one.firstChild?.textContent} ${one.lastElementChild?.textContent}]`);
      return `@${author?.textContent}: ${row.querySelector('.message-body')?.textContent}${reactions.join('')}`;
    }),
  );
  return rows.flatMap((row) => {
    const by = /^(.+) deleted (?:a message|somebody’s message|what .+ wrote)\.$/.exec(row)?.[1];
    if (by) return [`@${by === 'You' ? person.handle : by}: (deleted a message)`];
    if (row.startsWith('A message here does not fit')) return [UNHEARD];
    return row.startsWith('@') ? [row] : [];
  });
}

const UNHEARD = '(not heard)';
/** The page does not say who it was, nor why. */
const asShown = (lines: string[] = []): string[] => lines.map((line) => (/^@\S+: \(not heard: .*\)$/.test(line) ? UNHEARD : line));

const LONG = 'Grüße aus 東京, 🧡 و سلام. '.repeat(700);

test('an independent reader prints what the page shows, and nothing to those who are gone', async ({ relay, signedUp }) => {
  test.slow();
  const [alice, bob, cleo, dora] = await signedUp('alice', 'bob', 'cleo', 'dora');
  await alice.opensDirectWith('bob');
  await alice.says('only us');
  await bob.opensToWrite('alice');
  await bob.says('ﬁne, café, 👩‍👩‍👧‍👦, \u202eright to left\u202c');
  await alice.sees('only us');
  await alice.says(LONG);
  await alice.says('two\nlines');
  await alice.hasSentEverything();

  await alice.makesGroup('Sunday walk', ['bob', 'cleo']);
  await alice.says('all three');
  await cleo.opensToWrite('Sunday walk');
  await cleo.says('I am here');
  await alice.sees('I am here');
  await alice.chooses('More', 'Rename');
  const dialog = alice.dialog('Rename the group');
  await dialog.getByRole('textbox', { name: 'Name' }).fill('Monday swim – プール');
  await dialog.getByRole('button', { name: 'Rename' }).click();
  await alice.canWriteTo('Monday swim – プール');
  await alice.addsPeople(['dora']);
  await dora.opensToWrite('Monday swim – プール');
  await dora.says('thank you');
  await alice.sees('thank you');
  await alice.removes('cleo');
  await alice.says('without cleo');
  await alice.hasSentEverything();
  await bob.opensToWrite('Monday swim – プール');
  await bob.says('under another key');
  await bob.hasSentEverything();
  await dora.sees('under another key');

  const titles: [Person, string[]][] = [
    [alice, ['Monday swim – プール', 'bob']],
    [bob, ['Monday swim – プール', 'alice']],
    [dora, ['Monday swim – プール']],
    [cleo, []],
  ];
  for (const [person, has] of titles) {
    const read = await reading(relay, person);
    expect(read, person.handle).toMatchObject({ status: 0, complaints: '' });
    const found = rooms(read);
    expect([...found.keys()].sort()).toEqual(has.sort());
    for (const title of has) {
      await expect.poll(() => shows(person, title), { message: `${person.handle} in ${title}` }).toEqual(found.get(title));
    }
  }
  expect(rooms(await reading(relay, alice)).get('bob')).toEqual([
    '@alice: only us',
    '@bob: ﬁne, café, 👩‍👩‍👧‍👦, \u202eright to left\u202c',
    `@alice: ${LONG.trim()}`,
    '@alice: two\nlines',
  ]);
  await alice.readsEverything();
});

test('an independent reader hears what is said about messages as the page does', async ({ relay, signedUp, anotherBrowserOf }) => {
  test.slow();
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.makesGroup('Sunday walk', ['bob']);
  for (const text of ['one', 'two', 'three']) await alice.says(text);
  await alice.hasSentEverything();
  await bob.opensToWrite('Sunday walk');
  for (const text of ['four', 'five']) await bob.says(text);
  await bob.hasSentEverything();
  const says = async (person: Person, ...lines: string[]): Promise<void> => {
    const about = await python('say.py', [relay.url, person.handle, 'Sunday walk'], [person.password, ...lines].join('\n'));
    expect(about).toMatchObject({ status: 0, complaints: '' });
  };
  await says(bob, 'react 2 👍', 'edit 5 fifth', 'edit 1 not mine', 'delete 2');
  await says(alice, 'react 2 👍', 'react 2 🧡', 'react 5 🧡', 'unreact 5 🧡', 'edit 1 first', 'edit 1 first of all', 'redact 4', 'delete 3', 'let-go 3');

  const lines = [
    '@alice: first of all (edited)',
    '@alice: two [👍 2] [🧡 1]',
    '@alice: (deleted a message)',
    '@alice: (deleted a message)',
    '@bob: fifth (edited)',
    UNHEARD,
    UNHEARD,
  ];
  const newcomer = await anotherBrowserOf(alice);
  await newcomer.signsIn();
  for (const person of [alice, bob, newcomer]) {
    await expect.poll(() => shows(person, 'Sunday walk'), { message: person.handle }).toEqual(lines);
    const read = await reading(relay, person);
    expect(read).toMatchObject({ status: 0, complaints: '' });
    expect(asShown(rooms(read).get('Sunday walk'))).toEqual(lines);
  }
});

test('an independent reader goes on over new passwords, a recovery key and an account that is closed', async ({ relay, signedUp }) => {
  test.slow();
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await write(alice, bob, cleo);
  for (const person of [alice, cleo]) person.expectsTrouble();
  await alice.page.goto('/settings/profile');
  await alice.page.getByLabel('Picture file').setInputFiles({ name: 'dot.png', mimeType: 'image/png', buffer: DOT });
  await alice.page.getByRole('button', { name: 'Save picture' }).click();
  await expect(alice.page.getByRole('button', { name: 'Remove picture' })).toBeVisible();
  await alice.page.goto('/settings/account');
  await alice.makesRecoveryKey();
  expect(await reading(relay, alice)).toMatchObject({ status: 0, complaints: '' });
  const old = alice.password;
  await alice.changesPassword('kettle orbit ninety plain 4417');
  await expect(alice.page.getByText('it opens nothing any more')).toBeVisible({ timeout: 20_000 });
  await alice.page.keyboard.press('Escape');
  await alice.page.goto('/messages');
  await alice.makesGroup('Later', ['bob', 'cleo']);
  await alice.says('three of us');
  await cleo.opensToWrite('Later');
  await cleo.says('good bye');
  await alice.sees('good bye');
  await cleo.page.goto('/settings/account');
  await cleo.page.getByRole('button', { name: 'Delete the account' }).click();
  const dialog = cleo.dialog('Delete this account?');
  await dialog.getByLabel('Type cleo to confirm').fill('cleo');
  await dialog.getByLabel('Your password', { exact: true }).fill(cleo.password);
  await dialog.getByRole('button', { name: 'Delete for good' }).click();
  await expect(cleo.page.getByText('Your account is deleted.')).toBeVisible({ timeout: 30_000 });
  await alice.says('two of us');
  await alice.hasSentEverything();
  await bob.opensToWrite('Later');
  await bob.sees('two of us');

  const wrong = { status: 1, said: '', complaints: 'The handle or the password is wrong.\n' };
  expect(await reading(relay, alice, old)).toEqual(wrong);
  expect(await reading(relay, cleo)).toEqual(wrong);
  for (const person of [alice, bob]) {
    const read = await reading(relay, person);
    expect(read, person.handle).toMatchObject({ status: 0, complaints: '' });
    const found = rooms(read);
    expect(found.get('Later')).toEqual(['@alice: three of us', '@cleo: good bye', '@alice: two of us']);
    for (const title of found.keys()) {
      await expect.poll(() => shows(person, title), { message: `${person.handle} in ${title}` }).toEqual(found.get(title));
    }
  }
});

/** One dot, as a PNG. */
const DOT = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');

/** What the reader must find in the frozen space, as bob: shared/tests/frozen_spaces.rs says who wrote what. */
const FROZEN = `room Club – クラブ / general
@alice: shall we?
@bob: @carol – yes
@carol: from somewhere else
@alice: Where? | Sea: 1 | Hills: 2 (closed)
@bob: (void: too soon after the text before)
room Club – クラブ / random
@carol: (deleted a message)
room Club – クラブ / news
@bob: hear, hear
room Club – クラブ / den
@carol: before bob
@bob: without carol
`;

test('an independent reader reads the frozen space, and the page the same of one of today', async ({ relay, signedUp }) => {
  test.slow();
  expect(await python('vectors.py', [])).toEqual({ status: 0, said: FROZEN, complaints: '' });
  const { said, ...rest } = await python('vectors.py', ['bent']);
  expect(rest).toEqual({ status: 0, complaints: '' });
  expect(said).toMatch(/^\d{2,3} changes, believed: none$/m);

  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  const { page } = alice;
  await page.getByRole('button', { name: 'Create a space' }).click();
  const create = alice.dialog('Create a space');
  await create.getByLabel('Name', { exact: true }).fill('Harbour');
  await create.getByRole('radio', { name: 'Community' }).check();
  await create.getByRole('button', { name: 'Create space' }).click();
  const column = page.getByRole('navigation', { name: 'Channels of Harbour' });
  await column.getByRole('button', { name: 'Harbour' }).click({ timeout: 20_000 });
  await page.getByRole('menuitem', { name: 'Add people' }).click();
  const add = alice.dialog(/^Add people/);
  for (const handle of ['bob', 'cleo']) {
    await add.getByRole('textbox', { name: 'People' }).fill(handle);
    await add.getByRole('textbox', { name: 'People' }).press('Enter');
    await expect(add.getByRole('list', { name: 'Chosen people' }).getByText(handle, { exact: true })).toBeVisible();
  }
  await add.getByRole('button', { name: 'Add', exact: true }).last().click();
  await expect(add).toBeHidden();
  const goes = async (person: Person, channel: string): Promise<void> => {
    await person.page.getByRole('list', { name: 'Spaces' }).getByRole('link', { name: /Harbour/ }).click();
    await person.page.locator('.channel-row').getByRole('link', { name: channel }).click();
  };
  await goes(alice, 'general');
  await alice.says('welcome, all');
  await goes(bob, 'general');
  await bob.sees('welcome, all');
  await bob.says('glad to be here');
  await goes(alice, 'announcements');
  await alice.says('we open at six');
  await goes(alice, 'stewards');
  await alice.says('the key lies under the mat');
  // Bob comes into the private channel and is taken out again, so that it has two keys.
  await page.getByRole('button', { name: /^Members/ }).click();
  const panel = page.getByRole('complementary', { name: 'Members' });
  await panel.getByRole('button', { name: 'Add people' }).click();
  const into = alice.dialog('Add people to stewards');
  await into.getByRole('checkbox', { name: 'bob' }).check();
  await into.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(into).toBeHidden();
  await goes(bob, 'stewards');
  await bob.says('and the rota is on the wall');
  await alice.sees('and the rota is on the wall');
  await alice.member('bob').click();
  await page.getByRole('menuitem', { name: 'Take out of this channel' }).click();
  await alice.dialog(/^Take bob out of stewards/).getByRole('button', { name: 'Take out' }).click();
  await expect(alice.member('bob')).toHaveCount(0);
  await alice.says('just me again');
  await alice.hasSentEverything();

  const everybodys = {
    'Harbour / announcements': ['@alice: we open at six'],
    'Harbour / introductions': [],
    'Harbour / general': ['@alice: welcome, all', '@bob: glad to be here'],
    'Harbour / questions': [],
    'Harbour / off-topic': [],
  };
  const stewards = ['@alice: the key lies under the mat', '@bob: and the rota is on the wall', '@alice: just me again'];
  for (const person of [alice, bob, cleo]) {
    const read = await reading(relay, person);
    expect(read, person.handle).toMatchObject({ status: 0, complaints: '' });
    const expected = person === alice ? { ...everybodys, 'Harbour / stewards': stewards } : everybodys;
    expect(Object.fromEntries(rooms(read)), person.handle).toEqual(expected);
  }
});

test('an independent reader takes no wrong password', async ({ relay, signedUp }) => {
  const [alice] = await signedUp('alice');
  const wrong = { status: 1, said: '', complaints: 'The handle or the password is wrong.\n' };
  expect(await reading(relay, alice, 'correct horse battery staple')).toEqual(wrong);
  expect(await python('reader.py', [relay.url, 'nobody'], alice.password)).toEqual(wrong);
  expect(await reading(relay, alice)).toEqual({ status: 0, said: '', complaints: '' });
});

const GROUP = 'room_id = (SELECT room_id FROM rooms ORDER BY head_seq DESC LIMIT 1)';
const of = (handle: string): string => `user_id = (SELECT user_id FROM users WHERE handle = '${handle}')`;
/** A copy of the database from when alice had no contacts yet stands beside it. */
const EARLIER = "ATTACH DATABASE 'EARLIER' AS earlier";
const OLDER_MANIFEST = `UPDATE vault_items SET (rev, sealed) = (SELECT e.rev, e.sealed FROM earlier.vault_items e
  WHERE e.user_id = vault_items.user_id AND e.item_id = vault_items.item_id) WHERE ${of('alice')} AND rev > 1
  AND item_id IN (SELECT item_id FROM earlier.vault_items)`;
const NO_CONTACTS = `DELETE FROM vault_items WHERE ${of('alice')} AND item_id NOT IN (SELECT item_id FROM earlier.vault_items)`;
const UNFIT = /the vault does not hold what its manifest says/;
const item = (index: number): string => `item_id = (SELECT item_id FROM vault_items WHERE ${of('alice')} LIMIT 1 OFFSET ${index})`;

/** What a host does to its database, and what the reader must say of it: of the group, or of the account. */
const TAMPERING: [what: string, statements: string[], complaint: RegExp][] = [
  ['a byte of an envelope', [`UPDATE messages SET envelope = flip(envelope, 300) WHERE ${GROUP} AND seq = 2`], /message 2: .*does not open/],
  [
    'a byte of an envelope, and the transcript with it',
    [`UPDATE messages SET envelope = flip(envelope, -1) WHERE ${GROUP} AND seq = 2`, 'RETELL'],
    /message 2: .*does not open/,
  ],
  ['a byte of a header', [`UPDATE messages SET header = flip(header, 60) WHERE ${GROUP} AND seq = 2`, 'RETELL'], /message 2: .*does not open/],
  ['the transcript', [`UPDATE channels SET t = flip(t, 0) WHERE ${GROUP}`], /transcript is not the one/],
  ['a message left out', [`DELETE FROM messages WHERE ${GROUP} AND seq = 2`, 'RETELL'], /message 2: .*another history|is missing/],
  [
    'two messages swapped',
    [9, 2, 3].map((to, step) => `UPDATE messages SET seq = ${to} WHERE ${GROUP} AND seq = ${[2, 3, 9][step]}`).concat('RETELL'),
    /message 2: .*another history|is missing/,
  ],
  [
    'a message told twice',
    [`INSERT INTO messages SELECT room_id, channel, 99, randomblob(16), header, envelope, envelope_hash, t, expires_ms FROM messages WHERE ${GROUP} AND seq = 2`, 'RETELL'],
    /its id was used before/,
  ],
  [
    'a message of another room',
    [`UPDATE messages SET (header, envelope) = (SELECT header, envelope FROM messages WHERE NOT ${GROUP} AND seq = 1) WHERE ${GROUP} AND seq = 2`, 'RETELL'],
    /message 2: .*belongs elsewhere/,
  ],
  ['a byte of a room log entry', [`UPDATE room_log SET entry = flip(entry, 90) WHERE ${GROUP} AND seq = 2`], /entry 2 of the log/],
  ['a byte of a signature', [`UPDATE room_log SET entry = flip(entry, -1) WHERE ${GROUP} AND seq = 3`], /entry 3 of the log: .*signature/],
  [
    'the end of a room log cut off, and its head with it',
    [
      `DELETE FROM room_log WHERE ${GROUP} AND seq = (SELECT head_seq FROM rooms WHERE ${GROUP})`,
      `UPDATE rooms SET head_seq = head_seq - 1, head = (SELECT entry_hash(entry) FROM room_log l WHERE l.room_id = rooms.room_id AND l.seq = rooms.head_seq - 1) WHERE ${GROUP}`,
    ],
    /a room key|the log does not have/,
  ],
  ["a byte of somebody's user log", [`UPDATE user_log SET entry = flip(entry, -1) WHERE ${of('bob')} AND seq = 1`], /entry 1 of the log of @bob: .*signature/],
  ["somebody's first keys", [`UPDATE user_log SET entry = flip(entry, -1) WHERE ${of('bob')} AND seq = 0`], /entry 0 of the log of @bob: .*what the id is the hash of/],
  ['a byte of the own user log', [`UPDATE user_log SET entry = flip(entry, 200) WHERE ${of('alice')} AND seq = 1`], /entry 1 of the log of @alice/],
  ['a byte of a wrap', [`UPDATE wraps SET ct = flip(ct, 0) WHERE ${GROUP} AND ${of('alice')} AND n = 1`], /wrap of room key 1 does not open/],
  ["a byte of a wrap's point", [`UPDATE wraps SET enc = flip(enc, 9) WHERE ${GROUP} AND ${of('alice')} AND n = 2`], /wrap of room key 2 does not open/],
  [
    "somebody else's wrap",
    [`UPDATE wraps SET (enc, ct) = (SELECT enc, ct FROM wraps o WHERE o.${GROUP} AND o.${of('bob')} AND o.n = 2) WHERE ${GROUP} AND ${of('alice')} AND n = 2`],
    /wrap of room key 2 does not open/,
  ],
  ['the newest wrap gone', [`DELETE FROM wraps WHERE ${GROUP} AND ${of('alice')} AND n = 2`], /no wrap of the newest room key/],
  ...[0, 1, 2].map((index): [string, string[], RegExp] => [
    `a byte of vault item ${index}`,
    [`UPDATE vault_items SET sealed = flip(sealed, 60) WHERE ${of('alice')} AND ${item(index)}`],
    /vault item .* does not open/,
  ]),
  ['an older number on a vault item', [`UPDATE vault_items SET rev = rev + 1 WHERE ${of('alice')} AND ${item(0)}`], /vault item .* does not open/],
  ['a vault item gone', [`DELETE FROM vault_items WHERE ${of('alice')} AND ${item(1)}`], /the vault lacks|the vault does not hold/],
  ['the older manifest of the vault', [EARLIER, OLDER_MANIFEST], UNFIT],
  ['the contacts of the vault gone', [EARLIER, NO_CONTACTS], UNFIT],
  ['the whole vault of earlier', [EARLIER, OLDER_MANIFEST, NO_CONTACTS], /an older vault/],
];

const DIRECT_LINES = 'room bob\n@alice: only us\n';
const GROUP_LINES = 'room Sunday walk\n@alice: one\n@alice: two\n@alice: three\n@cleo: four\n@alice: five\n@bob: six\n';

/** A direct message of alice and bob, and a group that cleo was in. */
async function write(alice: Person, bob: Person, cleo: Person): Promise<void> {
  await alice.opensDirectWith('bob');
  await alice.says('only us');
  await alice.hasSentEverything();
  await alice.makesGroup('Sunday walk', ['bob', 'cleo']);
  for (const text of ['one', 'two', 'three']) await alice.says(text);
  await cleo.opensToWrite('Sunday walk');
  await cleo.says('four');
  await alice.sees('four');
  await alice.removes('cleo');
  await alice.says('five');
  await bob.opensToWrite('Sunday walk');
  await bob.says('six');
  await alice.sees('six');
}

/** A relay on a copy of another's database, changed by these statements of tamper.py. */
async function copyOf(relay: Relay, what: string, statements: string[]): Promise<{ copy: Relay; database: string }> {
  const database = join(relay.folder, `${what}.db`);
  expect(await python('tamper.py', [join(relay.folder, 'sotto.db'), database, ...statements]), what).toMatchObject({ status: 0 });
  return { copy: await Relay.start({ databaseUrl: `sqlite://${database}`, pepper: relay.pepper }), database };
}

test('an independent reader notices what is changed in the database', async ({ relay, signedUp, anotherBrowserOf }) => {
  test.slow();
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  const earlier = join(relay.folder, 'earlier.db');
  expect(await python('tamper.py', [join(relay.folder, 'sotto.db'), earlier])).toMatchObject({ status: 0 });
  await write(alice, bob, cleo);
  // Where the password is typed the log comes to name the vault.
  await (await anotherBrowserOf(alice)).signsIn();
  const after = async (what: string, statements: string[]): Promise<Reading> => {
    const { copy } = await copyOf(relay, what, statements.map((statement) => statement.replace('EARLIER', earlier)));
    const read = await reading(copy, alice);
    await copy.remove();
    return read;
  };
  // The copy alone, and numbers that are counted again, change nothing.
  const untouched = await after('untouched', ['RETELL']);
  expect(untouched).toMatchObject({ status: 0, complaints: '' });
  expect(rooms(untouched)).toEqual(rooms({ status: 0, said: DIRECT_LINES + GROUP_LINES, complaints: '' }));

  for (const [what, statements, complaint] of TAMPERING) {
    const read = await after(what, statements);
    expect(read, what).toMatchObject({ status: 1 });
    expect(read.complaints, what).toMatch(complaint);
    // Nothing of what does not hold is shown; what is not touched still is.
    const isAccount = /vault|own user log/.test(what);
    const isPerson = /^somebody's first keys|somebody's user log/.test(what);
    expect(read.said, what).toBe(isAccount || isPerson ? '' : DIRECT_LINES);
  }
});

test('an independent reader believes neither a lying relay nor a member who signs for it', async ({ relay, signedUp }) => {
  test.slow();
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await write(alice, bob, cleo);
  // Nobody writes to a vault meanwhile.
  for (const person of [alice, bob, cleo]) await person.page.goto('about:blank');
  const { said, status, complaints } = await python('forge.py', [relay.url, 'alice', 'bob'], `${alice.password}\n${bob.password}\n`);
  expect(status, complaints).toBe(0);
  const tries = said.trimEnd().split('\n');
  expect(tries.filter((line) => !line.startsWith('as it should | '))).toEqual([]);
  expect(tries.length).toBeGreaterThan(190);
});

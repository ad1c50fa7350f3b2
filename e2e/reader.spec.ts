// An independent reader, in another language and from the protocol's page alone, reads what the page shows, and notices
// what a relay changes.

import { execFile } from 'node:child_process';
import { join } from 'node:path';

import type { Person } from './people.ts';
import { Relay } from './relay.ts';
import { expect, test } from './stage.ts';

const PYTHON = process.env['SOTTO_READER_PYTHON'] ?? 'python3';
const READER = join(import.meta.dirname, 'reader');

interface Reading {
  status: number;
  said: string;
  complaints: string;
}

function python(script: string, args: string[], input = ''): Promise<Reading> {
  return new Promise((done) => {
    const child = execFile(PYTHON, ['-B', join(READER, script), ...args], { maxBuffer: 1 << 24 }, (error, said, complaints) => {
      const status = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
      done({ status, said, complaints: error && status < 0 ? String(error) : complaints });
    });
    child.stdin?.end(input);
  });
}

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

/** What the page shows of a room, in the reader's words. */
async function shows(person: Person, title: string): Promise<string[]> {
  await person.opens(title);
  return person.log.locator('[data-message-state]').evaluateAll((rows) =>
    rows.map((row) => {
      const author = row.querySelector('.message-author') ?? row.querySelector('.visually-hidden');
      return `@${author?.textContent}: ${row.querySelector('.message-body')?.textContent}`;
    }),
  );
}

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

test('an independent reader takes no wrong password', async ({ relay, signedUp }) => {
  const [alice] = await signedUp('alice');
  const wrong = { status: 1, said: '', complaints: 'The handle or the password is wrong.\n' };
  expect(await reading(relay, alice, 'correct horse battery staple')).toEqual(wrong);
  expect(await python('reader.py', [relay.url, 'nobody'], alice.password)).toEqual(wrong);
  expect(await reading(relay, alice)).toEqual({ status: 0, said: '', complaints: '' });
});

const GROUP = 'room_id = (SELECT room_id FROM rooms ORDER BY head_seq DESC LIMIT 1)';
const of = (handle: string): string => `user_id = (SELECT user_id FROM users WHERE handle = '${handle}')`;
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
  ['a vault item gone', [`DELETE FROM vault_items WHERE ${of('alice')} AND ${item(1)}`], /the vault lacks/],
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

test('an independent reader notices what is changed in the database', async ({ relay, signedUp }) => {
  test.slow();
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await write(alice, bob, cleo);
  const after = async (what: string, statements: string[]): Promise<Reading> => {
    const { copy } = await copyOf(relay, what, statements);
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
  const { said, status } = await python('forge.py', [relay.url, 'alice', 'bob'], `${alice.password}\n${bob.password}\n`);
  const tries = said.trimEnd().split('\n');
  expect(tries.filter((line) => !line.startsWith('as it should | '))).toEqual([]);
  expect(tries.length).toBeGreaterThan(110);
  expect(status).toBe(0);
});

// A relay that lies, alone or together with a member, before real browsers: the attacks of docs/protocol.md, section 14, by
// their numbers. The same scripts run against engines in client/tests/attacks/, in more variants.
//
// Each shows what the person is told, that nothing forged stands on the page, that a room which was tampered with takes no
// more, and that nothing was sealed for whoever attacks. Each also shows that the lie was really told.

import { randomBytes } from 'node:crypto';

import type { Locator } from '@playwright/test';

import { type Body, Evil, type Frame, type Message, type Outgoing, type Script, ask } from './evil.ts';
import {
  type Actor, BODY, type Content, HEADER, Key, MAIN, NOWHERE, ROLE, type RoomLog, Stranger, type UserLog, addMember, b64, bodyOf, comes, deletes, directGenesis,
  edited, edits, entry, epoch, epochOf, flipped, hash, hashOf, inviteOf, kkOf, logOf, pointOf, profile, raw, receipt, rosterHash, roomLog, setPolicy, unban,
  userUpdate, withKk, wrap,
} from './forge.ts';
import { Person } from './people.ts';
import { test as base, expect } from './stage.ts';

const STOPPED = 'This room is stopped, to keep it safe.';
const TOLD = {
  entry: 'The list of members holds a change that no member was allowed to make.',
  fork: 'Two people here were shown different histories.',
  withheld: 'The server holds back what others here have already seen.',
};
const DAMAGED = 'A message here does not fit its signature, so it is not shown.';
const GAP = 'Messages are missing here: the server skipped or reordered some.';
const LOCKED = 'A message is here; its room key is still on the way. It opens by itself.';
const OLD_PAGE = 'This page is older than the server. Load it again.';
const WRONG_PASSWORD = 'Handle and password do not belong together.';
const OLDER_VAULT = 'Stopped: the server shows an older state of your keys and contacts than there was.';
const lied = (what: string): string => `Stopped: what the server sent does not hold up (${what}).`;

/** Somebody at a real browser, behind a relay that may lie to them. */
type Cheated = Person & { evil: Evil };

interface Cast {
  /** People who have just signed up, each behind a liar of their own; so far it says the truth. */
  cheated: <Handles extends string[]>(...handles: Handles) => Promise<{ [Each in keyof Handles]: Cheated }>;
  /** Accounts without a browser, whose keys the test has. */
  strangers: <Handles extends string[]>(...handles: Handles) => Promise<{ [Each in keyof Handles]: Stranger }>;
}

const test = base.extend<Cast>({
  cheated: async ({ browser, relay, people }, use) => {
    const evils: Evil[] = [];
    await use(async (...handles) => {
      const all = handles.map(async (handle) => {
        const evil = await Evil.before(relay);
        evils.push(evil);
        const person = Object.assign(await Person.arrives(browser, evil, handle), { evil });
        people.push(person);
        // Refusals and broken connections are what this is about.
        person.expectsTrouble();
        await person.signsUp();
        return person;
      });
      return (await Promise.all(all)) as { [Each in keyof typeof handles]: Cheated };
    });
    for (const evil of evils) await evil.remove();
  },

  strangers: async ({ relay }, use) => {
    await use(async (...handles) => {
      const all = await Promise.all(handles.map((handle) => Stranger.arrives(relay, handle)));
      return all as { [Each in keyof typeof handles]: Stranger };
    });
  },
});

// ---- What is looked for ---------------------------------------------------------------------------------------------

/** The id of the conversation on the page. */
function roomOf(person: Person): string {
  const room = /\/messages\/([\w-]{43})/.exec(person.page.url())?.[1];
  if (!room) throw new Error(`no conversation at ${person.page.url()}`);
  return room;
}

/** Where a reload was looked at in another test of the kind. */
const AT_ONCE = [false];

/** The conversation is stopped for this reason, shows these texts, takes no more; also after a reload. */
async function isStopped(person: Cheated, why: string, texts: string[], reloads = [false, true]): Promise<void> {
  const banner = person.page.getByRole('status').filter({ hasText: STOPPED });
  await expect(banner).toContainText(why, { timeout: 15_000 });
  const leaves = (): number => person.evil.sentTo(room).length;
  const room = new URL(person.page.url()).pathname.split('/').at(-1) ?? '';
  const sent = leaves();
  for (const reload of reloads) {
    if (reload) await person.reloads();
    await expect(banner).toContainText(why);
    await person.comesToSeeExactly(texts);
    await expect(person.composer).toHaveCount(0);
  }
  expect(leaves(), 'nothing leaves a stopped room').toBe(sent);
}

/** The conversation goes on: what this one writes, the others read, and nothing stopped. */
async function goesOn(from: Person, text: string, ...to: Person[]): Promise<void> {
  await from.says(text);
  for (const person of [from, ...to]) {
    await person.sees(text);
    await expect(person.page.getByText(STOPPED)).toHaveCount(0);
  }
  await expect(from.message(text)).toHaveAttribute('data-message-state', 'sent');
}

async function members(person: Person): Promise<Locator> {
  const panel = person.page.getByRole('complementary', { name: 'Members' });
  if (!(await panel.isVisible())) await person.page.getByRole('button', { name: /^Members/ }).click();
  return panel.locator('.member-name');
}

/** The list of members names these, and nobody else. */
async function hasMembers(person: Person, handles: string[]): Promise<void> {
  const names = await members(person);
  await expect.poll(async () => (await names.allInnerTexts()).sort()).toEqual([...handles].sort());
  await person.page.getByRole('link', { name: 'Close the list of members' }).click();
}

/** Nobody's browser handed in a room key for somebody. */
function nothingFor(who: Stranger, ...people: Cheated[]): void {
  for (const person of people) {
    expect(person.evil.wraps().filter((wrapped) => wrapped.user_id === b64(who.user)), `a room key for ${who.handle}`).toEqual([]);
  }
}

const damaged = (person: Person): Locator => person.log.getByText(DAMAGED);

// ---- What is done ---------------------------------------------------------------------------------------------------

/** A group on the page of the first, with something said in it that all have read. */
async function group(name: string, owner: Cheated, others: Cheated[], strangers: Stranger[]): Promise<string> {
  for (const person of [owner, ...others]) person.evil.plays({});
  await owner.makesGroup(name, [...others, ...strangers].map(({ handle }) => handle));
  await owner.says('first');
  for (const person of others) {
    await person.opensToWrite(name);
    await person.sees('first');
  }
  await owner.hasSentEverything();
  for (const person of [owner, ...others]) person.evil.plays({});
  return roomOf(owner);
}

const log = (room: string, from_seq: number, ...entries: string[]): Frame => ({ type: 'log', room_id: room, from_seq, entries });

/** Puts an entry at the end of a room's log, whatever the rules say, for one browser. */
async function force(person: Cheated, room: string, forge: (log: RoomLog) => string): Promise<void> {
  const now = await logOf(person.evil, room);
  person.evil.tells(log(room, now.seq + 1, forge(now)));
}

/** The account and the device that wrote an entry. */
const actorOf = (signed: string): Actor => {
  const body = bodyOf(raw(signed));
  return { user: body.subarray(83, 115), device: body.subarray(115, 147) };
};

/** Lets frames of messages of one room be others; everything else passes. */
const onMessages = (room: string, change: (message: Message) => Message[]): Script => ({
  frame: (told) => {
    if (told.type !== 'message' || told.room_id !== room) return [told];
    return change(told.message).map((message) => ({ ...told, message }));
  },
});

/** What a browser says of itself, such as how far it read and in which history, gets nowhere: no other can notice first. */
const MUTED: Script = {
  heard: (said) => (said.type === 'send' && said.messages.every(({ header }) => raw(header)[HEADER.kind] !== 1) ? [] : [said]),
};

/** Puts messages between those of a room for several browsers alike: those after them count on from there. */
function stowaways(room: string, seq: number, ...people: Cheated[]): (message: Outgoing) => void {
  let [last, extra] = [seq, 0];
  for (const person of people) {
    person.evil.plays(onMessages(room, (message) => {
      last = Math.max(last, message.seq + extra);
      return [{ ...message, seq: message.seq + extra }];
    }));
  }
  return (message) => {
    extra += 1;
    last += 1;
    for (const person of people) {
      person.evil.tells({ type: 'message', room_id: room, channel: b64(MAIN), message: { ...message, seq: last } });
    }
  };
}

/** What somebody writes under the first room key, who knows the log and the messages up to here. */
const by = (actor: Actor, at: Content['log'], seen: { seq: number; t: string }, text: string): Content =>
  ({ ...actor, log: at, seen: { seq: seen.seq, t: raw(seen.t) }, text, n: 1, suite: 1 });

/** The messages that a browser handed in. What it says of itself, where it stands and what was read, comes when it will. */
const written = (person: Cheated): Outgoing[] => person.evil.sent.filter(({ header }) => raw(header)[HEADER.kind] === 1);

/** A room's newest messages and the transcript, as the relay has them. */
async function page(person: Cheated, room: string): Promise<{ messages: Message[]; head: { seq: number; t: string } }> {
  return person.evil.asks('messages/page', { room_id: room, channel: b64(MAIN), from: 'end', limit: 60 });
}

/** Says three things in one go, which all come after what was there before. */
async function saysAtOnce(person: Cheated, texts: string[]): Promise<void> {
  person.goesOffline();
  await expect(person.page.getByText('You are offline.')).toBeVisible();
  for (const text of texts) await person.says(text);
  await expect(person.page.getByText(`${texts.length} messages are waiting`)).toBeVisible();
  await person.comesBack();
  await person.hasSentEverything();
}

// ---- Logs -----------------------------------------------------------------------------------------------------------

test('A01: somebody is put into a group, unsigned, by an outsider, by one below, and into a direct message', async ({ cheated, strangers }) => {
  const [[ada], [bob, eve, dan]] = await Promise.all([cheated('ada'), strangers('bob', 'eve', 'dan')]);

  const put: [string, Stranger[], Stranger, (log: RoomLog) => string][] = [
    // In the owner's name, but the relay has no key of hers.
    ['Unsigned', [bob], eve, (now) => eve.signs(entry(now, actorOf(now.entries[1] ?? ''), addMember(pointOf(eve.log), ROLE.member)))],
    ['Outsider', [bob], eve, (now) => eve.signs(entry(now, eve.actor, addMember(pointOf(eve.log), ROLE.member)))],
    // A plain member brings in somebody above herself.
    ['Below', [bob, eve], dan, (now) => eve.signs(entry(now, eve.actor, addMember(pointOf(dan.log), ROLE.moderator)))],
  ];
  for (const [name, people, intruder, forge] of put) {
    const room = await group(name, ada, [], people);
    await force(ada, room, forge);
    await isStopped(ada, TOLD.entry, ['first'], AT_ONCE);
    await hasMembers(ada, ['ada', ...people.map(({ handle }) => handle)]);
    await expect.poll(() => ada.evil.lies).toEqual(['told log']);
    nothingFor(intruder, ada);
  }

  await ada.opensDirectWith('eve');
  await ada.says('first');
  await ada.hasSentEverything();
  ada.evil.plays({});
  await force(ada, roomOf(ada), (now) => eve.signs(entry(now, eve.actor, addMember(pointOf(dan.log), ROLE.owner))));
  await isStopped(ada, TOLD.entry, ['first']);
  nothingFor(dan, ada);
});

test('A01: the same, in a log that is fetched', async ({ cheated, strangers }) => {
  const [[ada], [bob, eve]] = await Promise.all([cheated('ada'), strangers('bob', 'eve')]);
  const room = await group('Tea', ada, [], [bob]);
  const now = await logOf(ada.evil, room);
  const forged = eve.signs(entry(now, eve.actor, addMember(pointOf(eve.log), ROLE.member)));
  ada.evil.plays({
    frame: (told) => {
      if (told.type === 'welcome') {
        for (const head of told.rooms.filter(({ room_id }) => room_id === room)) [head.seq, head.head] = [now.seq + 1, b64(NOWHERE)];
      }
      return [told];
    },
    reply: (path, asked, body) => {
      if (path !== 'rooms/log' || asked.room_id !== room) return;
      body.entries.push(forged);
      body.seq += 1;
    },
  });
  ada.evil.hangsUp();
  await isStopped(ada, TOLD.entry, ['first']);
  await hasMembers(ada, ['ada', 'bob']);
  await expect.poll(() => ada.evil.lies).toEqual(expect.arrayContaining(['frame welcome', 'answer rooms/log']));
  nothingFor(eve, ada);
});

test("A02: a device is added to somebody else's log", async ({ cheated, strangers }) => {
  const [[ada], [bob, eve]] = await Promise.all([cheated('ada'), strangers('bob', 'eve')]);
  const room = await group('Den', ada, [], [bob, eve]);
  const device = new Key();
  const forged = eve.givesDevice(pointOf(bob.log), device);
  ada.evil.plays({
    reply: (path, _, body) => {
      if (path === 'users/logs') body.logs.find(({ user_id }: { user_id: string }) => user_id === b64(bob.user))?.entries.push(forged);
    },
  });
  ada.evil.tells({ type: 'user_log', user_id: b64(bob.user), seq: bob.log.entries.length + 1 });
  await expect(ada.page.getByText(lied('the keys of bob')).first()).toBeVisible();
  await expect.poll(() => ada.evil.lies).toEqual(['told user_log', 'answer users/logs']);

  // Nor does that device speak for him, by the hand of a member.
  const now = await logOf(ada.evil, room);
  const { messages, head } = await page(ada, room);
  const secret = (await eve.keys(now)).get(1) ?? NOWHERE;
  stowaways(room, messages.length, ada)(eve.writes(now.room, secret, by({ user: bob.user, device: device.id }, now, head, 'a gift')));
  await expect(damaged(ada)).toHaveCount(1);
  await ada.seesNot('a gift');
  await goesOn(ada, 'second');
  await expect.poll(() => ada.evil.lies).toContain('told message');
});

test('A03: a key for wraps is swapped', async ({ cheated, strangers }) => {
  const [[ada], [bob, dan, eve]] = await Promise.all([cheated('ada'), strangers('bob', 'dan', 'eve')]);
  const kk = eve.kem[0]?.public ?? NOWHERE;
  // Bob she knows, Dan she has never met.
  await group('Known', ada, [], [bob]);

  const swaps: Record<string, (log: UserLog) => void> = {
    'in the genesis': (log) => void (log.genesis = withKk(log.genesis, kk)),
    'by an entry': (log) => void log.entries.push(eve.givesKem(pointOf(log), kk)),
    'with the whole log': (log) => void Object.assign(log, { genesis: eve.log.genesis, entries: eve.log.entries }),
  };
  for (const { handle } of [bob, dan]) {
    for (const [how, swap] of Object.entries(swaps)) {
      ada.evil.plays({
        reply: (path, asked, body) => {
          if (path === 'users/find' && asked.handle === handle) swap(body);
        },
      });
      const told = lied(`the keys of ${handle}`);
      await ada.chooses('New conversation', 'New message');
      const dialog = ada.dialog('New message');
      await dialog.getByLabel('Handle').fill(handle);
      await dialog.getByRole('button', { name: 'Write' }).click();
      await expect(dialog.getByText(told), how).toBeVisible();
      await dialog.getByLabel('Handle').fill('');
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      expect(ada.evil.lies, how).toContain('answer users/find');
      expect(ada.evil.requests.filter(({ path }) => path.startsWith('rooms/')), how).toEqual([]);
    }
  }

  // Nor is he taken into a group that exists.
  await ada.chooses('More', 'Add people');
  const dialog = ada.dialog(/^Add people/);
  await dialog.getByRole('textbox', { name: 'People' }).fill('dan');
  await dialog.getByRole('button', { name: 'Add', exact: true }).last().click();
  await expect(dialog.getByText(lied('the keys of dan'))).toBeVisible();
  await expect.poll(() => ada.evil.lies).toContain('answer users/find');
  expect(ada.evil.wraps()).toEqual([]);
});

test('A04: a bit of an entry is flipped', async ({ cheated, strangers }) => {
  const [[ada, bob], [dan, eve]] = await Promise.all([cheated('ada', 'bob'), strangers('dan', 'eve')]);
  const flips: Record<string, (signed: Buffer) => Buffer> = {
    // The role is the last byte of the entry, who is added stands before it.
    role: (signed) => edited(signed, signed.length - 65, Buffer.of(ROLE.moderator)),
    target: (signed) => edited(signed, signed.length - 65 - 72, Buffer.concat([eve.user])),
    signature: (signed) => flipped(signed, signed.length - 20),
  };
  for (const [what, flip] of Object.entries(flips)) {
    await group(what, ada, [bob], []);
    bob.evil.plays({
      frame: (told) => (told.type === 'log' ? [{ ...told, entries: told.entries.map((one) => b64(flip(raw(one)))) }] : [told]),
    });
    await ada.addsPeople(['dan']);
    await expect(ada.log.getByText('You added dan.')).toBeVisible();
    await isStopped(bob, TOLD.entry, ['first'], AT_ONCE);
    await hasMembers(bob, ['ada', 'bob']);
    await expect.poll(() => bob.evil.lies).toContain('frame log');
    for (const who of [dan, eve]) nothingFor(who, bob);
  }
});

test('A05: an old addition of somebody who was removed is replayed', async ({ cheated, strangers }) => {
  const [[ada], [bob, eve]] = await Promise.all([cheated('ada'), strangers('bob', 'eve')]);
  const room = await group('Den', ada, [], [bob, eve]);
  const { entries } = await logOf(ada.evil, room);
  const at = entries.findIndex((signed) => bodyOf(raw(signed))[147] === BODY.addMember && raw(signed).includes(eve.user));
  const old = entries[at] ?? '';
  await ada.removes('eve');
  ada.evil.plays({});

  // Under its own number it says nothing new.
  ada.evil.tells(log(room, at, old));
  await goesOn(ada, 'second');
  await hasMembers(ada, ['ada', 'bob']);
  await force(ada, room, () => old);
  await isStopped(ada, TOLD.entry, ['first', 'second']);
  await hasMembers(ada, ['ada', 'bob']);
  await expect.poll(() => ada.evil.lies).toEqual(['told log', 'told log']);
  nothingFor(eve, ada);
});

test('A06: a removal is withheld from one of them', async ({ cheated, strangers }) => {
  const [[ada, bob], [eve]] = await Promise.all([cheated('ada', 'bob'), strangers('eve')]);
  const room = await group('Den', ada, [bob], [eve]);
  const { seq } = await logOf(ada.evil, room);
  bob.evil.plays({
    frame: (told) => (told.type === 'log' && told.from_seq > seq ? [] : [told]),
    reply: (path, asked, body) => {
      if (path !== 'rooms/log') return;
      body.seq = Math.min(body.seq, seq);
      body.entries.splice(Math.max(0, seq + 1 - asked.from_seq));
    },
  });
  await ada.removes('eve');
  await hasMembers(bob, ['ada', 'bob', 'eve']);
  await ada.says('she is gone');
  await isStopped(bob, TOLD.withheld, ['first']);
  await expect.poll(() => bob.evil.lies).toEqual(expect.arrayContaining(['frame log', 'answer rooms/log']));
  nothingFor(eve, ada, bob);
  await goesOn(ada, 'she did not read that');
});

test('A07: two people are shown two forks', async ({ cheated, strangers, relay }) => {
  const [[ada, bob]] = await Promise.all([cheated('ada', 'bob'), strangers('dan')]);
  const tea = await group('Tea', ada, [bob], []);
  const den = await group('Den', ada, [bob], []);
  const other = await relay.fork();
  try {
    bob.evil.relay = other;
    // He may have come back to the first one while the other was starting.
    bob.evil.hangsUp();
    await bob.comesBack();
    await ada.comesBack();
    // Each adds somebody, and neither hears of it from the other.
    for (const [person, room] of [[ada, 'Tea'], [bob, 'Tea'], [ada, 'Den'], [bob, 'Den']] as const) {
      await person.opensToWrite(room);
      await person.addsPeople(['dan']);
      await expect(person.log.getByText('You added dan.')).toBeVisible();
    }
    await bob.says('from the other side');
    await bob.hasSentEverything();

    // One message crosses over.
    const { messages } = await page(bob, den);
    const message = messages.at(-1);
    if (!message) throw new Error('bob has said nothing');
    ada.evil.tells({ type: 'message', room_id: den, channel: b64(MAIN), message });
    await isStopped(ada, TOLD.fork, ['first']);
    await expect.poll(() => ada.evil.lies).toEqual(['told message']);

    // And where the other side stands is enough.
    await ada.opensToWrite('Tea');
    expect((await logOf(bob.evil, tea)).head).not.toEqual((await logOf(ada.evil, tea)).head);
    ada.evil.relay = other;
    ada.evil.hangsUp();
    await isStopped(ada, TOLD.fork, ['first']);
  } finally {
    await other.remove();
  }
});

test('A08: entries are reordered', async ({ cheated, strangers }) => {
  const [[ada, bob], [eve]] = await Promise.all([cheated('ada', 'bob'), strangers('eve')]);
  await group('Den', ada, [bob], [eve]);
  // A removal and the new room key are appended together.
  bob.evil.plays({ frame: (told) => (told.type === 'log' ? [{ ...told, entries: told.entries.toReversed() }] : [told]) });
  await ada.removes('eve');
  await isStopped(bob, TOLD.entry, ['first']);
  await expect.poll(() => bob.evil.lies).toContain('frame log');
  nothingFor(eve, ada, bob);
});

test('A32: a changed key is hidden from a contact', async ({ cheated, strangers }) => {
  const [[ada], [eve]] = await Promise.all([cheated('ada'), strangers('eve')]);
  const room = await group('Den', ada, [], [eve]);
  ada.evil.plays({
    reply: (path, _, body) => {
      // There is nothing behind what she has.
      if (path !== 'users/logs') return;
      for (const log of body.logs) if (log.user_id === b64(eve.user)) log.entries = [];
    },
  });
  await eve.rotatesKem();
  const update = eve.signs(entry(await logOf(ada.evil, room), eve.actor, userUpdate(pointOf(eve.log))));
  await eve.asks('rooms/append', { room_id: room, entries: [update], wraps: [] });
  await isStopped(ada, TOLD.withheld, ['first']);
  await expect.poll(() => ada.evil.lies).toContain('answer users/logs');
  nothingFor(eve, ada);
});

// ---- Messages -------------------------------------------------------------------------------------------------------

test('A09: a message in the middle is dropped', async ({ cheated }) => {
  const [ada, bob] = await cheated('ada', 'bob');
  const room = await group('Tea', ada, [bob], []);
  const dropped = onMessages(room, (message) => (message.seq === 3 ? [] : [{ ...message, seq: message.seq - Number(message.seq > 3) }]));
  bob.evil.plays({ ...dropped, ...MUTED });
  await saysAtOnce(ada, ['one', 'two', 'three']);
  await bob.comesToSeeExactly(['first', 'one', 'three']);
  await expect(bob.log.getByText(GAP)).toHaveCount(1);
  // Whatever is said by somebody who heard them all shows that the relay lied.
  await ada.says('indeed');
  await isStopped(bob, TOLD.fork, ['first', 'one', 'three']);
  await expect.poll(() => bob.evil.lies.filter((lie) => lie === 'frame message').length).toBeGreaterThanOrEqual(2);

  // One after the other: each says that it comes after the one before.
  const turns = await group('Turns', ada, [bob], []);
  bob.evil.plays(onMessages(turns, (message) => (message.seq === 3 ? [] : [{ ...message, seq: message.seq - Number(message.seq > 3) }])));
  await ada.says('one');
  await bob.sees('one');
  for (const text of ['two', 'three']) {
    await ada.says(text);
    await ada.hasSentEverything();
  }
  await isStopped(bob, TOLD.fork, ['first', 'one']);
  await expect.poll(() => bob.evil.lies).toEqual(['frame message', 'frame message']);
});

test('A09: a page has a hole', async ({ cheated }) => {
  const [ada, bob] = await cheated('ada', 'bob');
  await group('Tea', ada, [bob], []);
  bob.evil.plays({
    reply: (path, _, body) => {
      if (path === 'messages/page') body.messages = body.messages.filter(({ seq }: Message) => seq !== 3);
    },
  });
  bob.goesOffline();
  for (const text of ['one', 'two', 'three']) await ada.says(text);
  await ada.hasSentEverything();
  bob.wire.mend();
  await isStopped(bob, TOLD.withheld, ['first']);
  await expect.poll(() => bob.evil.lies).toContain('answer messages/page');
});

test('A10: the newest message is taken back after it was seen', async ({ cheated }) => {
  const [ada, bob] = await cheated('ada', 'bob');
  const room = await group('Tea', ada, [bob], []);
  const { head } = await page(ada, room);
  await ada.says('second');
  await bob.sees('second');
  bob.evil.plays({
    frame: (told) => {
      if (told.type === 'welcome') {
        for (const { channels } of told.rooms.filter(({ room_id }) => room_id === room)) channels.splice(0, 1, { channel: b64(MAIN), ...head });
      }
      return [told];
    },
    reply: (path, _, body) => {
      if (path !== 'messages/page') return;
      body.messages = body.messages.filter(({ seq }: Message) => seq <= head.seq);
      body.head = { channel: b64(MAIN), ...head };
    },
  });
  bob.evil.hangsUp();
  await isStopped(bob, TOLD.withheld, ['first', 'second']);
  await expect.poll(() => bob.evil.lies).toEqual(expect.arrayContaining(['frame welcome', 'answer messages/page']));
});

test('A10: a message that was never given shows when the next one comes', async ({ cheated }) => {
  const [ada, bob] = await cheated('ada', 'bob');
  const room = await group('Tea', ada, [bob], []);
  bob.evil.plays({
    ...onMessages(room, (message) => (message.seq === 2 ? [] : [message])),
    reply: (path, _, body) => {
      if (path === 'messages/page') body.messages = body.messages.filter(({ seq }: Message) => seq !== 2);
    },
  });
  await ada.says('kept back');
  await ada.hasSentEverything();
  await expect.poll(() => bob.evil.lies).toEqual(['frame message']);
  await ada.says('the next one');
  await isStopped(bob, TOLD.withheld, ['first']);
  await expect.poll(() => bob.evil.lies).toContain('answer messages/page');
});

test('A10: a tail that is held back is told of by a beacon', async ({ cheated }) => {
  const [ada, bob] = await cheated('ada', 'bob');
  const room = await group('Tea', ada, [bob], []);
  bob.evil.plays({
    ...onMessages(room, () => []),
    reply: (path, _, body) => {
      if (path !== 'messages/page') return;
      body.messages = [];
      body.head = body.before;
    },
  });
  await ada.says('kept back');
  await ada.hasSentEverything();
  await expect.poll(() => bob.evil.lies).toContain('frame message');
  // A browser that opens a room says at once how far it has got, and then once a minute.
  await ada.reloads();
  await expect(bob.page.getByText('The server is holding back messages.')).toBeVisible({ timeout: 30_000 });
  await bob.seesNot('kept back');
  await expect.poll(() => bob.evil.lies).toContain('answer messages/page');
});

test('A11: messages are reordered', async ({ cheated }) => {
  const [ada, bob] = await cheated('ada', 'bob');
  const room = await group('Tea', ada, [bob], []);
  const swapped = (): ((message: Message) => Message[]) => {
    let held: Message | undefined;
    return (message) => {
      if (message.seq === 3) held = message;
      if (message.seq === 3 || !held) return [message].filter(({ seq }) => seq !== 3);
      const both = message.seq === 4 ? [{ ...message, seq: 3 }, { ...held, seq: 4 }] : [message];
      return both;
    };
  };
  bob.evil.plays({ ...onMessages(room, swapped()), ...MUTED });
  await saysAtOnce(ada, ['one', 'two', 'three']);
  await bob.comesToSeeExactly(['first', 'one', 'three']);
  await expect(bob.log.getByText(GAP)).toHaveCount(1);
  await expect(damaged(bob)).toHaveCount(1);
  await ada.says('indeed');
  await isStopped(bob, TOLD.fork, ['first', 'one', 'three']);
  await expect.poll(() => bob.evil.lies.filter((lie) => lie === 'frame message').length).toBeGreaterThanOrEqual(2);

  const turns = await group('Turns', ada, [bob], []);
  bob.evil.plays(onMessages(turns, swapped()));
  for (const text of ['one', 'two', 'three']) {
    await ada.says(text);
    await ada.hasSentEverything();
  }
  await isStopped(bob, TOLD.fork, ['first', 'one']);
  await expect.poll(() => bob.evil.lies).toEqual(['frame message', 'frame message']);
});

test('A12: a message comes again, under its number and under another', async ({ cheated }) => {
  const [ada, bob] = await cheated('ada', 'bob');
  const room = await group('Tea', ada, [bob], []);
  await goesOn(bob, 'second', ada);
  const { messages } = await page(ada, room);
  const [first, second] = messages;
  if (!first || !second) throw new Error('too few messages');
  const told = (message: Message): Frame => ({ type: 'message', room_id: room, channel: b64(MAIN), message });
  const again = stowaways(room, 2, ada, bob);

  ada.evil.tells(told(second), told(second), told(first));
  await goesOn(bob, 'third', ada);
  await ada.comesToSeeExactly(['first', 'second', 'third']);
  await expect(damaged(ada)).toHaveCount(0);

  again(second);
  for (const person of [ada, bob]) {
    await expect(damaged(person)).toHaveCount(1);
    await person.comesToSeeExactly(['first', 'second', 'third']);
  }
  await goesOn(bob, 'fourth', ada);

  // Other bytes under a number that was heard.
  ada.evil.tells(told({ ...second, envelope: b64(flipped(raw(second.envelope), 80)) }));
  await isStopped(ada, TOLD.fork, ['first', 'second', 'third', 'fourth']);
  await expect.poll(() => ada.evil.lies.filter((lie) => lie === 'told message')).toHaveLength(5);
});

test('A13: a message is replayed in another room, channel or epoch', async ({ cheated }) => {
  const [ada, bob] = await cheated('ada', 'bob');
  const tea = await group('Tea', ada, [bob], []);
  const den = await group('Den', ada, [bob], []);
  const [ofTea, ofDen] = [(await page(ada, tea)).messages[0], (await page(ada, den)).messages[0]];
  if (!ofTea || !ofDen) throw new Error('too few messages');
  const header = (message: Message, at: number, other: Buffer): Outgoing => ({ ...message, header: b64(edited(raw(message.header), at, other)) });
  const replays: Record<string, Outgoing> = {
    "another room's": ofTea,
    relabelled: header(ofTea, HEADER.room, raw(den)),
    'another channel': header(ofDen, HEADER.channel, Buffer.alloc(16, 1)),
    'no epoch': header(ofDen, HEADER.n, Buffer.alloc(4)),
  };
  const replay = stowaways(den, 1, ada, bob);
  for (const [index, [what, message]] of Object.entries(replays).entries()) {
    replay(message);
    for (const person of [ada, bob]) await expect(damaged(person), what).toHaveCount(index + 1);
  }
  await goesOn(bob, 'second', ada);
  await ada.comesToSeeExactly(['first', 'second']);
  await expect.poll(() => ada.evil.lies.filter((lie) => lie === 'told message')).toHaveLength(4);
});

test('A14: messages are flipped, cut, extended, and made garbage', async ({ cheated, strangers }) => {
  const [[ada, bob], [eve]] = await Promise.all([cheated('ada', 'bob'), strangers('eve')]);
  const room = await group('Tea', ada, [bob], [eve]);
  const seen = (await page(ada, room)).head;
  const harm: Record<string, (envelope: Buffer) => Buffer> = {
    salt: (bytes) => flipped(bytes, 0),
    commitment: (bytes) => flipped(bytes, 30),
    letters: (bytes) => flipped(bytes, 100),
    seal: (bytes) => flipped(bytes, bytes.length - 1),
    end: (bytes) => bytes.subarray(0, -1),
    extent: (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]),
    all: (bytes) => randomBytes(bytes.length),
    being: () => Buffer.alloc(0),
  };
  // The same for both, so that their transcripts agree and all that is wrong is the message.
  const cases = Object.entries(harm);
  const given = new Map<number, string>();
  for (const person of [ada, bob]) {
    person.evil.plays(onMessages(room, (message) => {
      const change = cases[message.seq - 2]?.[1];
      const envelope = given.get(message.seq) ?? (change ? b64(change(raw(message.envelope))) : message.envelope);
      given.set(message.seq, envelope);
      return [{ ...message, envelope }];
    }));
  }
  for (const [index, [what]] of cases.entries()) {
    await bob.says(`a message harmed in its ${what}`);
    for (const person of [ada, bob]) await expect(damaged(person), what).toHaveCount(index + 1);
  }
  await goesOn(bob, 'and on it goes', ada);
  await goesOn(ada, 'indeed', bob);
  await ada.comesToSeeExactly(['first', 'and on it goes', 'indeed']);
  for (const person of [ada, bob]) expect(person.evil.lies.filter((lie) => lie === 'frame message')).toHaveLength(cases.length);
  // Their author sees that they did not arrive.
  await expect(bob.log.locator('[data-message-state=failed]')).toHaveCount(cases.length);

  // What stands outside of the seal.
  const now = await logOf(ada.evil, room);
  const { head } = await page(ada, room);
  const secret = (await eve.keys(now)).get(1) ?? NOWHERE;
  const outside: Record<string, (header: Buffer) => Buffer> = {
    nothing: (bytes) => bytes,
    all: () => Buffer.alloc(0),
    extent: (bytes) => Buffer.concat([bytes, Buffer.alloc(1)]),
    ...Object.fromEntries(
      (['tag', 'version', 'suite', 'kind', 'channel', 'id', 'ttl', 'deletion'] as const).map((field) => [field, (bytes: Buffer) => flipped(bytes, HEADER[field])]),
    ),
  };
  const put = stowaways(room, head.seq, ada, bob);
  for (const [index, [what, change]] of Object.entries(outside).entries()) {
    const { header, envelope } = eve.writes(now.room, secret, by(eve.actor, now, seen, `harmed outside: ${what}`));
    put({ header: b64(change(raw(header))), envelope });
    for (const person of [ada, bob]) await expect(damaged(person), what).toHaveCount(cases.length + index);
  }
  await goesOn(bob, 'after all', ada);
  await ada.comesToSeeExactly(['first', 'and on it goes', 'indeed', 'harmed outside: nothing', 'after all']);
});

test('A14: a member who has the room key writes in the name of another', async ({ cheated, strangers }) => {
  const [[ada, bob], [eve]] = await Promise.all([cheated('ada', 'bob'), strangers('eve')]);
  const room = await group('Den', ada, [bob], [eve]);
  const now = await logOf(ada.evil, room);
  const { entries } = now;
  const secret = (await eve.keys(now)).get(1) ?? NOWHERE;
  await goesOn(bob, 'second', ada);
  const bobs = await find(ada, 'bob');
  const [hers, his] = [eve.actor, { user: raw(bobs.user_id), device: deviceOf(bobs) }];
  const { head } = await page(ada, room);
  const put = stowaways(room, head.seq, ada, bob);
  const message = (actor: Actor, text: string, at: Content['log'] = now): Outgoing => eve.writes(now.room, secret, by(actor, at, head, text));

  // She is heard when she speaks for herself.
  put(message(hers, 'as eve'));
  for (const person of [ada, bob]) await person.sees('as eve');
  const forged = [
    message({ user: his.user, device: hers.device }, 'as bob'),
    message(his, "as bob's browser"),
    message({ user: hers.user, device: his.device }, "by bob's browser"),
    message(hers, 'before she came', { seq: 0, head: hash('entry', bodyOf(raw(entries[0] ?? ''))) }),
  ];
  for (const [index, one] of forged.entries()) {
    put(one);
    for (const person of [ada, bob]) await expect(damaged(person)).toHaveCount(index + 1);
  }
  await goesOn(bob, 'third', ada);
  for (const person of [ada, bob]) await person.comesToSeeExactly(['first', 'second', 'as eve', 'third']);
  await expect.poll(() => ada.evil.lies.filter((lie) => lie === 'told message')).toHaveLength(5);
});

test('A27: a member edits, deletes, reads and is called something for another', async ({ cheated, strangers }) => {
  const [[ada, bob], [eve]] = await Promise.all([cheated('ada', 'bob'), strangers('eve')]);
  const room = await group('Den', ada, [bob], [eve]);
  await goesOn(bob, 'second', ada);
  const target = hashOf((await page(ada, room)).messages.at(-1) ?? { header: '', envelope: '' });
  // He is away, and has not read what comes now.
  bob.goesOffline();
  await expect(bob.page.getByText('You are offline.')).toBeVisible();
  await goesOn(ada, 'third');
  const [now, { head }, bobs] = [await logOf(ada.evil, room), await page(ada, room), await find(ada, 'bob')];
  const secret = (await eve.keys(now)).get(1) ?? NOWHERE;
  const [hers, his] = [eve.actor, { user: raw(bobs.user_id), device: deviceOf(bobs) }];
  const actors = [{ user: his.user, device: hers.device }, his, { user: hers.user, device: his.device }, hers];
  const slots = (body: (own: boolean) => Buffer): Frame[] =>
    actors.map((actor) => {
      const written = eve.writes(now.room, secret, { ...by(actor, now, head, ''), body: body(actor === hers), slot: true });
      return { type: 'slot', room_id: room, channel: b64(MAIN), ...written };
    });
  // Of four that say so the last is heard, which speaks for herself.
  ada.evil.plays({});
  ada.evil.tells(...slots(() => receipt(head.seq)));
  await expect(ada.readMark('third')).toHaveText('Read by 1');
  await bob.comesBack();
  await bob.sees('third');
  await expect(ada.readMark('third')).toHaveText('Read by 2');

  const put = stowaways(room, head.seq, ada, bob);
  const message = (actor: Actor, body?: Buffer): Outgoing =>
    eve.writes(now.room, secret, { ...by(actor, now, head, 'as eve'), ...(body ? { body } : {}) });
  put(message(hers));
  for (const person of [ada, bob]) await person.sees('as eve');
  const forged = [
    message(hers, edits(target, 'what bob never said')),
    message(hers, deletes(target)),
    message({ user: his.user, device: hers.device }, edits(target, 'what bob never said')),
    message(his, deletes(target)),
  ];
  for (const [index, one] of forged.entries()) {
    put(one);
    for (const person of [ada, bob]) await expect(damaged(person)).toHaveCount(index + 1);
  }
  ada.evil.tells(...slots((own) => profile(own ? 'Eve of the Sea' : 'Nobody at all', '')));
  await expect(ada.log.getByRole('button', { name: 'Eve of the Sea', includeHidden: true }).first()).toBeAttached();
  await expect(ada.log.getByRole('button', { name: 'bob', includeHidden: true }).first()).toBeAttached();
  await expect(ada.page.getByText('Nobody at all')).toHaveCount(0);
  await goesOn(bob, 'fourth', ada);
  for (const person of [ada, bob]) await person.comesToSeeExactly(['first', 'second', 'third', 'as eve', 'fourth']);
  expect(ada.evil.lies.filter((lie) => lie === 'told slot')).toHaveLength(4);
});

// ---- Room keys ------------------------------------------------------------------------------------------------------

for (const [how, swap] of Object.entries({
  "another member's": (mine: Body, others: Body[]) => others.find((wrapped) => wrapped.user_id !== mine.user_id) ?? mine,
  'an older': (mine: Body, _: Body[], older: Body[]) => older.find((wrapped) => wrapped.n !== mine.n) ?? mine,
  'a broken': (mine: Body) => ({ ...mine, ct: b64(flipped(raw(mine.ct), 5)) }),
})) {
  test(`A15: the room key is handed over in ${how} wrap`, async ({ cheated, strangers }) => {
    const [[ada, bob], [eve]] = await Promise.all([cheated('ada', 'bob'), strangers('eve')]);
    const room = await group('Den', ada, [bob], [eve]);
    const older = (await bob.evil.asks('rooms/wraps', { room_id: room, from_n: 1 })).wraps;
    bob.evil.plays({
      reply: (path, _, body) => {
        if (path !== 'rooms/wraps') return;
        body.wraps = body.wraps.map((mine: Body) => {
          const { enc, ct } = swap(mine, ada.evil.wraps(), older);
          return { ...mine, enc, ct };
        });
      },
    });
    // A new room key.
    await ada.removes('eve');
    await ada.says('second');
    await ada.hasSentEverything();
    expect(epochOf((await page(ada, room)).messages.at(-1)?.header ?? '')).toBe(2);

    await expect(bob.page.getByText('The room key is on the way.')).toBeVisible();
    await expect(bob.log.getByText(LOCKED)).toHaveCount(1);
    await bob.comesToSeeExactly(['first']);
    await expect(bob.composer).toHaveCount(0);
    await expect.poll(() => bob.evil.lies).toContain('answer rooms/wraps');
    expect(written(bob), 'nothing under an old key').toEqual([]);
    nothingFor(eve, ada, bob);

    // The right one opens everything.
    bob.evil.plays({});
    bob.evil.hangsUp();
    await bob.comesToSeeExactly(['first', 'second']);
    await bob.canWriteTo('Den');
    await goesOn(bob, 'third', ada);
  });
}

test('A16: two people are handed different room keys', async ({ cheated, strangers }) => {
  const [[ada, bob], [eve]] = await Promise.all([cheated('ada', 'bob'), strangers('eve')]);
  const room = await group('Den', ada, [bob], [eve]);
  const bobs = await find(ada, 'bob');
  const other = randomBytes(32);
  let commit: Buffer = NOWHERE;
  bob.evil.plays({
    frame: (told) => {
      if (told.type === 'log') commit = roomLog(room, told.entries).epochs.at(-1)?.commit ?? commit;
      return [told];
    },
    reply: (path, _, body) => {
      if (path !== 'rooms/wraps') return;
      const info = { room: raw(room), n: 2, user: raw(bobs.user_id), g: 1, commit };
      body.wraps = [wrap(kkOf(bobs), info, other)];
    },
  });
  await ada.removes('eve');
  await ada.says('second');
  await expect(bob.page.getByText(lied('the room key that ada made')).first()).toBeVisible();
  await expect(bob.page.getByText('The room key is on the way.')).toBeVisible();
  await expect(bob.log.getByText(LOCKED)).toHaveCount(1);
  await bob.comesToSeeExactly(['first']);
  await expect(bob.composer).toHaveCount(0);
  expect(commit).not.toEqual(NOWHERE);
  await expect.poll(() => bob.evil.lies).toContain('answer rooms/wraps');
  expect(written(bob), 'nothing under the other key').toEqual([]);
  nothingFor(eve, ada, bob);
});

test('A17: the new room key after a removal is kept back', async ({ cheated, strangers, relay }) => {
  const [[ada, bob], [eve]] = await Promise.all([cheated('ada', 'bob'), strangers('eve')]);
  const room = await group('Den', ada, [bob], [eve]);
  const other = await relay.fork();
  try {
    bob.evil.relay = other;
    // He may have come back to the first one while the other was starting.
    bob.evil.hangsUp();
    await bob.comesBack();
    await ada.comesBack();
    await ada.removes('eve');
    // Bob is told of the removal, and that it ends there.
    const [removal, ...rest] = ada.evil.requests.find(({ path }) => path === 'rooms/append')?.body.entries ?? [];
    expect(rest, 'a removal and the key after it').toHaveLength(1);
    await ada.evil.asks('rooms/append', { room_id: room, entries: [removal], wraps: [] }, other);
    await expect(bob.log.getByText('ada removed eve.')).toBeVisible();
    bob.evil.plays({});

    await bob.says('just us');
    await bob.hasSentEverything();
    const first = bob.evil.requests.find(({ path }) => path === 'rooms/append');
    expect(roomLog(room, first?.body.entries ?? []).epochs.map(({ n }) => n), 'the key was changed first').toEqual([2]);
    expect(written(bob).map(({ header }) => epochOf(header))).toEqual([2]);
    const wrapped = bob.evil.wraps().map(({ user_id }) => user_id).sort();
    expect(wrapped).toEqual([(await find(ada, 'ada')).user_id, (await find(ada, 'bob')).user_id].sort());
    nothingFor(eve, bob);
    await bob.comesToSeeExactly(['first', 'just us']);
  } finally {
    await other.remove();
  }
});

test('A18: somebody who was removed writes on under the old room key', async ({ cheated, strangers }) => {
  const [[ada, bob], [eve]] = await Promise.all([cheated('ada', 'bob'), strangers('eve')]);
  const room = await group('Den', ada, [bob], [eve]);
  const before = await logOf(ada.evil, room);
  const secret = (await eve.keys(before)).get(1) ?? NOWHERE;
  const head = (await page(ada, room)).head;
  const writes = (text: string, at: RoomLog): Outgoing =>
    eve.writes(before.room, secret, by(eve.actor, at, head, text));
  // With this key she is heard as long as she is here.
  const put = stowaways(room, 1, ada, bob);
  put(writes('still one of us', before));
  for (const person of [ada, bob]) await person.sees('still one of us');
  const early = writes('as if before', before);
  await ada.removes('eve');
  await expect(bob.log.getByText('ada removed eve.')).toBeVisible();
  for (const [index, message] of [early, writes('as if now', await logOf(ada.evil, room))].entries()) {
    put(message);
    for (const person of [ada, bob]) {
      await expect(damaged(person)).toHaveCount(index + 1);
      await person.comesToSeeExactly(['first', 'still one of us']);
    }
  }
  await goesOn(bob, 'just us', ada);
  for (const person of [ada, bob]) {
    await person.comesToSeeExactly(['first', 'still one of us', 'just us']);
    await expect.poll(() => person.evil.lies.filter((lie) => lie === 'told message')).toHaveLength(3);
    expect(written(person).every(({ header }) => epochOf(header) === 2), 'nothing under a key that eve has').toBe(true);
  }
  nothingFor(eve, ada, bob);
});

// ---- Accounts -------------------------------------------------------------------------------------------------------

test('A19: a weaker protection of the password is asked for', async ({ cheated, anotherBrowserOf }) => {
  const [ada] = await cheated('ada');
  const elsewhere = await anotherBrowserOf(ada);
  elsewhere.expectsTrouble();
  const weak = lied('it asks for a weaker password protection than this page accepts');
  await elsewhere.fillsSignIn(ada.password);
  const asks: [number, number, string][] = [[0, 16, weak], [2, 16, weak], [255, 16, weak], [1, 0, OLD_PAGE], [1, 15, OLD_PAGE], [1, 100_000, OLD_PAGE]];
  for (const [profile, salt, told] of asks) {
    ada.evil.plays({
      reply: (path, _, body) => {
        if (path === 'sign-in/start') [body.profile, body.salt] = [profile, b64(Buffer.alloc(salt, 9))];
      },
    });
    await elsewhere.pressesSignIn();
    await expect(elsewhere.page.getByText(told), `profile ${profile}, salt of ${salt}`).toBeVisible();
    await expect.poll(() => ada.evil.lies).toEqual(['answer sign-in/start']);
    expect(ada.evil.requests.filter(({ path }) => path === 'sign-in/prove'), 'nothing was derived').toEqual([]);
  }
  // A salt of the relay's choice gives another key than the one it could have worked out.
  ada.evil.plays({
    reply: (path, _, body) => {
      if (path === 'sign-in/start') body.salt = b64(Buffer.alloc(16));
    },
  });
  await elsewhere.pressesSignIn();
  await expect(elsewhere.page.getByText(WRONG_PASSWORD)).toBeVisible();
  await expect.poll(() => ada.evil.lies).toEqual(['answer sign-in/start']);
  ada.evil.plays({});
  await elsewhere.signsIn();
});

test("A20, A21: another's vault, a part of one, or one header for two passwords", async ({ cheated, anotherBrowserOf }) => {
  const [ada, bob] = await cheated('ada', 'bob');
  let theirs: Body;
  bob.evil.plays({
    reply: (path, _, body) => {
      if (path === 'sign-in/prove') theirs = structuredClone(body);
    },
  });
  await (await anotherBrowserOf(bob)).signsIn();
  expect(theirs.items.length).toBeGreaterThanOrEqual(3);

  const elsewhere = await anotherBrowserOf(ada);
  elsewhere.expectsTrouble();
  const vaults: Record<string, (body: Body) => void> = {
    "another's": (body) => void Object.assign(body, { vault_header: theirs.vault_header, items: theirs.items }),
    'header of another': (body) => void (body.vault_header = theirs.vault_header),
    'items of another': (body) => void (body.items = theirs.items),
    empty: (body) => void (body.items = []),
    'one less': (body) => void body.items.pop(),
    revision: (body) => body.items.forEach((item: Body) => (item.rev += 1)),
    // The way in ends a header: salt, commitment, box. Another's commitment, or another's box, for this password.
    'commitment of another': (body) => {
      const [mine, other] = [raw(body.vault_header), raw(theirs.vault_header)];
      body.vault_header = b64(edited(mine, mine.length - 80, other.subarray(-80, -48)));
    },
    'box of another': (body) => {
      const [mine, other] = [raw(body.vault_header), raw(theirs.vault_header)];
      body.vault_header = b64(edited(mine, mine.length - 48, other.subarray(-48)));
    },
  };
  await elsewhere.fillsSignIn(ada.password);
  for (const [what, change] of Object.entries(vaults)) {
    ada.evil.plays({
      reply: (path, _, body) => {
        if (path === 'sign-in/prove') change(body);
      },
    });
    await elsewhere.pressesSignIn();
    await expect(elsewhere.page.getByText(lied('the vault')).or(elsewhere.page.getByText(OLDER_VAULT)), what).toBeVisible();
    expect(ada.evil.lies, what).toEqual(['answer sign-in/prove']);
    const entered = ada.evil.requests.filter(({ path }) => ['users/append', 'session/prove'].includes(path));
    expect(entered, `${what}: no browser is added`).toEqual([]);
  }
  ada.evil.plays({});
  await elsewhere.signsIn();
});

test('A20: an older vault, before a browser that was never here and one that was', async ({ cheated, strangers, anotherBrowserOf }) => {
  const [[ada]] = await Promise.all([cheated('ada'), strangers('bob')]);
  const known = await anotherBrowserOf(ada);
  known.expectsTrouble();
  let older: Body;
  ada.evil.plays({
    reply: (path, _, body) => {
      if (path === 'sign-in/prove') older = structuredClone(body.items);
    },
  });
  await known.signsIn();
  await ada.opensDirectWith('bob');
  await ada.chooses('More', 'Safety number');
  await ada.dialog(/^Safety number/).getByRole('button', { name: 'They match' }).click();
  await expect(ada.page.getByText('You checked bob.')).toBeVisible();
  ada.evil.plays({});
  // The log names the state of the vault since somebody signed in after the last change.
  const newest = await anotherBrowserOf(ada);
  await newest.signsIn();

  const olderVault: Script = {
    reply: (path, _, body) => {
      if (path === 'sign-in/prove' || path === 'vault/get') body.items = structuredClone(older);
    },
  };
  ada.evil.plays(olderVault);
  const fresh = await anotherBrowserOf(ada);
  fresh.expectsTrouble();
  await fresh.triesToSignIn(ada.password);
  await expect(fresh.page.getByText(OLDER_VAULT)).toBeVisible();
  expect(ada.evil.lies).toContain('answer sign-in/prove');
  const entered = ada.evil.requests.filter(({ path }) => ['users/append', 'session/prove'].includes(path));
  expect(entered, 'no browser is added').toEqual([]);

  ada.evil.plays(olderVault);
  await known.reloads();
  await expect(known.page.getByText('The server shows an older state of your keys and contacts.')).toBeVisible();
  await expect.poll(() => ada.evil.lies).toContain('answer vault/get');
  await expect(known.conversations.getByRole('link', { name: /bob/ })).toBeVisible();
  expect(ada.evil.requests.filter(({ path }) => path === 'vault/put'), 'nothing is built on it').toEqual([]);

  ada.evil.plays({});
  await known.reloads();
  await expect(known.conversations.getByRole('link', { name: /bob/ })).toBeVisible();
  await expect(known.page.getByText('The server shows an older state of your keys and contacts.')).toHaveCount(0);
  await fresh.signsIn();
});

test('A22: the handle of somebody who was checked becomes another account', async ({ cheated, strangers, anotherBrowserOf }) => {
  const [[ada], [bob, eve]] = await Promise.all([cheated('ada'), strangers('bob', 'eve')]);
  await ada.opensDirectWith('bob');
  await ada.chooses('More', 'Safety number');
  await ada.dialog(/^Safety number/).getByRole('button', { name: 'They match' }).click();
  await expect(ada.page.getByText('You checked bob.')).toBeVisible();

  // Here, and in a browser that knows of him by that mark alone.
  const elsewhere = await anotherBrowserOf(ada);
  elsewhere.expectsTrouble();
  await elsewhere.signsIn();
  for (const browser of [ada, elsewhere]) {
    ada.evil.plays({
      reply: (path, asked, body) => {
        if (path === 'users/find' && asked.handle === 'bob') Object.assign(body, eve.log, { handle: 'bob' });
      },
    });
    await browser.chooses('New conversation', 'New message');
    const message = browser.dialog('New message');
    await message.getByLabel('Handle').fill('bob');
    await message.getByRole('button', { name: 'Write' }).click();
    await expect(message.getByText('bob is another account now than the one you checked')).toBeVisible();
    await message.getByLabel('Handle').fill('');
    await message.getByRole('button', { name: 'Cancel' }).click();

    await browser.chooses('New conversation', 'New group');
    const trap = browser.dialog('New group');
    await trap.getByLabel('Name').fill('Trap');
    await trap.getByRole('textbox', { name: 'People' }).fill('bob');
    await trap.getByRole('button', { name: 'Create group' }).click();
    await expect(trap.getByText('bob is another account now than the one you checked')).toBeVisible();
    await browser.reloads();

    await expect.poll(() => ada.evil.lies).toContain('answer users/find');
    expect(ada.evil.requests.filter(({ path }) => path === 'rooms/create')).toEqual([]);
    nothingFor(eve, ada);
    nothingFor(bob, ada);
  }
});

// ---- Links ----------------------------------------------------------------------------------------------------------

const SOMETHING_ELSE = 'This link was answered with something else';

/** A link into the group on screen: what stands behind the address of the page. */
async function makesLink(person: Person): Promise<string> {
  await person.chooses('More', 'Invite by link');
  const dialog = person.dialog(/^Invite people/);
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  await expect(dialog.getByRole('img', { name: 'The link as a code' })).toBeVisible();
  const link = await dialog.getByRole('textbox', { name: 'Link' }).inputValue();
  await dialog.locator('.dialog-foot').getByRole('button', { name: 'Close' }).click();
  return link.slice(link.indexOf('/#'));
}

/** Opens a link, whichever was open before. */
async function follows(person: Person, link: string): Promise<void> {
  await person.page.goto('/link');
  await person.page.goto(link);
}

test('A23: a contact link is answered with somebody else', async ({ cheated, strangers }) => {
  const [[ada], [bob, eve]] = await Promise.all([cheated('ada'), strangers('bob', 'eve')]);
  const lies: [string, (body: Body) => void][] = [
    ['Somebody else answers under this name', (body) => Object.assign(body, eve.log, { handle: 'bob' })],
    [SOMETHING_ELSE, (body) => (body.genesis = eve.log.genesis)],
    [SOMETHING_ELSE, (body) => (body.genesis = withKk(bob.log.genesis, eve.kem[0]?.public ?? NOWHERE))],
    [SOMETHING_ELSE, (body) => (body.entries = eve.log.entries)],
  ];
  for (const [title, lie] of lies) {
    ada.evil.plays({
      reply: (path, _, body) => {
        if (path === 'users/find') lie(body);
      },
    });
    await follows(ada, `/#c1.${bob.log.user_id}.bob`);
    await expect(ada.page.getByRole('heading', { name: title })).toBeVisible();
    await expect(ada.page.getByRole('button', { name: 'Write a message' })).toHaveCount(0);
    await expect.poll(() => ada.evil.lies).toContain('answer users/find');
    expect(ada.evil.requests.filter(({ path }) => path === 'rooms/create')).toEqual([]);
  }
  ada.evil.plays({});
  await follows(ada, `/#c1.${bob.log.user_id}.bob`);
  await expect(ada.page.getByRole('heading', { name: 'bob' })).toBeVisible();
  nothingFor(eve, ada);
});

test("A24: an invite link is answered with another room, or with another invite's card", async ({ cheated, anotherBrowserOf }) => {
  const [ada, cyd] = await cheated('ada', 'cyd');
  await ada.makesGroup('Tea', []);
  const other = await makesLink(ada);
  const tea = await logOf(ada.evil, roomOf(ada));
  await ada.makesGroup('Den', []);
  const link = await makesLink(ada);

  // Signed in: what the link leads to is read in the room's own log.
  cyd.evil.plays({
    reply: (path, _, body) => {
      if (path === 'invites/open') [body.entries, body.seq] = [tea.entries, tea.seq];
    },
  });
  await follows(cyd, link);
  await expect(cyd.page.getByRole('heading', { name: SOMETHING_ELSE })).toBeVisible();
  await expect(cyd.page.getByText(lied('the room behind this link'))).toBeVisible();
  await expect(cyd.page.getByRole('button', { name: /^Join/ })).toHaveCount(0);
  await expect.poll(() => cyd.evil.lies).toContain('answer invites/open');
  expect(cyd.evil.requests.filter(({ path }) => path === 'rooms/append'), 'nothing was signed').toEqual([]);

  // Signed out: all there is is the card.
  const elsewhere = await anotherBrowserOf(cyd);
  elsewhere.expectsTrouble();
  let card = '';
  cyd.evil.plays({
    reply: (path, _, body) => {
      if (path === 'invites/peek') card = body.card;
    },
  });
  await elsewhere.page.goto(other);
  await expect(elsewhere.page.getByRole('heading', { name: 'Tea' })).toBeVisible();
  expect(card).not.toBe('');
  for (const swapped of [card, '', b64(flipped(raw(card), 40))]) {
    cyd.evil.plays({
      reply: (path, _, body) => {
        if (path === 'invites/peek') body.card = swapped;
      },
    });
    await follows(elsewhere, link);
    await expect(elsewhere.page.getByRole('heading', { name: SOMETHING_ELSE })).toBeVisible();
    await expect(elsewhere.page.getByRole('heading', { name: /Tea|Den/ })).toHaveCount(0);
    await expect.poll(() => cyd.evil.lies).toContain('answer invites/peek');
  }
  cyd.evil.plays({});
  await follows(elsewhere, link);
  await expect(elsewhere.page.getByRole('heading', { name: 'Den' })).toBeVisible();
});

test('A25: somebody comes by an invite that there is not, or without its link', async ({ cheated, strangers }) => {
  const [[ada], [dan]] = await Promise.all([cheated('ada'), strangers('dan')]);
  for (const how of ['no invite', 'no link']) {
    const room = await group(`By ${how}`, ada, [], []);
    await makesLink(ada);
    const made = await logOf(ada.evil, room);
    // The entry that made it: the id stands behind the number of its kind.
    const open = bodyOf(raw(made.entries.at(-1) ?? '')).subarray(148, 164);
    const own = new Key();
    const invite = how === 'no invite' ? inviteOf(own) : open;
    const join = (now: RoomLog): string => dan.signs(entry(now, dan.actor, comes(now.room, invite, own, pointOf(dan.log))));
    await expect(dan.asks('rooms/append', { room_id: room, entries: [join(made)], wraps: [] }), how).rejects.toThrow(/: 4\d\d /);
    ada.evil.plays({});
    await force(ada, room, join);
    await isStopped(ada, TOLD.entry, ['first'], AT_ONCE);
    await hasMembers(ada, ['ada']);
    nothingFor(dan, ada);
    expect(ada.evil.lies).toEqual(['told log']);
  }
});

test('A30: a proof of the password is used again, or under another name', async ({ cheated, anotherBrowserOf, relay }) => {
  const [ada] = await cheated('ada');
  const elsewhere = await anotherBrowserOf(ada);
  elsewhere.expectsTrouble();
  ada.evil.plays({
    reply: (path, _, body) => {
      if (path === 'info') body.realm = 'evil.test';
    },
  });
  await elsewhere.triesToSignIn(ada.password);
  await expect(elsewhere.page.getByText(WRONG_PASSWORD)).toBeVisible();
  await expect.poll(() => ada.evil.lies).toContain('answer info');

  ada.evil.plays({});
  await elsewhere.signsIn();
  const proof = ada.evil.requests.find(({ path }) => path === 'sign-in/prove')?.body;
  const session = ada.evil.requests.find(({ path }) => path === 'session/prove')?.body;
  expect(session).toBeTruthy();
  await expect(ask(relay, 'sign-in/prove', proof)).rejects.toThrow(/bad_proof/);
  const { challenge } = await ask(relay, 'sign-in/start', { handle: 'ada' });
  await expect(ask(relay, 'sign-in/prove', { ...proof, challenge })).rejects.toThrow(/bad_proof/);
  await expect(ask(relay, 'session/prove', session)).rejects.toThrow(/not_signed_in/);
});

// ---- Versions, and what nobody asked for ----------------------------------------------------------------------------

test('A33: an older suite or version', async ({ cheated, strangers, anotherBrowserOf }) => {
  const [[ada], [eve]] = await Promise.all([cheated('ada'), strangers('eve')]);
  const forgeries: Record<string, (now: RoomLog, roster: Buffer) => Buffer> = {
    'suite 0': (now, roster) => entry(now, eve.actor, epoch(2, 0, roster)),
    'suite 2': (now, roster) => entry(now, eve.actor, epoch(2, 2, roster)),
    policy: (now) => entry(now, eve.actor, setPolicy(0, 1)),
    version: (now) => edited(entry(now, eve.actor, unban(NOWHERE)), 2, Buffer.of(0)),
  };
  const roster = rosterHash([await find(ada, 'ada'), eve.log]);
  for (const [what, forge] of Object.entries(forgeries)) {
    const room = await group(what, ada, [], [eve]);
    await force(ada, room, (now) => eve.signs(forge(now, roster)));
    await isStopped(ada, TOLD.entry, ['first'], AT_ONCE);
    await expect.poll(() => ada.evil.lies).toEqual(['told log']);
    expect(ada.evil.wraps()).toEqual([]);
  }

  // Messages of another suite, by a member who has the room key.
  const room = await group('Messages', ada, [], [eve]);
  const now = await logOf(ada.evil, room);
  const { head } = await page(ada, room);
  const secret = (await eve.keys(now)).get(1) ?? NOWHERE;
  const put = stowaways(room, head.seq, ada);
  for (const [index, suite] of [0, 2].entries()) {
    put(eve.writes(now.room, secret, { ...by(eve.actor, now, head, 'weaker'), suite }));
    await expect(damaged(ada)).toHaveCount(index + 1);
  }
  await goesOn(ada, 'second');
  await ada.comesToSeeExactly(['first', 'second']);
  await expect.poll(() => ada.evil.lies).toEqual(expect.arrayContaining(['told message', 'told message']));

  // Another version of the protocol.
  const elsewhere = await anotherBrowserOf(ada);
  ada.evil.plays({
    reply: (path, _, body) => {
      if (path === 'info') body.api = 0;
    },
  });
  await elsewhere.triesToSignIn(ada.password);
  await expect(elsewhere.page.getByText(OLD_PAGE)).toBeVisible();
  await expect.poll(() => ada.evil.lies).toContain('answer info');
  expect(ada.evil.requests.filter(({ path }) => path === 'sign-in/start')).toEqual([]);
});

test('A34: rooms and frames that nobody asked for', async ({ cheated, strangers }) => {
  const [[ada], [bob, eve, dan]] = await Promise.all([cheated('ada'), strangers('bob', 'eve', 'dan')]);
  const room = await group('Tea', ada, [], [bob]);
  // A room that Ada is not in, and one with her of a suite that nobody has.
  const strange = directGenesis(pointOf(eve.log), eve.device.id, pointOf(dan.log), 1);
  const weak = directGenesis(pointOf(eve.log), eve.device.id, pointOf(await find(ada, 'ada')), 2);
  const [theirs, weaker] = [strange, weak].map((genesis) => b64(hash('room-id', genesis)));
  const [first, second] = [strange, weak].map((genesis) => eve.signs(genesis));
  const nowhere = b64(NOWHERE);
  const sealed = (await page(ada, room)).messages[0];
  if (!theirs || !weaker || !first || !second || !sealed) throw new Error('something is missing');
  const message = (room_id: string, seq: number, channel = b64(MAIN)): Frame => ({ type: 'message', room_id, channel, message: { ...sealed, seq } });
  const refused = (room_id: string, code: string): Frame => ({ type: 'refused', room_id, msg_id: b64(MAIN), code, retry_secs: 4_294_967_295 });
  const frames: Frame[] = [
    log(theirs, 0, first), log(theirs, 1, first), log(weaker, 0, second),
    log(nowhere, 0, first), log(nowhere, 5, first), log(nowhere, Number.MAX_SAFE_INTEGER, first), log(nowhere, 0),
    message(theirs, 1), message(nowhere, Number.MAX_SAFE_INTEGER), message(room, 2, b64(Buffer.alloc(16, 1))), message(room, 0),
    { type: 'wraps', room_id: nowhere }, { type: 'wraps', room_id: room }, { type: 'user_log', user_id: nowhere, seq: Number.MAX_SAFE_INTEGER },
    refused(room, 'internal'), refused(nowhere, 'wrong_epoch'), { type: 'pong' },
    // What is no frame at all.
    { type: 'nonsense' } as unknown as Frame, { type: 'message' } as unknown as Frame, 'text' as unknown as Frame,
  ];
  ada.evil.tells(...frames);
  await goesOn(ada, 'second');
  await expect.poll(() => ada.evil.lies).toHaveLength(frames.length);
  await expect(ada.conversations.getByRole('link')).toHaveCount(1);
  await expect(ada.page.getByText('Stopped:')).toHaveCount(0);
  await ada.readsEverything();
  for (const who of [eve, dan]) nothingFor(who, ada);
});

// ---- The page itself ------------------------------------------------------------------------------------------------

/** A section of a WebAssembly module that no engine looks at, with a name of four letters and nothing in it. */
const section = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.from([0, 5, 4]), Buffer.from('evil')]);
const line = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.from('\n')]);

/** Files that would run as well as the right ones: with something at the end that means nothing. */
const OTHER: Record<string, (bytes: Buffer) => Buffer> = {
  'app_bg.wasm': section,
  'app.js': line,
  'worker.js': line,
  'worker_bg.wasm': section,
};

for (const [file, change] of Object.entries(OTHER)) {
  test(`A36: ${file} that was altered is not run, and the page says which build it is`, async ({ browser, relay, people }) => {
    const evil = await Evil.before(relay);
    evil.plays({ asset: (path, bytes) => (path === `/${file}` ? change(bytes) : bytes) });
    const ada = await Person.arrives(browser, evil, 'ada');
    people.push(ada);
    // The browser says on the console which file it refused.
    ada.expectsTrouble(/./);
    await ada.page.goto('/');
    await expect(ada.page.getByRole('heading', { name: 'This is not all of Sotto' })).toBeVisible();
    await expect(ada.page.getByRole('alert')).toContainText(new RegExp(`The file ${file} is not the one that build \\S+ was made with`));
    await expect(ada.page.getByRole('form', { name: 'Sign in' })).toHaveCount(0);
    expect(evil.lies).toContain(`file /${file}`);
    expect(evil.requests.filter(({ path }) => path !== 'info')).toEqual([]);
    await evil.remove();
  });
}

// ---- Small things ---------------------------------------------------------------------------------------------------

const find = (person: Cheated, handle: string): Promise<UserLog> => person.evil.asks('users/find', { handle });

/** The id of the first device in somebody's log. */
const deviceOf = (log: UserLog): Buffer => hash('key-id', bodyOf(raw(log.entries[0] ?? '')).subarray(84, 149));

// A member with a changed client does what only a moderator may, and a lying relay lets it through: real browsers take none of
// it, and the relay itself refuses each.

import { Evil } from './evil.ts';
import {
  NOWHERE, ROLE, type RoomLog, Stranger, b64, entry, logOf, pin, redact, remove, setRole, slowMode, timeOut, unban,
} from './forge.ts';
import { Person } from './people.ts';
import { test as base, expect } from './stage.ts';

type Cheated = Person & { evil: Evil };

const test = base.extend<{ ada: Cheated; eve: Stranger; bob: Stranger }>({
  ada: async ({ browser, relay, people }, use) => {
    const evil = await Evil.before(relay);
    const ada = Object.assign(await Person.arrives(browser, evil, 'ada'), { evil });
    people.push(ada);
    ada.expectsTrouble();
    await ada.signsUp();
    await use(ada);
    await evil.remove();
  },
  eve: async ({ relay }, use) => use(await Stranger.arrives(relay, 'eve')),
  bob: async ({ relay }, use) => use(await Stranger.arrives(relay, 'bob')),
});

const roomOf = (person: Person): string => /\/messages\/([\w-]{43})/.exec(person.page.url())?.[1] ?? '';

test('what only a moderator may is refused by the relay, and by browsers when the relay lets it through', async ({ ada, eve, bob }) => {
  test.slow();
  const bodies: Record<string, Buffer> = {
    Remove: remove(bob.user, false),
    Ban: remove(bob.user, true),
    Unban: unban(bob.user),
    Role: setRole(bob.user, ROLE.moderator),
    'Own role': setRole(eve.user, ROLE.owner),
    'Time-out': timeOut(bob.user, Date.now() + 3_600_000),
    'Slow mode': slowMode(30),
    Redact: redact(NOWHERE),
    Pin: pin(NOWHERE),
  };
  const forged = (now: RoomLog, body: Buffer): string => eve.signs(entry(now, eve.actor, body));
  for (const [name, body] of Object.entries(bodies)) {
    ada.evil.plays({});
    await ada.makesGroup(name, ['bob', 'eve']);
    await ada.says('first');
    await ada.hasSentEverything();
    const room = roomOf(ada);
    const now = await logOf(ada.evil, room);
    // An honest relay takes none of it.
    await expect(eve.asks('rooms/append', { room_id: room, entries: [forged(now, body)], wraps: [] }), name).rejects.toThrow(/invalid_entry/);
    expect((await logOf(ada.evil, room)).seq, name).toBe(now.seq);
    // Told all the same, it stops the room where it was.
    ada.evil.tells({ type: 'log', room_id: room, from_seq: now.seq + 1, entries: [forged(now, body)] });
    const banner = ada.page.getByRole('status').filter({ hasText: 'This room is stopped, to keep it safe.' });
    await expect(banner, name).toContainText('The list of members holds a change that no member was allowed to make.', { timeout: 15_000 });
    await ada.comesToSeeExactly(['first']);
    await expect(ada.composer).toHaveCount(0);
    await ada.page.getByRole('button', { name: /^Members/ }).click();
    const names = ada.page.getByRole('complementary', { name: 'Members' }).locator('.member-name');
    await expect.poll(async () => (await names.allInnerTexts()).sort(), name).toEqual(['ada', 'bob', 'eve']);
    expect(ada.evil.wraps().filter((wrapped) => wrapped.user_id === b64(eve.user) && wrapped.n > 1), name).toEqual([]);
  }
});

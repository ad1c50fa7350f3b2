// Measurements in a real browser. `./dev bench` runs them; the numbers depend on the machine, so nothing here fails.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import type { Locator } from '@playwright/test';

import type { Outgoing } from './evil.ts';
import { MAIN, ROLE, Stranger, addMember, b64, entry, pointOf, raw, roomLog } from './forge.ts';
import type { Person } from './people.ts';
import { expect, test } from './stage.ts';

/** What a command brought back. */
interface Answer {
  Room: string;
  Space: string;
  InviteLink: string;
  Preview?: { members: number };
}

const DIST = process.env['SOTTO_CLIENT_DIR'] ?? resolve(import.meta.dirname, '..', 'dist');

function report(what: string, value: string): void {
  console.log(`figure: ${what.padEnd(58)} ${value}`);
}

function spread(times: number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return `median ${at(0.5)} ms, 95 % ${at(0.95)} ms, worst ${at(1)} ms, of ${sorted.length}`;
}

test('first load', async ({ newPerson }) => {
  const { page } = await newPerson('alice');
  const wire: { name: string; bytes: number }[] = [];
  page.on('response', async (answer) => {
    const name = new URL(answer.url()).pathname;
    const sizes = await answer.request().sizes().catch(() => undefined);
    wire.push({ name, bytes: (sizes?.responseBodySize ?? 0) + (sizes?.responseHeadersSize ?? 0) });
  });
  const began = Date.now();
  await page.goto('/');
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeEnabled();
  report('cold: from the address to a form that works', `${Date.now() - began} ms`);
  await page.waitForLoadState('networkidle');
  report('first load over the wire (passwords load when one is chosen)', `${Math.round(wire.reduce((sum, { bytes }) => sum + bytes, 0) / 1000)} kB in ${wire.length} answers`);
  for (const name of ['app_bg.wasm', 'worker_bg.wasm', 'passwords_bg.wasm']) {
    const [plain, small] = ['', '.br'].map((ending) => statSync(join(DIST, name + ending)).size);
    report(`${name}, plain and over the wire`, `${Math.round((plain ?? 0) / 1000)} kB, ${Math.round((small ?? 0) / 1000)} kB`);
  }
  const again = Date.now();
  await page.reload();
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeEnabled();
  report('warm: reload to a form that works', `${Date.now() - again} ms`);
});

test('signing up and in', async ({ newPerson, anotherBrowserOf }) => {
  const alice = await newPerson('alice');
  await alice.fillsSignUp();
  let began = Date.now();
  await alice.page.getByRole('button', { name: 'Create account' }).click();
  await alice.isIn();
  report('creating an account', `${Date.now() - began} ms`);
  const elsewhere = await anotherBrowserOf(alice);
  await elsewhere.page.goto('/');
  began = Date.now();
  await elsewhere.signsIn();
  report('signing in on a new browser, page load included', `${Date.now() - began} ms`);
});

test('messages', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('begin');
  await bob.opensToWrite('alice');
  await bob.sees('begin');
  const [echo, arrival]: [number[], number[]] = [[], []];
  for (let i = 0; i < 50; i++) {
    const text = `message number ${i}.`;
    const [here, there] = [await alice.noticesWhen(text), await bob.noticesWhen(text)];
    const pressed = await alice.says(text);
    echo.push((await here()) - pressed);
    arrival.push((await there()) - pressed);
  }
  report('Enter to one’s own row', spread(echo));
  report('Enter to the other’s row', spread(arrival));
  const began = Date.now();
  await bob.reloads();
  await bob.sees('message number 49.');
  report('reload to the newest message', `${Date.now() - began} ms`);
});

// ---- Much of everything ---------------------------------------------------------------------------------------------

/** The program that knows what page and worker hand each other (client/examples/wired.rs). */
const WIRED = process.env['SOTTO_WIRED_BIN'] ?? resolve(import.meta.dirname, '..', 'target/debug/examples/wired');
let number = 0;

/** What the page would ask of its worker, without the way through dialogs. */
async function asks(person: Person, command: unknown): Promise<Answer> {
  // Far from those that the page gives, and of one length: the bytes of an answer begin with what it is and with this.
  number = (number + 1) % 100;
  const asked = execFileSync(WIRED, ['asks'], { input: JSON.stringify({ id: 4_000_000_000 + number, command }) });
  const said = await person.page.evaluate(async (asked) => {
    const { sottoWorker } = globalThis as unknown as { sottoWorker: Worker };
    const bytes = Uint8Array.from(asked);
    return new Promise<number[]>((done) => {
      const hear = ({ data }: MessageEvent<Uint8Array>): void => {
        if (data[0] !== 2 || bytes.subarray(0, 5).some((byte, at) => data[at + 1] !== byte)) return;
        sottoWorker.removeEventListener('message', hear);
        done([...data]);
      };
      sottoWorker.addEventListener('message', hear);
      sottoWorker.postMessage(bytes);
    });
  }, [...asked]);
  const { Done } = JSON.parse(execFileSync(WIRED, ['said'], { input: Buffer.from(said) }).toString()) as { Done: { result: { Ok?: Answer; Err?: unknown } } };
  if (Done.result.Ok === undefined) throw new Error(JSON.stringify(Done.result.Err));
  return Done.result.Ok;
}

/** Milliseconds of each frame while something is scrolled by so many pixels a frame. */
async function frames(what: Locator, step: number, count: number): Promise<number[]> {
  return what.evaluate(
    async (box, [step, count]) => {
      const times: number[] = [];
      let before = performance.now();
      for (let at = 0; at < count; at += 1) {
        box.scrollBy({ top: step });
        await new Promise((painted) => requestAnimationFrame(painted));
        const now = performance.now();
        times.push(now - before);
        before = now;
      }
      return times;
    },
    [step, count] as const,
  );
}

/**
 * Types into the composer, as fast as somebody does; from each key to the picture that shows it, as the browser itself times
 * events (8 ms exact, and nothing said of those under 16). `until`: as long as that has not come.
 */
async function typing(person: Person, least: number, until?: () => boolean): Promise<number[]> {
  // In its first seconds the headless browser paints (a film of it shows every key) and tells so only later, all at once.
  await person.page.waitForFunction(() => performance.now() > 5_000);
  await person.composer.focus();
  await person.page.evaluate(() => {
    const here = globalThis as unknown as { keys?: number[] };
    const listens = here.keys !== undefined;
    here.keys = [];
    if (listens) return;
    new PerformanceObserver((list) => {
      for (const { name, duration } of list.getEntries()) if (name === 'keydown') here.keys?.push(duration);
    }).observe({ type: 'event', durationThreshold: 16 } as PerformanceObserverInit);
  });
  let typed = 0;
  for (; typed < least || (until && !until()); typed += 1) await person.page.keyboard.type('abcdefghij '[typed % 11] ?? ' ', { delay: 60 });
  await person.composer.fill('');
  // What is being painted is told with the frame after it.
  await person.page.evaluate(async () => {
    for (let at = 0; at < 3; at += 1) await new Promise((painted) => requestAnimationFrame(painted));
  });
  const slow = await person.page.evaluate(() => (globalThis as unknown as { keys: number[] }).keys);
  return [...slow, ...Array.from({ length: Math.max(0, typed - slow.length) }, () => 16)];
}

/** Bytes: what the browser counts of page and worker, and what their process has of this machine's memory for itself. */
async function memory(person: Person): Promise<[number, number]> {
  const counted = await person.page.evaluate(async () => {
    const { bytes } = await (performance as unknown as { measureUserAgentSpecificMemory(): Promise<{ bytes: number }> }).measureUserAgentSpecificMemory();
    return bytes;
  });
  const session = await person.context.browser()?.newBrowserCDPSession();
  const { processInfo } = (await session?.send('SystemInfo.getProcessInfo')) ?? { processInfo: [] };
  await session?.detach();
  const own = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => {
    const areas = existsSync('/proc') ? readFileSync(`/proc/${id}/smaps_rollup`, 'utf8') : '';
    return [...areas.matchAll(/^Private_\w+: +(\d+) kB/gm)].reduce((sum, [, kilobytes]) => sum + Number(kilobytes) * 1024, 0);
  });
  // Others have no page, or a smaller one.
  return [counted, Math.max(...own)];
}

const MB = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const both = ([counted, own]: [number, number]): string => `${MB(counted)} counted by the browser, ${MB(own)} of its process's own`;

test.describe('a lot', () => {
  test.use({
    settings: {
      SOTTO_LOG: 'warn', SOTTO_REGISTER_PER_HOUR: '1000000', SOTTO_SIGN_IN_PER_MINUTE: '1000000', SOTTO_REQUESTS_PER_MINUTE: '1000000',
      SOTTO_MESSAGES_PER_MINUTE: '100000000', SOTTO_MESSAGES_BURST: '100000000', SOTTO_ENTRIES_PER_HOUR: '1000000',
    },
  });
  test.setTimeout(900_000);

  test('a long conversation', async ({ signedUp, anotherBrowserOf, relay }) => {
    const [alice] = await signedUp('alice');
    const eve = await Stranger.arrives(relay, 'eve');
    const { Room: room } = await asks(alice, { CreateGroup: { name: 'Harbour', handles: ['eve'] } });
    await alice.opens('Harbour');
    await alice.says('the first');
    await alice.hasSentEverything();
    const log = roomLog(room, (await eve.asks('rooms/log', { room_id: room, from_seq: 0 })).entries);
    const secret = (await eve.keys(log)).get(1);
    if (!secret) throw new Error('no room key');
    const { head } = await eve.asks('messages/page', { room_id: room, channel: b64(MAIN), from: 'end', limit: 1 });
    const lane = eve.lane();
    let count = 0;
    const writes = function* (to: number): Generator<Outgoing> {
      while (count < to) {
        const text = `message ${++count}${', and some more words with it'.repeat(count % 4)}`;
        yield eve.writes(log.room, secret, { ...eve.actor, log, seen: { seq: head.seq, t: raw(head.t) }, text, n: 1, suite: 1 }, lane);
      }
    };
    const newest = (person: Person): Locator => person.log.getByText(new RegExp(`^message ${count}(,|$)`));

    report('a key pressed until painted, nothing else going on', spread(await typing(alice, 60)));

    // While she is away, 5,000 messages come; she writes while they come in.
    alice.goesOffline();
    await eve.sends(writes(5_000));
    let caughtUp = false;
    const began = Date.now();
    await alice.comesBack();
    const seen = expect(newest(alice)).toBeVisible({ timeout: 120_000 }).then(() => (caughtUp = true));
    const times = await typing(alice, 20, () => caughtUp);
    await seen;
    report('5,000 messages that came meanwhile, until the newest is there', `${Date.now() - began} ms`);
    report('a key pressed until painted, while they come in', spread(times));

    await alice.page.goto('about:blank');
    for (const many of [50_000, 100_000]) {
      await eve.sends(writes(many));
      const other = await anotherBrowserOf(alice);
      await other.fillsSignIn(other.password);
      let from = Date.now();
      await other.pressesSignIn();
      await expect(other.conversations.getByText('Harbour')).toBeVisible({ timeout: 20_000 });
      report(`${many} messages: a new browser, from signing in to the list`, `${Date.now() - from} ms`);
      from = Date.now();
      await other.opens('Harbour');
      await expect(newest(other)).toBeInViewport({ timeout: 20_000 });
      report(`${many} messages: opening the conversation, to the newest`, `${Date.now() - from} ms`);
      from = Date.now();
      await other.reloads();
      await expect(newest(other)).toBeInViewport({ timeout: 20_000 });
      report(`${many} messages: reload, to the newest`, `${Date.now() - from} ms`);
      report(`${many} messages: a frame while scrolling up`, spread(await frames(other.log, -400, 300)));
      report(`${many} messages: memory of the tab then`, both(await memory(other)));
      await other.page.close();
    }
  });

  test('a hundred rooms', async ({ signedUp }) => {
    const [alice] = await signedUp('alice');
    const fill = async (from: number, to: number): Promise<void> => {
      for (let at = from; at < to; at += 1) {
        const { Room: room } = await asks(alice, { CreateGroup: { name: `Room ${at}`, handles: [] } });
        await asks(alice, { Send: { chat: { room, channel: b64(MAIN) }, text: 'hello', reply: null, thread: null } });
      }
      await alice.reloads();
      await alice.isOnline();
      await alice.opens('Room 0');
      await alice.sees('hello');
    };
    await fill(0, 1);
    const one = await memory(alice);
    await fill(1, 100);
    const hundred = await memory(alice);
    report('memory of the tab with one room', both(one));
    report('memory of the tab with 100 rooms', `${both(hundred)}, ${(hundred[0] / one[0]).toFixed(2)} and ${(hundred[1] / one[1]).toFixed(2)} times that`);
  });

  for (const size of [200, 1000]) {
    test(`a space of ${size} people and a hundred channels`, async ({ signedUp, newPerson, anotherBrowserOf, relay }) => {
      const [alice] = await signedUp('alice');
      const channel = (at: number): unknown => ({ name: `channel ${at}`, topic: 'What belongs here', kind: 'Public' });
      const headings = Array.from({ length: 10 }, (_, at) => ({ name: `heading ${at}`, channels: Array.from({ length: 10 }, (_, by) => channel(at * 10 + by)) }));
      const { Space: space } = await asks(alice, { CreateSpace: { name: 'Harbour', roles: [], headings } });
      const people: Stranger[] = [];
      for (let at = 0; at < size - 2; at += 50) {
        const some = Array.from({ length: Math.min(50, size - 2 - at) }, async (_, by) => Stranger.arrives(relay, `member${at + by}`));
        people.push(...(await Promise.all(some)));
      }
      // The first of them may bring in the others.
      const [mod] = people;
      if (!mod) throw new Error('nobody');
      await asks(alice, { AddPeople: { room: space, handles: [mod.handle] } });
      await asks(alice, { SetRole: { room: space, user: b64(mod.user), role: ROLE.moderator } });
      const link = await asks(alice, { CreateInvite: { room: space, role: ROLE.member, max_uses: 100, expires_ms: Date.now() + 3_600_000, approval: false } });
      await alice.page.goto('about:blank');
      for (let at = 1; at < people.length; at += 100) {
        let now = roomLog(space, (await mod.asks('rooms/log', { room_id: space, from_seq: 0 })).entries);
        for (let more = now.entries.length; ; more = now.entries.length) {
          const { entries } = await mod.asks('rooms/log', { room_id: space, from_seq: more });
          if (entries.length === 0) break;
          now = roomLog(space, [...now.entries, ...entries]);
        }
        const entries: string[] = [];
        for (const who of people.slice(at, at + 100)) {
          const made = mod.signs(entry(now, mod.actor, addMember(pointOf(who.log), ROLE.member)));
          entries.push(made);
          now = roomLog(space, [...now.entries, made]);
        }
        await mod.asks('rooms/append', { room_id: space, entries, wraps: [] });
      }

      const rail = (who: Person): Locator => who.page.getByRole('list', { name: 'Spaces' }).getByRole('link', { name: /Harbour/ });
      const opens = async (who: Person, name: string): Promise<void> => {
        await who.page.locator('.channel-row').getByRole('link', { name, exact: true }).click();
        await expect(who.page.getByRole('textbox', { name: `Message ${name}` })).toBeVisible();
      };
      let began = Date.now();
      await alice.page.goto('/');
      await expect(rail(alice)).toBeVisible({ timeout: 60_000 });
      await rail(alice).click();
      await opens(alice, 'channel 1');
      report(`space of ${size}: back after all but two came, to a channel`, `${Date.now() - began} ms`);
      await alice.page.getByRole('button', { name: /^Members/ }).click();
      await expect(alice.members.getByRole('heading', { name: new RegExp(`^Members ${size - 1}`) })).toBeVisible({ timeout: 120_000 });
      report(`space of ${size}: and to the whole list of members`, `${Date.now() - began} ms`);
      began = Date.now();
      await alice.reloads();
      await expect(alice.members.getByRole('heading', { name: new RegExp(`^Members ${size - 1}`) })).toBeVisible({ timeout: 60_000 });
      await expect(alice.composer).toBeVisible();
      report(`space of ${size}: reload, channel and list of members`, `${Date.now() - began} ms`);
      await expect(alice.page.getByText('Online', { exact: true })).toBeVisible();
      report(`space of ${size}: a frame while scrolling the list`, spread(await frames(alice.members.locator('.panel-body'), 300, 100)));
      report(`space of ${size}: a key pressed until painted`, spread(await typing(alice, 60)));
      report(`space of ${size}: memory of the tab`, both(await memory(alice)));

      const bob = await (await newPerson('bob')).signsUp();
      began = Date.now();
      const { Preview: preview } = await asks(bob, { OpenLink: { link: link.InviteLink } });
      report(`space of ${size}: a link opened`, `${Date.now() - began} ms, ${preview?.members} people`);
      began = Date.now();
      await asks(bob, { Join: { room: space } });
      await rail(bob).click();
      await opens(bob, 'channel 1');
      report(`space of ${size}: joined, until one can write`, `${Date.now() - began} ms`);

      const [echo, arrival]: [number[], number[]] = [[], []];
      for (let at = 0; at < 20; at += 1) {
        const text = `message number ${at}.`;
        const [here, there] = [await alice.noticesWhen(text), await bob.noticesWhen(text)];
        const pressed = await alice.says(text);
        echo.push((await here()) - pressed);
        arrival.push((await there()) - pressed);
      }
      report(`space of ${size}: Enter to one’s own row`, spread(echo));
      report(`space of ${size}: Enter to another’s row`, spread(arrival));

      began = Date.now();
      await asks(alice, { RemovePerson: { room: space, user: b64(people[1]?.user ?? MAIN) } });
      const there = await bob.noticesWhen('under a new key');
      await alice.says('under a new key');
      await there();
      report(`space of ${size}: one taken out, a new key for all, and a message under it`, `${Date.now() - began} ms`);

      const other = await anotherBrowserOf(alice);
      await other.fillsSignIn(other.password);
      began = Date.now();
      await other.pressesSignIn();
      await expect(rail(other)).toBeVisible({ timeout: 120_000 });
      await rail(other).click();
      await opens(other, 'channel 1');
      report(`space of ${size}: a new browser, from signing in to writing`, `${Date.now() - began} ms`);
    });
  }
});

// What the relay keeps, logs and carries holds nothing of what people write. It learns who talks to whom, when, and how
// large; it does not learn a word, a group's name, or a password.
//
// A search that finds nothing may have looked in the wrong place. So in the same run every place must give up something that
// truly came there by the place's own way: a handle, which the relay may know, or a text planted for this.

import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import { type Place, canary, forms, scan } from './canary.ts';
import { coreImage, hasCoreImages } from './core.ts';
import { Postgres } from './postgres.ts';
import { refusals } from './refusals.ts';
import { Relay } from './relay.ts';
import { expect, test as stage } from './stage.ts';
import { ALICE, type Cast, TYPED } from './typed.ts';

/** A relay that says one thing on each of its ways out before it becomes the real one: it keeps its environment in memory. */
const SAYS_SOMETHING_FIRST = 'echo "$OUT"; echo "$LOG" >&2; echo "$TMP" >"$(mktemp)"; exec "$0"';

interface Database {
  url?: string;
  /** What somebody finds who takes the database, while the relay runs or after it. */
  places: (relay: Relay) => Record<string, Place[]>;
}

const DATABASES: Record<string, () => Database> = {
  SQLite: () => ({
    places: (relay) => {
      const named = (pattern: RegExp): Place[] => relay.kept().filter(({ what }) => pattern.test(what));
      return { 'database file': named(/^sotto\.db$/), 'write-ahead log': named(/^sotto\.db-/) };
    },
  }),
  Postgres: () => {
    const postgres = Postgres.database();
    const isWal = ({ what }: Place): boolean => /^data\/pg_wal\//.test(what);
    return {
      url: postgres.url,
      places: () => {
        const files = postgres.files();
        return {
          'pg_dump': [{ what: 'dump.sql', bytes: postgres.dump() }],
          'data directory': files.filter((file) => !isWal(file)),
          'write-ahead log': files.filter(isWal),
        };
      },
    };
  },
};

interface Blind {
  database: string;
  kept: Database;
  planted: Record<'OUT' | 'LOG' | 'TMP' | 'MEMORY', string>;
}

const test = stage.extend<Blind>({
  database: ['', { option: true }],
  kept: async ({ database }, use) => use((DATABASES[database] ?? fail)()),
  // eslint-disable-next-line no-empty-pattern
  planted: async ({}, use) => use({ OUT: canary('out'), LOG: canary('log'), TMP: canary('tmp'), MEMORY: canary('memory') }),
  relay: async ({ kept, planted }, use) => {
    const relay = await Relay.start({
      ...(kept.url ? { databaseUrl: kept.url } : {}),
      env: planted,
      command: (program) => ['/bin/sh', '-c', SAYS_SOMETHING_FIRST, program],
    });
    await use(relay);
    await relay.remove();
  },
});

for (const database of Object.keys(DATABASES)) {
  test.describe(() => {
    test.use({ database });

    test(`no secret stands anywhere around a relay on ${database}`, async ({ newPerson, anotherBrowserOf, relay, kept, planted }) => {
      test.setTimeout(300_000);
      const people: Awaited<ReturnType<typeof newPerson>>[] = [];
      const cast = {
        newPerson: async (...who) => people[people.push(await newPerson(...who)) - 1],
        anotherBrowserOf: async (person) => people[people.push(await anotherBrowserOf(person)) - 1],
      } as Cast;
      const secrets: Record<string, string> = {};
      for (const [kind, types] of Object.entries(TYPED)) {
        const secret = canary(kind);
        secrets[kind] = (await types(cast, secret)) ?? secret;
      }

      // A page that does what no page of ours does; what it says is refused.
      const { alice } = cast;
      const [asked, said] = [canary('asked'), canary('said')];
      alice.expectsTrouble();
      await alice.page.evaluate(
        async ([asked, said]) => {
          await fetch('/api/v1/users/find', { method: 'POST', body: asked ?? '' });
          const socket = new WebSocket(`ws://${location.host}/api/v1/live`);
          socket.onopen = () => socket.send(said ?? '');
          await new Promise((closed) => (socket.onclose = closed));
        },
        [asked, said],
      );

      // Everything as it is while people are connected, then as a relay leaves it that was stopped.
      const memory = hasCoreImages ? coreImage(relay.pid) : [];
      const running = kept.places(relay);
      const page = await text(relay, '/');
      const passed = people.flatMap((person) => person.wire.passed);
      const onSocket = ({ what }: Place): boolean => what.startsWith('socket, ');
      const metrics = [await text(relay, '/metrics'), await text(relay, '/metrics', 'POST')];
      const refused = canary('refused');
      const refusing = await refusals(relay.port, refused);
      await relay.stop();
      const left = kept.places(relay);
      const by = (name: RegExp): Place[] => relay.kept().filter(({ what }) => name.test(what));

      /** What may be somewhere, by the name under which it is looked for. */
      const known = { handle: ALICE, pepper: relay.pepper, route: '/api/v1/rooms/create', code: 'unsupported_version', page: '<title>Sotto</title>', asked, said, refused, ...planted };
      type Known = keyof typeof known;
      /** Where something could lie; what must be found there, or the search is worth nothing; what else must not. */
      const places: Record<string, { in: Place[]; holds: Known[]; never?: Known[] }> = {
        'log': { in: by(/^relay\.log$/), holds: ['LOG', 'route'], never: ['handle', 'pepper', 'asked', 'said', 'refused'] },
        'output': { in: by(/^relay\.out$/), holds: ['OUT'], never: ['handle', 'pepper', 'asked', 'said', 'refused'] },
        'temporary files': { in: by(/^tmp\//), holds: ['TMP'], never: ['handle', 'pepper', 'asked', 'said', 'refused'] },
        'refusals': { in: refusing, holds: ['code'], never: ['handle', 'pepper', 'asked', 'said', 'refused'] },
        '/metrics': { in: metrics, holds: ['page'], never: ['handle', 'pepper', 'asked', 'said', 'refused'] },
        'HTTP traffic': { in: passed.filter((place) => !onSocket(place)), holds: ['asked', 'handle'], never: ['pepper'] },
        'socket traffic': { in: passed.filter(onSocket), holds: ['said'], never: ['pepper'] },
      };
      for (const [name, found] of Object.entries(running)) {
        places[name] = { in: [...found, ...(left[name] ?? [])], holds: ['handle'], never: ['pepper', 'asked', 'said', 'refused'] };
      }
      if (hasCoreImages) places['core image'] = { in: memory, holds: ['MEMORY', 'handle', 'pepper'] };

      for (const [name, place] of Object.entries(places)) {
        const found = scan({ ...secrets, ...known }, place.in);
        const names = new Set(found.map(({ secret }) => secret));
        expect(place.holds.filter((what) => !names.has(what)), `${name} must hold what is known to be there`).toEqual([]);
        expect(found.filter(({ secret }) => secret in secrets), `${name} must hold no secret`).toEqual([]);
        expect(place.never?.filter((what) => names.has(what)) ?? [], `${name} must not hold`).toEqual([]);
      }

      // There is no such endpoint: reading it gives the page that every unknown address gives, writing to it nothing.
      expect(metrics.map(({ bytes }) => String(bytes))).toEqual([`200 ${String(page.bytes).slice(4)}`, '404 {"code":"not_found"}']);
      // Nothing that is said to the relay comes back.
      expect(scan({ asked, said }, passed.filter(({ what }) => /^answer|received/.test(what)))).toEqual([]);
      expect(places['log']?.in[0]?.bytes.length ?? 0, 'a log at the finest level').toBeGreaterThan(1_000);

      const bytes = Object.values(places).flatMap((place) => place.in).reduce((sum, place) => sum + place.bytes.length, 0);
      const encodings = new Set(Object.values(secrets).flatMap((secret) => forms(secret).map(({ form }) => form))).size;
      const size = `${Object.keys(secrets).length} × ${Object.keys(places).length} × ${encodings}, in ${Math.round(bytes / 1e6)} MB`;
      console.log(`figure: ${`blindness on ${database}: canaries × sinks × encodings`.padEnd(58)} ${size}`);
    });
  });
}

/** Status and body. */
async function text(relay: Relay, path: string, method = 'GET'): Promise<Place> {
  const answer = await fetch(`${relay.url}${path}`, { method });
  return { what: `${method} ${path}`, bytes: Buffer.from(`${answer.status} ${await answer.text()}`) };
}

function fail(): never {
  throw new Error('which database?');
}

stage('a server that repeats what it was told is caught, whatever it refuses', async () => {
  const parrot = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 400 Bad Request\r\n\r\nwhat do you mean by ');
    socket.pipe(socket);
    // Once it has been told the end.
    socket.setTimeout(200, () => socket.end());
  });
  await new Promise<void>((listening) => parrot.listen(0, '127.0.0.1', listening));
  const secret = canary('repeated');
  for (const answer of await refusals((parrot.address() as AddressInfo).port, secret)) {
    expect(scan({ secret }, [answer]), answer.what).not.toEqual([]);
  }
  parrot.close();
});

for (const way of ['request', 'socket'] as const) {
  stage(`a page that leaks by a ${way} is caught`, async ({ signedUp }) => {
    const [alice] = await signedUp('alice', 'bob');
    alice.expectsTrouble();
    await alice.opensDirectWith('bob');
    // From now on the worker also tells the server what the page asks of it, in the clear.
    const [worker] = alice.page.workers();
    expect(worker).toBeDefined();
    await worker?.evaluate(([leaksBy, server]) => {
      let tell = (text: string): void => void fetch(`${server}/api/v1/users/find`, { method: 'POST', body: text });
      if (leaksBy === 'socket') {
        // One for each: the relay hangs up on whoever says what it does not understand.
        tell = (text) => {
          const socket = new WebSocket(`${server.replace('http', 'ws')}/api/v1/live`);
          socket.onopen = () => socket.send(text);
        };
      }
      addEventListener('message', ({ data }) => tell(String(data)));
    }, [way, alice.wire.url] as const);
    const secret = canary('leak');
    await alice.says(secret);
    await alice.hasSentEverything();
    await expect.poll(() => scan({ leak: secret }, alice.wire.passed)).not.toEqual([]);
    const found = scan({ leak: secret }, alice.wire.passed).map(({ where }) => where);
    expect(found.filter((where) => where.includes(way === 'socket' ? 'socket, sent' : 'users/find'))).not.toEqual([]);
  });
}

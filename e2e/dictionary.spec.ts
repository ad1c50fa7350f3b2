// Whoever steals the database can try passwords as fast as they like, if there is anything to try them against. There is
// not: what the password made lies under the relay's pepper, which is not in the database.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { Postgres } from './postgres.ts';
import { Relay } from './relay.ts';
import { expect, test as stage } from './stage.ts';

/** The real one is among them. Few, since each costs the third of a second that it costs everybody. */
const WORDS = [
  'lanterns drift past the old mill', 'seven herons on a copper roof', 'my uncle repairs wet accordions', 'gravel tastes of thunder',
  'twelve spoons for one small soup', 'the ferry forgot its own harbour', 'plum jam on the chess board', 'nobody whistles in the archive',
  'a kettle full of paper clips', 'rust is only slow bonfire', 'the moth read all of it twice', 'borrowed umbrellas never return',
  'pickled quinces and brass bands', 'left the piano in the orchard', 'three goats signed the petition', 'winter arrives by freight train',
  'the cellist hides in the pantry', 'velvet stairs to a dry well', 'a museum of broken thermometers', 'sundays smell of turpentine',
  'walnuts beneath the drawbridge', 'every tailor fears the geese', 'ink stains on the lighthouse', 'the baker dreams in hexameter',
];
const PASSWORD = WORDS[16] ?? '';
const REALM = 'localhost';

const test = stage.extend<{ postgres: Postgres }>({
  // eslint-disable-next-line no-empty-pattern
  postgres: async ({}, use) => use(Postgres.database()),
  relay: async ({ postgres }, use) => {
    const relay = await Relay.start({ databaseUrl: postgres.url });
    await use(relay);
    await relay.remove();
  },
});

test('a stolen database tells no password, and with the pepper it does', async ({ newPerson, relay, postgres }) => {
  test.setTimeout(300_000);
  const guesser = process.env['SOTTO_GUESS_BIN'] ?? '';
  expect(guesser, 'SOTTO_GUESS_BIN is the program of shared/examples/guess.rs; ./dev test e2e builds it').toBeTruthy();
  const alice = await newPerson('alice', { password: PASSWORD });
  const bob = await newPerson('bob');
  await alice.signsUp();
  await bob.signsUp();
  await alice.opensDirectWith('bob');
  await alice.says('so that there is something of everything');
  await alice.hasSentEverything();

  const [dump, words] = [join(relay.folder, 'dump.sql'), join(relay.folder, 'words')];
  writeFileSync(dump, postgres.dump());
  writeFileSync(words, WORDS.join('\n'));
  const guesses = async (salts: string[], env: Record<string, string> = {}): Promise<{ tries: number; found: string[] }> => {
    const { stdout } = await promisify(execFile)(guesser, [dump, words, REALM, ...salts], { env });
    const [first, ...found] = stdout.trimEnd().split('\n');
    return { tries: Number(/^\d+ rows of 2 people, (\d+) tries$/.exec(first ?? '')?.[1]), found };
  };

  // The salts lie under the pepper as well: without them not one guess can be made.
  expect(await guesses([])).toEqual({ tries: 0, found: [] });

  // A salt is told to whoever asks a relay that runs. Then guesses can be made, and nothing says which is right.
  const asked = await fetch(`${relay.url}/api/v1/sign-in/start`, { method: 'POST', body: '{"handle":"alice"}' });
  const { salt } = (await asked.json()) as { salt: string };
  const ofAlice = `alice=${Buffer.from(salt, 'base64').toString('hex')}`;
  expect(await guesses([ofAlice])).toEqual({ tries: WORDS.length, found: [] });

  // With the pepper the same search finds it, by everything that hangs on it: so it would have found it before.
  const told = await guesses([], { SOTTO_PEPPER: relay.pepper });
  expect(told.tries, 'both salts').toBe(2 * WORDS.length);
  expect(told.found.sort()).toEqual([`found "${PASSWORD}" of alice by the sign-in key`, `found "${PASSWORD}" of alice by the vault's key`]);
  // Another pepper is none.
  expect(await guesses([], { SOTTO_PEPPER: 'ab'.repeat(32) })).toEqual({ tries: 0, found: [] });
  console.log(`figure: ${'dictionary: words found in a dump, and with the pepper'.padEnd(58)} 0 and 1 of ${WORDS.length}`);
});

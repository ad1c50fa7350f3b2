// A locked browser: nothing of the account stands on the screen, in the worker or open in the storage, until the password is typed.

import type { Page } from '@playwright/test';

import { findings } from './axe.ts';
import { canary, scan } from './canary.ts';
import { hasCoreImages, lookThrough } from './core.ts';
import type { Person } from './people.ts';
import { python } from './python.ts';
import { expect, test } from './stage.ts';

const MINUTE = 60_000;

async function locks(person: Person): Promise<void> {
  await person.page.goto('/settings/lock');
  await person.page.getByRole('main').getByRole('button', { name: 'Lock now' }).click();
  await isLocked(person.page);
}

async function isLocked(page: Page): Promise<void> {
  await expect(page.getByRole('form', { name: 'Unlock' })).toBeVisible();
}

async function isOpen(page: Page): Promise<void> {
  await expect(page.locator('.shell')).toBeVisible({ timeout: 20_000 });
}

async function unlocks({ page, password }: Person, typed = password): Promise<void> {
  await page.getByLabel('Password', { exact: true }).fill(typed);
  await page.getByRole('button', { name: 'Unlock' }).click();
}

/** Everything that this address keeps, as bytes; names too. */
async function kept(page: Page): Promise<Buffer> {
  const text = await page.evaluate(async () => {
    const spell = (value: unknown): string => {
      if (value instanceof Uint8Array) return String.fromCharCode(...value);
      if (value instanceof ArrayBuffer) return String.fromCharCode(...new Uint8Array(value));
      if (value instanceof CryptoKey) return `key ${value.algorithm.name} ${String(value.extractable)}`;
      if (value && typeof value === 'object') return Object.entries(value).map(([name, inner]) => `${name}=${spell(inner)}`).join(';');
      return String(value);
    };
    const all: string[] = [`cookie ${document.cookie}`];
    for (const storage of [localStorage, sessionStorage]) all.push(...Object.entries(storage).map(([name, value]) => `${name}=${String(value)}`));
    for (const name of await caches.keys()) all.push(`cache ${name}`);
    for (const { name } of await indexedDB.databases()) {
      if (!name) continue;
      const database = await new Promise<IDBDatabase>((done, failed) => {
        const asked = indexedDB.open(name);
        asked.onsuccess = () => done(asked.result);
        asked.onerror = () => failed(asked.error ?? new Error(name));
      });
      for (const store of database.objectStoreNames) {
        const read = <T>(asked: IDBRequest<T>): Promise<T> => new Promise((done) => (asked.onsuccess = () => done(asked.result)));
        const records = database.transaction(store).objectStore(store);
        const [names, values] = await Promise.all([read(records.getAllKeys()), read(records.getAll())]);
        all.push(...names.map((at, number) => `${name}/${store}/${String(at)}=${spell(values[number])}`));
      }
      database.close();
    }
    return all.join('\n');
  });
  return Buffer.from(text, 'latin1');
}

test('a locked browser shows nothing, opens by the password alone, and goes on where it was', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const said = canary('message');
  await alice.opensDirectWith('bob');
  await bob.opensDirectWith('alice');
  await bob.says(said);
  await alice.sees(said);
  // Letters that are spelt alike in any markup.
  const tail = said.slice(-24);
  expect(await alice.page.content()).toContain(tail);
  await alice.column.getByRole('link', { name: 'Settings' }).click();
  await alice.page.getByRole('button', { name: 'Lock now' }).click();
  await isLocked(alice.page);

  expect(await alice.page.content()).not.toContain(tail);
  await expect(alice.page).toHaveTitle('Locked · Sotto');
  await expect(alice.page.getByText('bob')).toHaveCount(0);
  await alice.reloads();
  await isLocked(alice.page);

  alice.expectsTrouble();
  await unlocks(alice, 'not the password at all');
  await expect(alice.page.getByText('That is not your password.')).toBeVisible();
  await unlocks(alice);
  await isOpen(alice.page);
  await alice.page.goto('/messages');
  await alice.opensToWrite('bob');
  await alice.sees(said);
  // No new device: nobody is told of another browser.
  await expect(bob.log.getByText('another browser')).toHaveCount(0);
});

test('all tabs lock together and open together', async ({ signedUp, anotherTabOf }) => {
  const [alice] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  const second = await anotherTabOf(alice);
  await second.page.goto('/messages');
  await second.isIn();
  await second.opensToWrite('bob');
  await second.composer.pressSequentially('half a thou');
  await locks(alice);
  await isLocked(second.page);
  await unlocks(second);
  await isOpen(second.page);
  await isOpen(alice.page);
  await expect(second.composer).toHaveValue('half a thou');
});

test('what was written offline waits through the lock and goes out after it', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('before');
  await bob.opensToWrite('alice');
  alice.goesOffline();
  await alice.says('while offline');
  await alice.column.getByRole('link', { name: 'Settings' }).click();
  await alice.page.getByRole('button', { name: 'Lock now' }).click();
  await isLocked(alice.page);
  await unlocks(alice);
  await expect(alice.page.getByText('No answer from the server.')).toBeVisible();
  alice.wire.mend();
  await unlocks(alice);
  await isOpen(alice.page);
  await bob.sees('while offline');
});

test('it locks itself when nobody has done anything for as long as was chosen, and opens locked', async ({ signedUp }) => {
  const [alice] = await signedUp('alice');
  await alice.page.clock.install();
  await alice.page.goto('/settings/lock');
  await expect(alice.page.getByRole('radio', { name: 'Never' })).toBeChecked();
  await alice.page.getByRole('radio', { name: 'After 5 minutes' }).check();
  await alice.page.clock.runFor(4 * MINUTE);
  await expect(alice.page.getByRole('heading', { name: 'Lock', exact: true })).toBeVisible();
  // A key is enough to begin anew.
  await alice.page.keyboard.press('Shift');
  await alice.page.clock.runFor(4 * MINUTE);
  await expect(alice.page.getByRole('heading', { name: 'Lock', exact: true })).toBeVisible();
  await alice.page.clock.runFor(2 * MINUTE);
  await isLocked(alice.page);
  await unlocks(alice);
  await isOpen(alice.page);
  // Nobody is there while it is closed, either.
  await alice.page.goto('about:blank');
  await alice.page.clock.fastForward(6 * MINUTE);
  await alice.page.goto('/messages');
  await isLocked(alice.page);
});

test('what is stored while locked opens nothing, and after signing out nothing is left', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const secrets = { message: canary('message'), draft: canary('draft'), group: canary('group').slice(0, 40), password: alice.password };
  await alice.makesGroup(secrets.group, ['bob']);
  await alice.says(secrets.message);
  await alice.composer.fill(secrets.draft);
  await bob.opens(secrets.group);
  await alice.page.evaluate(() => localStorage.setItem('planted', 'a planted canary 0123456789'));
  const open = await kept(alice.page);
  expect(scan({ planted: 'a planted canary 0123456789' }, [{ what: 'storage', bytes: open }]).length, 'the scan sees').toBeGreaterThan(0);
  expect(scan(secrets, [{ what: 'storage', bytes: open }])).toEqual([]);
  expect(open.includes('browser_key=key AES-GCM false')).toBe(true);

  await locks(alice);
  const locked = await kept(alice.page);
  expect(scan(secrets, [{ what: 'storage', bytes: locked }])).toEqual([]);
  expect(locked.includes('browser_key')).toBe(false);
  expect(locked.includes('sotto/account/kept')).toBe(true);

  await alice.page.getByRole('button', { name: 'Sign out of this browser' }).click();
  await alice.dialog(/^Sign out/).getByRole('button', { name: 'Sign out' }).click();
  await expect(alice.page.getByRole('form', { name: 'Sign in' })).toBeVisible();
  await alice.page.evaluate(() => localStorage.removeItem('planted'));
  expect((await kept(alice.page)).toString('latin1')).toBe('cookie ');
});

test('the worker of a locked browser is gone, with everything it held', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await bob.opensDirectWith('alice');
  await bob.says('hello');
  await alice.sees('hello');
  await alice.column.getByRole('link', { name: 'Settings' }).click();
  const [before] = alice.page.workers();
  expect(before).toBeDefined();
  const ended = new Promise<void>((done) => before?.once('close', () => done()));
  await alice.page.getByRole('button', { name: 'Lock now' }).click();
  await isLocked(alice.page);
  await ended;
  expect(alice.page.workers()).not.toContain(before);
});

test('no key is left in the memory of a locked browser', async ({ signedUp, relay, browser }) => {
  test.skip(!hasCoreImages, 'this system shows no memory of processes');
  test.setTimeout(240_000);
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('hello');
  await alice.hasSentEverything();
  await alice.reloads();
  await alice.isOnline();
  await bob.opensToWrite('alice');
  const told = await python('keys.py', [relay.url, alice.handle], alice.password);
  expect(told).toMatchObject({ status: 0, complaints: '' });
  const keys = Object.entries(JSON.parse(told.said) as Record<string, string>).map(([name, hex]) => ({ name, bytes: Buffer.from(hex, 'hex') }));
  expect(keys.map(({ name }) => name)).toEqual(['day key', 'KEM key 1']);

  const inspector = await browser.newBrowserCDPSession();
  /** The keys that stand in a process which shows pages, as they are or spelt in digits or letters. */
  const found = async (): Promise<string[]> => {
    const { processInfo } = await inspector.send('SystemInfo.getProcessInfo');
    const names = new Set<string>();
    for (const { id } of processInfo.filter(({ type }) => type === 'renderer')) {
      lookThrough(id, ({ bytes: memory }) => {
        for (const { name, bytes } of keys) {
          // As it is, as a number on this machine, and spelt.
          const spelt = [bytes, Buffer.from(bytes).reverse(), bytes.toString('hex'), bytes.toString('base64url'), bytes.toString('base64'), JSON.stringify([...bytes]).slice(1, -1)];
          if (spelt.some((form) => memory.includes(form))) names.add(name);
        }
      });
    }
    return [...names].sort();
  };
  expect(await found(), 'the search finds keys that are in use').toEqual(['KEM key 1', 'day key']);
  await alice.column.getByRole('link', { name: 'Settings' }).click();
  await alice.page.getByRole('button', { name: 'Lock now' }).click();
  await isLocked(alice.page);
  // The browser takes its time to give the worker's memory back.
  await expect.poll(found, { timeout: 60_000 }).toEqual([]);
  await unlocks(alice);
  await isOpen(alice.page);
});

test('the lock screens pass axe', async ({ signedUp }) => {
  const [alice] = await signedUp('alice');
  const look = async (screen: string): Promise<void> => {
    for (const [width, colorScheme] of [[1280, 'dark'], [1280, 'light'], [390, 'dark'], [390, 'light']] as const) {
      await alice.page.setViewportSize({ width, height: 844 });
      expect.soft(await findings(alice.page, colorScheme), `${screen}, ${width}, ${colorScheme}`).toEqual([]);
    }
  };
  await alice.page.goto('/settings/lock');
  await expect(alice.page.getByRole('heading', { name: 'Lock', exact: true })).toBeVisible();
  await look('settings');
  await locks(alice);
  await look('locked');
  // By keys alone.
  await alice.page.getByLabel('Password', { exact: true }).focus();
  await alice.page.keyboard.type(alice.password);
  await alice.page.keyboard.press('Enter');
  await isOpen(alice.page);
});

// Measurements in a real browser. `./dev bench` runs them; the numbers depend on the machine, so nothing here fails.

import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { expect, test } from './stage.ts';

const DIST = process.env['SOTTO_CLIENT_DIR'] ?? resolve(import.meta.dirname, '..', 'dist');

function report(what: string, value: string): void {
  console.log(`figure: ${what.padEnd(58)} ${value}`);
}

function spread(times: number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return `median ${at(0.5)} ms, 95 % ${at(0.95)} ms, worst ${at(1)} ms, of ${sorted.length}`;
}

test.describe.configure({ mode: 'serial' });

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

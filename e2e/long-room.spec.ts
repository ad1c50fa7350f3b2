// A conversation of 100,000 messages: how many rows stand in the page, and that what one reads stays where it is.
//
// The rows are what the worker would say: they are handed to the page in the worker's name. Nothing is opened or verified
// here; other specs show that.

import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';

import type { Page } from '@playwright/test';

import type { Person } from './people.ts';
import { expect, test } from './stage.ts';

/** Rows that stand in the page at most: `MOST` in `ui/room/window.rs`, and lines between days. */
const MOST = 400 + 10;
const COUNT = 100_000;

/** What the page is told, from here on. */
async function listens(page: Page): Promise<void> {
  await page.evaluate(() => {
    const heard: Uint8Array[] = [];
    const here = globalThis as unknown as { sottoWorker: Worker; heard: Uint8Array[] };
    here.heard = heard;
    here.sottoWorker.addEventListener('message', ({ data }: MessageEvent<Uint8Array>) => void heard.push(data.slice()));
  });
}

/** Rows `from` to `to` of the long conversation, as the worker would show them. Gives how long the page took. */
async function shows(page: Page, from: number, to: number, reset: boolean, hasOlder: boolean, words = 'message'): Promise<number> {
  const heard = await page.evaluate(() => {
    const { heard } = globalThis as unknown as { heard: Uint8Array[] };
    return heard.map((bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))).join('\n');
  });
  // The program that knows what page and worker hand each other (client/examples/rows.rs).
  const program = process.env['SOTTO_ROWS_BIN'] ?? resolve(import.meta.dirname, '..', 'target/debug/examples/rows');
  const said = execFileSync(program, [from, to, reset, hasOlder, words].map(String), { input: heard, maxBuffer: 1 << 30 });
  await page.route('/rows', (route) => route.fulfill({ body: said, contentType: 'application/octet-stream' }));
  return page.evaluate(async () => {
    const data = new Uint8Array(await (await fetch('/rows')).arrayBuffer());
    const began = performance.now();
    (globalThis as unknown as { sottoWorker: Worker }).sottoWorker.dispatchEvent(new MessageEvent('message', { data }));
    await new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)));
    return performance.now() - began;
  });
}

const standing = (person: Person): Promise<number> => person.log.locator('li').count();

/** Where the topmost row that is whole on screen stands. */
async function anchor(person: Person): Promise<{ text: string; top: number }> {
  return person.log.evaluate((log) => {
    const frame = log.getBoundingClientRect();
    const rows = [...log.querySelectorAll('li[data-row]')];
    const row = rows.find((row) => row.getBoundingClientRect().top >= frame.top + 30);
    return { text: row?.querySelector('.message-body')?.textContent ?? '', top: (row?.getBoundingClientRect().top ?? 0) - frame.top };
  });
}

async function topOf(person: Person, text: string): Promise<number> {
  return person.log.evaluate((log, text) => {
    const row = [...log.querySelectorAll('li[data-row]')].find((row) => row.querySelector('.message-body')?.textContent === text);
    return row ? row.getBoundingClientRect().top - log.getBoundingClientRect().top : Number.NaN;
  }, text);
}

/** Once everything that follows from a change has been laid out. */
const settles = (page: Page): Promise<void> =>
  page.evaluate(async () => {
    for (let frame = 0; frame < 4; frame += 1) await new Promise((painted) => requestAnimationFrame(painted));
  });

test('a hundred thousand messages are read through without the page growing or jumping', async ({ signedUp }) => {
  test.setTimeout(300_000);
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await bob.opensDirectWith('alice');
  await listens(alice.page);
  await bob.says('the pattern');
  await alice.sees('the pattern');
  await bob.page.goto('/messages');

  const took = await shows(alice.page, 0, COUNT, true, false);
  console.log(`figure: ${COUNT} rows handed to the page at once, until painted: ${Math.round(took)} ms`);
  await expect(alice.message(`message ${COUNT - 2}`)).toBeInViewport();
  expect(await standing(alice)).toBeLessThan(MOST);

  // Scrolling: frame by frame, as a wheel does.
  const frames = await alice.log.evaluate(async (log) => {
    const times: number[] = [];
    let before = performance.now();
    for (let step = 0; step < 400; step += 1) {
      log.scrollBy({ top: -600 });
      await new Promise((painted) => requestAnimationFrame(painted));
      const now = performance.now();
      times.push(now - before);
      before = now;
    }
    return times.sort((a, b) => a - b);
  });
  const at = (share: number): number => Math.round(frames[Math.floor((frames.length - 1) * share)] ?? 0);
  console.log(`figure: a frame while scrolling up by 240,000 px: median ${at(0.5)} ms, 95 % ${at(0.95)} ms, worst ${at(1)} ms`);
  expect(await standing(alice)).toBeLessThan(MOST);
  const there = await anchor(alice);
  const number = Number(/^message (\d+)/.exec(there.text)?.[1]);
  expect(number).toBeLessThan(COUNT - 2_000);

  // Something new comes below, and rows above and below what one reads change their height: it stays.
  await shows(alice.page, COUNT, COUNT + 50, false, false);
  await settles(alice.page);
  expect(Math.abs((await topOf(alice, there.text)) - there.top)).toBeLessThanOrEqual(2);
  await shows(alice.page, number - 40, number - 20, false, false, 'a good deal longer than before, since its author has had more to say about the matter, and then some: message');
  await shows(alice.page, number + 20, number + 40, false, false, 'a good deal longer than before, since its author has had more to say about the matter, and then some: message');
  await settles(alice.page);
  expect(Math.abs((await topOf(alice, there.text)) - there.top)).toBeLessThanOrEqual(2);
  expect(await standing(alice)).toBeLessThan(MOST);

  // Home and End, and the button.
  await alice.log.focus();
  await alice.page.keyboard.press('End');
  await expect(alice.message(`message ${COUNT + 49}`)).toBeInViewport();
  await alice.page.keyboard.press('Home');
  await expect(alice.message('message 0')).toBeInViewport();
  expect(await standing(alice)).toBeLessThan(MOST);
  await alice.page.getByRole('button', { name: /Newest|new$/ }).click();
  await expect(alice.message(`message ${COUNT + 49}`)).toBeInViewport();
});

test('older messages that come in above move nothing', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await bob.opensDirectWith('alice');
  await listens(alice.page);
  await bob.says('the pattern');
  await alice.sees('the pattern');
  await bob.page.goto('/messages');
  await shows(alice.page, 5_000, 5_200, true, false);
  await expect(alice.message('message 5199')).toBeInViewport();
  await alice.log.evaluate((log) => log.scrollBy({ top: -1_500 }));
  await settles(alice.page);
  for (let from = 4_940; from >= 4_400; from -= 60) {
    const there = await anchor(alice);
    await shows(alice.page, from, from + 60, false, true);
    await settles(alice.page);
    expect(Math.abs((await topOf(alice, there.text)) - there.top), `rows ${from} to ${from + 60} came`).toBeLessThanOrEqual(2);
    await alice.log.evaluate((log) => log.scrollBy({ top: -700 }));
    await settles(alice.page);
    expect(await standing(alice)).toBeLessThan(MOST);
  }
});

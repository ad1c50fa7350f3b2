// The page runs only the files it was built with: one that is altered or stale is refused, and the page says so (A36).

import { execFile } from 'node:child_process';
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import type { Browser } from '@playwright/test';

import { Relay } from './relay.ts';
import { expect, test } from './stage.ts';

const ROOT = resolve(import.meta.dirname, '..');
const DIST = process.env['SOTTO_CLIENT_DIR'] ?? join(ROOT, 'dist');
const LIST = join(DIST, 'assets.json');
const { build } = JSON.parse(readFileSync(LIST, 'utf8')) as { build: string };

/** A section without meaning at the end of a module, and a line without meaning at the end of a script or style: all of
 * it would run as before. Only its hash is another. */
function alter(folder: string, file: string): void {
  appendFileSync(join(folder, file), file.endsWith('.wasm') ? Buffer.from([0, 2, 1, 0x78]) : '\n');
  for (const compressed of ['.br', '.gz']) rmSync(join(folder, file + compressed), { force: true });
}

/** A relay that serves the page with some files altered. */
async function altered(files: string[], tell: (relay: Relay, folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-altered-'));
  cpSync(DIST, folder, { recursive: true });
  for (const file of files) alter(folder, file);
  const relay = await Relay.start({ clientDir: folder });
  try {
    await tell(relay, folder);
  } finally {
    await relay.remove();
    rmSync(folder, { recursive: true });
  }
}

async function opened(browser: Browser, relay: Relay) {
  const context = await browser.newContext({ baseURL: relay.url.replace('127.0.0.1', 'localhost') });
  const page = await context.newPage();
  await page.goto('/');
  return page;
}

test('with nothing altered the page starts', async ({ browser }) => {
  await altered([], async (relay) => {
    const page = await opened(browser, relay);
    await expect(page.getByRole('form', { name: 'Sign in' })).toBeVisible();
    await expect(page.getByText('did not start')).toHaveCount(0);
    await page.context().close();
  });
});

for (const file of ['app.js', 'app_bg.wasm', 'worker.js', 'worker_bg.wasm', 'base.css']) {
  test(`an altered ${file} is not run, and the page names it and its own build`, async ({ browser }) => {
    await altered([file], async (relay) => {
      const page = await opened(browser, relay);
      await expect(page.getByRole('heading', { name: 'This is not all of Sotto' })).toBeVisible();
      await expect(page.getByText(`The file ${file} is not the one that build ${build} was made with`)).toBeVisible();
      await expect(page.getByRole('form', { name: 'Sign in' })).toHaveCount(0);
      if (file === 'worker.js') expect(page.workers()).toEqual([]);
      await page.context().close();
    });
  });
}

test('an altered loader is not run: the page says so without it', async ({ browser }) => {
  await altered(['loader.js'], async (relay) => {
    const page = await opened(browser, relay);
    await expect(page.getByRole('heading', { name: 'Sotto did not start' })).toBeVisible();
    await expect(page.getByText(`build ${build}`)).toBeVisible();
    expect(page.workers()).toEqual([]);
    await page.context().close();
  });
});

test('an altered part that offers passwords is not run when it is asked for', async ({ browser }) => {
  await altered(['passwords_bg.wasm'], async (relay) => {
    const page = await opened(browser, relay);
    await page.goto('/sign-up');
    await expect(page.getByText('The file passwords_bg.wasm is not the one')).toBeVisible();
    await expect(page.getByRole('button', { name: 'Create account' })).toHaveCount(0);
    await page.context().close();
  });
});

test('the list tells a server that serves this page from one that serves another', async () => {
  const compare = async (relay: Relay) =>
    promisify(execFile)('node', [join(ROOT, 'client/compare.mjs'), relay.url, LIST]).then(
      ({ stdout }) => ({ code: 0, stdout }),
      ({ code, stdout }: { code: number; stdout: string }) => ({ code, stdout }),
    );
  await altered([], async (relay) => {
    expect(await compare(relay)).toMatchObject({ code: 0, stdout: expect.stringContaining(`serves build ${build}`) });
  });
  for (const file of ['index.html', 'favicon.svg']) {
    await altered([file], async (relay) => {
      expect(await compare(relay)).toMatchObject({ code: 1, stdout: expect.stringContaining(`${file}: `) });
    });
  }
});

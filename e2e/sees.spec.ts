// "What the server sees": the page tells what is there, and what is there follows from what was done.

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import type { Locator, Page } from '@playwright/test';

import { expect, test } from './stage.ts';

const DIST = process.env['SOTTO_CLIENT_DIR'] ?? join(resolve(import.meta.dirname, '..'), 'dist');

const line = (page: Page, what: string): Locator =>
  page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: what, exact: true }) });

/** How many rows of a kind there are. */
async function holds(page: Page, what: string, rows: number): Promise<void> {
  await expect(line(page, what).getByRole('cell').last()).toHaveText(String(rows));
}

test('every row the server holds is shown, in plain words and as it is stored', async ({ signedUp, anotherBrowserOf }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const { page } = alice;
  await page.goto('/settings/server');
  // Nobody to write to yet: one account, its log with one browser, one session.
  await expect(line(page, 'Your name on this server')).toContainText('@alice');
  await holds(page, 'Your name on this server', 1);
  await holds(page, 'Your public keys', 2);
  await holds(page, 'Signed-in browsers', 1);
  for (const none of ['Sign-ins under way', 'Rooms you are in', 'Who is in which room', 'Room keys', 'Messages']) {
    await holds(page, none, 0);
  }

  await page.goto('/messages');
  await alice.opensDirectWith('bob');
  for (const text of ['one', 'two', 'three']) await alice.says(text);
  await alice.hasSentEverything();
  await bob.opensToWrite('alice');
  await bob.says('four');
  await bob.hasSentEverything();
  await alice.sees('four');
  const elsewhere = await anotherBrowserOf(alice);
  await elsewhere.signsIn();

  await page.goto('/settings/server');
  await holds(page, 'Messages', 4);
  // Genesis, two browsers, and the newest state of what the password opens, which a sign-in writes down.
  await holds(page, 'Your public keys', 4);
  await holds(page, 'Signed-in browsers', 2);
  await holds(page, 'Rooms you are in', 1);
  await holds(page, 'Who is in which room', 2);
  await holds(page, 'Room keys', 2);
  await expect(line(page, 'Messages')).toContainText('4 messages, sealed, ');

  // The same, as it is stored: sizes and hashes, and whose room it is.
  const messages = page.getByRole('group').filter({ has: page.getByText('messages', { exact: true }) });
  await messages.getByText('messages', { exact: true }).click();
  await expect(messages.getByRole('list', { name: 'Rows of messages' }).getByRole('listitem')).toHaveCount(4);
  await expect(messages.getByText('With bob: 4 rows')).toBeVisible();
  await expect(messages.getByText(/sealed/).first()).toBeVisible();

  // By keys alone: the next part opens and closes.
  const users = page.getByRole('group').filter({ has: page.getByText('users', { exact: true }) });
  await users.locator('summary').focus();
  await page.keyboard.press('Enter');
  await expect(users.getByRole('list', { name: 'Rows of users' })).toContainText('handle alice');
  await page.keyboard.press('Enter');
  await expect(users.getByRole('list', { name: 'Rows of users' })).toBeHidden();

  // All of it in a file, and nothing in it that was written.
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save all rows' }).click()]);
  const text = readFileSync(await download.path(), 'utf8');
  const saved = JSON.parse(text) as Record<string, Record<string, unknown>[]>;
  expect(Object.fromEntries(Object.entries(saved).map(([table, rows]) => [table, rows.length]))).toMatchObject({
    users: 1, user_log: 4, sessions: 2, challenges: 0, rooms: 1, room_people: 2, wraps: 2, messages: 4,
  });
  expect(saved['users']?.[0]).toMatchObject({ handle: 'alice' });
  expect(text).not.toContain('three');
  const total = Object.values(saved).reduce((sum, rows) => sum + rows.length, 0);
  // Counted when the page was opened: what has come since is counted when it is opened again.
  await page.reload();
  await expect(page.getByText(new RegExp(`^${total} rows, `))).toBeVisible();
});

test('the page names its build and the fingerprints of its files, as the published list has them', async ({ signedUp }) => {
  const [alice] = await signedUp('alice');
  const { page } = alice;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const list = JSON.parse(readFileSync(join(DIST, 'assets.json'), 'utf8')) as { build: string; files: { path: string; sha256: string }[] };
  await page.goto('/settings/server');
  await expect(page.getByRole('button', { name: 'Copy Build' })).toBeVisible();
  await expect(page.getByText(list.build, { exact: true }).first()).toBeVisible();

  await page.getByText('Files and their fingerprints').click();
  const files = page.getByRole('list', { name: 'Files of this page' }).getByRole('listitem');
  const listed = new Map(list.files.map(({ path, sha256 }) => [path, sha256]));
  const names = (await files.locator('.row-title').allTextContents()).sort();
  expect(names).toEqual([...listed.keys()].filter((path) => /\.(js|wasm|css|json)$/.test(path)).sort());
  for (const name of names) {
    const row = files.filter({ has: page.getByText(name, { exact: true }) });
    await expect(row.locator('code')).toHaveText(listed.get(name)?.slice(0, 12) ?? '');
  }
  await files.first().getByRole('button').click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(listed.get(names[0] ?? ''));
});

test('the same without an answer: it says so, and asks again', async ({ signedUp }) => {
  const [alice] = await signedUp('alice');
  alice.goesOffline();
  await alice.page.getByRole('link', { name: 'Settings' }).first().click();
  await alice.page.getByRole('link', { name: 'What the server sees' }).click();
  await expect(alice.page.getByText('No answer from the server.')).toBeVisible({ timeout: 30_000 });
  alice.wire.mend();
  await alice.page.getByRole('button', { name: 'Try again' }).click();
  await expect(line(alice.page, 'Your name on this server')).toContainText('@alice');
});

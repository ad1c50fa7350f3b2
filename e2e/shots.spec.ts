// Pictures of every screen, for people to look at: wide and narrow, dark and light.
//
//   SOTTO_SHOTS=/tmp/shots ./dev test e2e -- shots

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type { Page } from '@playwright/test';

import { expect, test } from './stage.ts';

const FOLDER = process.env['SOTTO_SHOTS'] ?? 'test-results/shots';
const LOOKS = [
  { name: 'wide', width: 1280, height: 800 },
  { name: 'narrow', width: 390, height: 844 },
];

async function shoot(page: Page, screen: string): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  for (const { name, width, height } of LOOKS) {
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.setViewportSize({ width, height });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.screenshot({ path: join(FOLDER, `${screen}-${name}-${colorScheme}.png`) });
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

test('the front door', async ({ newPerson }) => {
  const alice = await newPerson('oona');
  const { page } = alice;
  await page.goto('/');
  await expect(page.getByRole('form', { name: 'Sign in' })).toBeVisible();
  await shoot(page, 'sign-in');
  await page.goto('/sign-up');
  await expect(page.getByRole('list', { name: 'Password' }).getByRole('listitem').first()).not.toBeEmpty();
  await shoot(page, 'sign-up-words');
  await page.getByRole('button', { name: 'Use my own' }).click();
  await page.getByLabel('Handle').fill('1');
  await page.getByLabel('Password', { exact: true }).fill('swordfish');
  await page.getByRole('button', { name: 'Create account' }).click();
  await shoot(page, 'sign-up-own');
  await page.getByRole('button', { name: 'What the server sees' }).click();
  await shoot(page, 'what-the-server-sees');
});

test('conversations', async ({ signedUp }) => {
  const [oona, jonas, mira] = await signedUp('oona', 'jonas', 'mira');
  const { page } = oona;
  await shoot(page, 'nothing-yet');
  await oona.opensDirectWith('jonas');
  await shoot(page, 'direct-empty');
  await oona.says('Have you seen the new timetable? The late ferry is back.');
  await jonas.opensToWrite('oona');
  await jonas.says('No! Where?');
  await jonas.says('That means we could stay for the fire on Saturday, if somebody brings wood and nobody minds the rain that is forecast for the evening.');
  await expect(oona.log.getByText('nobody minds')).toBeVisible();
  await oona.says('https://ferry.example/late');
  await oona.hasSentEverything();
  await shoot(page, 'direct');
  await oona.chooses('More', 'Safety number');
  await expect(oona.dialog(/^Safety number/)).toBeVisible();
  await shoot(page, 'safety-number');
  await page.keyboard.press('Escape');
  await oona.makesGroup('Sunday walk', ['jonas', 'mira']);
  await shoot(page, 'group-empty');
  await oona.says('Who comes along on Sunday?');
  await mira.opensToWrite('Sunday walk');
  await mira.says('Me, and I bring cake 🍰');
  await expect(oona.log.getByText('bring cake')).toBeVisible();
  await page.getByRole('button', { name: /^Members/ }).click();
  await shoot(page, 'group-members');
  await page.getByRole('link', { name: 'Close the list of members' }).click();
  await shoot(page, 'group');
  for (const [entry, screen] of [['New message', 'new-message'], ['New group', 'new-group']] as const) {
    await oona.chooses('New conversation', entry);
    await shoot(page, screen);
    await page.keyboard.press('Escape');
  }
  await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
  await shoot(page, 'keyboard');
  await page.keyboard.press('Escape');
  oona.goesOffline();
  await expect(page.getByText('You are offline.')).toBeVisible();
  await oona.says('This waits until the cable is back.');
  await shoot(page, 'offline');
  await page.goto('/messages');
  await shoot(page, 'list');
  await page.goto('/settings');
  await shoot(page, 'settings');
  for (const place of ['devices', 'security', 'appearance', 'server']) {
    await page.goto(`/settings/${place}`);
    await expect(page.getByRole('main').getByRole('heading').first()).toBeVisible();
    await shoot(page, `settings-${place}`);
  }
});

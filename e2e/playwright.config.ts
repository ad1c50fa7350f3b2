// How the browser tests run. `./dev test e2e` builds what they need; everything after `--` comes here.

import { existsSync } from 'node:fs';

import { defineConfig } from '@playwright/test';

const CHROMIUM =
  process.env['SOTTO_CHROMIUM'] ??
  [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ].find((path) => existsSync(path));

// The same engine without the parts of a browser that stand around a page, and a third of the work. `./dev` names it where there is one.
const SHELL = process.env['SOTTO_CHROMIUM_SHELL'] ?? CHROMIUM;

// What those parts have a say in: notifications, several tabs, and the shortest story of all.
const WHOLE_BROWSER = ['notifications.spec.ts', 'tabs.spec.ts', 'two-people.spec.ts'];

// Pictures for people to look at, and measurements: neither is a check. `SOTTO_SHOTS=folder` and `SOTTO_BENCH=1` ask for them.
const ONLY_WHEN_ASKED = [...(process.env['SOTTO_SHOTS'] ? [] : ['shots.spec.ts']), ...(process.env['SOTTO_BENCH'] ? [] : ['bench.spec.ts'])];

// Headless as root, and silent towards the world outside: a test browser talks to the relay under test and to nobody else.
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // These browsers live for seconds: what V8 would make faster in the background, a quarter of a page's work, is used by none.
  ...(process.env['SOTTO_BENCH'] ? [] : ['--js-flags=--liftoff-only']),
];

const started = (executablePath: string | undefined) => ({ launchOptions: { args: QUIET, ...(executablePath ? { executablePath } : {}) } });

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  projects: [
    { name: 'engine', testIgnore: [...WHOLE_BROWSER, ...ONLY_WHEN_ASKED], use: started(SHELL) },
    { name: 'browser', testMatch: WHOLE_BROWSER, use: started(CHROMIUM) },
  ],
  outputDir: 'test-results',
  reporter: [['list']],
  fullyParallel: true,
  // One browser keeps more than one core busy: on two cores, a third at a time made everything slower and nothing earlier.
  workers: 2,
  // One that passes only the second time is named as flaky in the summary: broken all the same, and to be mended.
  retries: 1,
  forbidOnly: Boolean(process.env['CI']),
  // For the slowest machine, not for the usual one: what is waited for comes in a tenth of it.
  timeout: 180_000,
  expect: { timeout: 20_000 },
  use: {
    viewport: { width: 1280, height: 800 },
    // A trace copies the page at every step, which makes a run a third longer: `-- --trace retain-on-failure` asks for it.
    screenshot: 'only-on-failure',
    actionTimeout: 20_000,
    navigationTimeout: 40_000,
  },
});

// Reports: a member shows those who keep order what was written, sealed and proven; they act on it, and nobody else hears of it.

import type { Locator } from '@playwright/test';

import { Evil } from './evil.ts';
import { Person } from './people.ts';
import { python } from './python.ts';
import { expect, test } from './stage.ts';

const WALK = 'Sunday walk';

/** Chooses in the menu of a message. */
async function about(person: Person, text: string, entry: string | RegExp): Promise<void> {
  const row = person.message(text);
  await row.hover();
  await row.getByRole('button', { name: 'More' }).click();
  await person.page.getByRole('menuitem', { name: entry }).click();
}

async function reports(person: Person, text: string, words: string, also: string[] = []): Promise<void> {
  await about(person, text, /^Report/);
  const dialog = person.dialog('Report messages');
  await expect(dialog.getByRole('checkbox', { name: text, exact: false }).first()).toBeChecked();
  for (const other of also) await dialog.getByRole('checkbox', { name: other, exact: false }).check();
  await dialog.getByRole('textbox', { name: /^What is wrong/ }).fill(words);
  await dialog.getByRole('button', { name: 'Send report' }).click();
  await expect(dialog).toBeHidden();
  await expect(person.page.getByText('Reported to those who keep order here.')).toBeVisible();
}

const page = (person: Person): Locator => person.page.getByRole('region', { name: 'Reports', exact: true });
const list = (person: Person): Locator => page(person).getByRole('list', { name: 'Reports, the oldest first' });

async function walk(owner: Person, ...others: Person[]): Promise<void> {
  await owner.makesGroup(WALK, others.map(({ handle }) => handle));
  await owner.says('all of us');
  for (const person of others) {
    await person.opensToWrite(WALK);
    await person.sees('all of us');
  }
}

test('a member reports messages, and an owner sees proof, acts, and is done with it', async ({ relay, signedUp }) => {
  test.slow();
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await walk(alice, bob, cleo);
  await bob.says('you are all fools');
  await bob.says('and so is the dog');
  await cleo.sees('and so is the dog');
  await reports(cleo, 'you are all fools', 'that is not how we talk', ['and so is the dog']);

  // Whoever may act sees that something waits, wherever they are in the group.
  await alice.page.getByRole('link', { name: 'Reports, 1' }).click();
  await expect(alice.page).toHaveURL(/\/messages\/[\w-]{43}\/reports$/);
  const report = list(alice).getByRole('listitem').first();
  await expect(report).toContainText('cleo reported 2 messages.');
  await expect(report).toContainText('that is not how we talk');
  await expect(report).toContainText('you are all fools');
  await expect(report).toContainText('and so is the dog');
  await expect(report.getByText('Signed by bob')).toHaveCount(2);
  await alice.reloads();
  await expect(report).toContainText('that is not how we talk');

  // A reader that was written from the protocol's page alone finds the same proof, and for a member nothing.
  const reading = async (person: Person): Promise<string[]> => {
    const read = await python('reader.py', [relay.url, person.handle], person.password);
    expect(read).toMatchObject({ status: 0, complaints: '' });
    return read.said.split('\n').filter((line) => /\((reports|reported)\)/.test(line));
  };
  expect(await reading(alice)).toEqual([
    '@cleo: (reports) that is not how we talk',
    '@bob: (reported) you are all fools',
    '@bob: (reported) and so is the dog',
  ]);
  expect(await reading(bob)).toEqual([]);

  // Those who may not hear nothing of it, also under its address.
  await expect(bob.page.getByRole('link', { name: /^Reports/ })).toHaveCount(0);
  await bob.page.goto(new URL(alice.page.url()).pathname);
  await expect(bob.page.getByText('Only those who keep order here go through reports.')).toBeVisible();
  await bob.page.goBack();

  await report.getByRole('button', { name: /^Delete/ }).first().click();
  const away = alice.dialog('Delete what bob wrote?');
  await away.getByRole('button', { name: 'Delete' }).click();
  await expect(away).toBeHidden();
  await expect(cleo.log.getByText('you are all fools')).toHaveCount(0);
  await report.getByRole('button', { name: /^Act on bob/ }).click();
  await alice.page.getByRole('menuitem', { name: /^Time-out/ }).click();
  const pause = alice.dialog('Time-out for bob');
  await pause.getByRole('radio', { name: '10 minutes' }).check();
  await pause.getByRole('button', { name: 'Start time-out' }).click();
  await expect(pause).toBeHidden();
  await expect(bob.page.getByRole('status').filter({ hasText: 'gave you a time-out until' })).toBeVisible();

  await report.getByRole('button', { name: 'Done with it' }).click();
  await expect(page(alice).getByText('Nothing to go through')).toBeVisible();
  await alice.page.getByRole('link', { name: 'Back to the conversation' }).click();
  await expect(alice.page.getByRole('link', { name: /^Reports/ })).toHaveCount(0);
});

test('nobody hears of a report about themselves, and who reports the only owner is told so', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await walk(alice, bob, cleo);
  await about(cleo, 'all of us', /^Report/);
  const dialog = cleo.dialog('Report messages');
  await dialog.getByRole('button', { name: 'Send report' }).click();
  await expect(dialog.getByRole('alert')).toContainText('Nobody else here can act on it');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(alice.page.getByRole('link', { name: /^Reports/ })).toHaveCount(0);
  // Nobody reports themselves.
  await bob.says('mine');
  const row = bob.message('mine');
  await row.hover();
  await row.getByRole('button', { name: 'More' }).click();
  await expect(bob.page.getByRole('menuitem', { name: 'Copy text' })).toBeVisible();
  await expect(bob.page.getByRole('menuitem', { name: /^Report/ })).toHaveCount(0);
});

test('a relay that bends a report or asks in another name gets nothing shown', async ({ browser, relay, people, signedUp }) => {
  test.slow();
  const evil = await Evil.before(relay);
  const alice = await Person.arrives(browser, evil, 'alice');
  people.push(alice);
  alice.expectsTrouble();
  await alice.signsUp();
  const [bob, cleo] = await signedUp('bob', 'cleo');
  await walk(alice, bob, cleo);
  await bob.says('you are all fools');
  evil.plays({
    reply: (path, _asked, body) => {
      if (path !== 'reports/list') return;
      for (const report of body.reports) report.sealed = `${report.sealed.slice(0, 400)}AAAA${report.sealed.slice(404)}`;
    },
  });
  await reports(cleo, 'you are all fools', 'look at this');
  await alice.page.getByRole('link', { name: 'Reports, 1' }).click();
  await expect(list(alice)).toContainText('This report could not be opened, or nobody here signed it.');
  await expect(list(alice)).not.toContainText('fools');
  evil.plays({});
  await alice.reloads();
  await expect(list(alice)).toContainText('look at this');
  await evil.remove();
});

test.describe('on a phone', () => {
  test('a message is reported by touch', async ({ newPerson }) => {
    const context = { hasTouch: true };
    const alice = await (await newPerson('alice', { context })).signsUp();
    const bob = await (await newPerson('bob', { context })).signsUp();
    const cleo = await (await newPerson('cleo', { context })).signsUp();
    for (const { page } of [alice, bob, cleo]) await page.setViewportSize({ width: 390, height: 844 });
    await walk(alice, bob, cleo);
    await bob.says('you are all fools');
    await cleo.sees('you are all fools');
    const sheet = await cleo.holds(cleo.message('you are all fools').locator('.message-body'));
    await sheet.getByRole('button', { name: /^Report/ }).tap();
    const dialog = cleo.dialog('Report messages');
    await expect(dialog.getByRole('checkbox', { checked: true })).toBeInViewport();
    await dialog.getByRole('button', { name: 'Send report' }).tap();
    await expect(dialog).toBeHidden();
    await alice.page.getByRole('link', { name: 'Reports, 1' }).tap();
    await expect(list(alice)).toContainText('you are all fools');
    await alice.fits();
  });
});

// Whatever somebody types or is sent stays text.

import type { Locator, Page } from '@playwright/test';

import type { Person } from './people.ts';
import { expect, test } from './stage.ts';
import { LETTERS, LINKS, MARKUP, shown } from './xss.ts';

/** What a row of the timeline is made of. */
const ROW_PARTS = new Set(['A', 'BDI', 'BR', 'BUTTON', 'DIV', 'H3', 'I', 'LI', 'P', 'PATH', 'SPAN', 'SVG', 'TIME', 'B', 'CIRCLE', 'G', 'RECT', 'ELLIPSE', 'POLYGON', 'CLIPPATH', 'DEFS', 'BLOCKQUOTE', 'CODE', 'EM', 'OL', 'PRE', 'S', 'STRONG', 'UL']);

class Watch {
  private readonly seen: string[] = [];
  private constructor(private readonly page: Page) {}

  static async over(page: Page): Promise<Watch> {
    const watch = new Watch(page);
    page.on('dialog', (dialog) => {
      watch.seen.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (protocol !== 'blob:' && hostname !== '127.0.0.1' && hostname !== 'localhost') watch.seen.push(`request ${request.url()}`);
    });
    await page.exposeFunction('hit', () => watch.seen.push('a script ran'));
    return watch;
  }

  async sawNothing(): Promise<void> {
    expect(this.seen).toEqual([]);
    await expect(this.page.locator('iframe, object, embed, base, meta[http-equiv=refresh], [onerror], [onload]')).toHaveCount(0);
  }

  forget(): string[] {
    return this.seen.splice(0);
  }
}

const tags = (rows: Locator): Promise<string[]> =>
  rows.evaluateAll((all) => [...new Set(all.flatMap((row) => [...row.querySelectorAll('*')].map(({ tagName }) => tagName.toUpperCase())))]);

test('the watch notices a script, a foreign request and markup from text', async ({ newPerson }) => {
  const alice = await newPerson('alice');
  const watch = await Watch.over(alice.page);
  await alice.page.goto('/');
  alice.expectsTrouble(/Content Security Policy|TrustedHTML|Failed to load resource|net::ERR/);
  await alice.page.evaluate(() => (globalThis as unknown as { hit: () => void }).hit());
  expect(watch.forget()).toEqual(['a script ran']);
  // The policy refuses it before it leaves, and says so: that is a complaint, and would fail a test.
  await alice.page.evaluate(() => fetch('https://elsewhere.invalid/').catch(() => undefined));
  await expect.poll(() => alice.complaints.some((complaint) => /Content Security Policy/.test(complaint))).toBe(true);
  // The same in the worker.
  const said = alice.complaints.length;
  await expect.poll(() => alice.page.workers().length).toBe(1);
  await alice.page.workers()[0]?.evaluate(() => fetch('https://elsewhere.invalid/').catch(() => undefined));
  await expect.poll(() => alice.complaints.slice(said).some((complaint) => /Content Security Policy/.test(complaint))).toBe(true);
  expect(await alice.page.evaluate(() => {
    try {
      document.createElement('p').innerHTML = '<b>text</b>';
      return 'taken';
    } catch (error) {
      return (error as Error).name;
    }
  })).toBe('TypeError');
});

test('messages, names and drafts of every kind stay text', async ({ signedUp }) => {
  test.slow();
  const [alice, bob] = await signedUp('alice', 'bob');
  const watches = [await Watch.over(alice.page), await Watch.over(bob.page)];
  await alice.opensDirectWith('bob');
  await bob.opensDirectWith('alice');
  const all = [...MARKUP, ...LINKS, ...LETTERS];
  for (const text of all) await alice.says(text);
  await bob.comesToSeeExactly(all.map(shown), 60_000);
  for (const person of [alice, bob]) {
    const rows = person.log.getByRole('listitem');
    expect((await tags(rows)).filter((tag) => !ROW_PARTS.has(tag))).toEqual([]);
    for (const link of await rows.locator('a').all()) expect(await link.getAttribute('href')).toMatch(/^https?:\/\//);
  }
  for (const typed of [MARKUP[5], MARKUP[9], LETTERS[0]] as string[]) {
    // What turns the text beside it does not get into a name at all.
    const name = typed.replace('\u202e', '');
    await alice.makesGroup(typed, ['bob'], name);
    await expect(alice.page).toHaveTitle(`${name} · Sotto`);
    await expect(bob.conversations.getByText(name, { exact: true })).toBeVisible();
    await alice.composer.fill(typed);
    await alice.reloads();
    await expect(alice.composer).toHaveValue(typed);
  }
  for (const watch of watches) await watch.sawNothing();
});

const FIELDS = 'input:is([type=text], [type=password], [type=search]):not([readonly]):visible, textarea:visible';

/** Every field in there takes every text, one after another, and what answers as it is typed is text too. Empty afterwards. */
async function takesEverything(scope: Page | Locator, texts: string[]): Promise<number> {
  await expect(scope.locator(FIELDS).first()).toBeVisible();
  const fields = await scope.locator(FIELDS).all();
  for (const field of fields) {
    for (const text of texts) await field.fill(text);
    await field.fill('');
  }
  return fields.length;
}

test('every field of every form takes every kind of text, and what answers is text', async ({ newPerson, signedUp }) => {
  test.slow();
  const all = [...MARKUP, ...LINKS, ...LETTERS];
  const someText = [MARKUP[5], MARKUP[10], LETTERS[0]] as string[];
  const agent = { context: { userAgent: `Mozilla/5.0 ${MARKUP[5]} ${MARKUP[0]}` } };
  const guest = await newPerson('guest', agent);
  const [bob] = await signedUp('bob');
  const alice = await newPerson('alice', agent);
  const watches = [await Watch.over(guest.page), await Watch.over(alice.page), await Watch.over(bob.page)];
  const markup = (page: Page): Locator => page.locator('body :is(script, style, link, iframe, object, embed, base, form form, math, video, svg image, svg use, svg animate, img)');
  const staysText = async ({ page }: { page: Page }): Promise<void> => expect(markup(page)).toHaveCount(0);
  guest.expectsTrouble();
  alice.expectsTrouble(/Failed to load resource/);

  // The front door: every field, then every form sent with something of the kind in each.
  const own = { name: 'Use my own' } as const;
  let taken = 0;
  for (const path of ['/', '/sign-up', '/recover']) {
    await guest.page.goto(path);
    await expect(guest.page.getByLabel('Handle')).toBeVisible();
    if (path !== '/') await guest.page.getByRole('button', own).click();
    taken += await takesEverything(guest.page, all);
    for (const text of someText) {
      for (const field of await guest.page.locator(FIELDS).all()) await field.fill(text);
      await guest.page.locator('form button[type=submit]').click();
      await expect(guest.page.getByRole('alert').or(guest.page.locator('[aria-invalid=true]')).first()).toBeVisible();
      await staysText(guest);
    }
  }
  expect(taken).toBe(2 + 2 + 3);

  await alice.signsUp();
  await alice.makesGroup('Sunday walk', ['bob']);
  taken = await takesEverything(alice.page, all);
  expect(taken, 'the composer').toBe(1);
  const dialog = alice.page.getByRole('dialog');
  const opened: [string, string, number][] = [
    ['New conversation', 'New message', 1],
    ['New conversation', 'New group', 2],
    ['More', 'Add people', 1],
    ['More', 'Rename', 1],
  ];
  for (const [menu, entry, fields] of opened) {
    await alice.chooses(menu, entry);
    expect(await takesEverything(dialog, all), entry).toBe(fields);
    await dialog.getByRole('textbox').last().fill(someText[0] ?? '');
    await dialog.getByRole('textbox').last().press('Enter');
    // A name may be anything, and the dialog goes once it is told; what is no handle stays, and is not lost by Esc.
    if (entry !== 'Rename') {
      await expect(dialog.locator('[aria-invalid=true]')).toBeVisible();
      await staysText(alice);
      await dialog.getByRole('button', { name: 'Cancel' }).click();
    }
    await expect(dialog).toBeHidden();
    await staysText(alice);
  }
  // A name stands in titles, tooltips, labels and notices, on both sides.
  for (const text of someText.slice(0, 2)) {
    await alice.chooses('More', 'Rename');
    await dialog.getByRole('textbox', { name: 'Name' }).fill(text);
    await dialog.getByRole('button', { name: 'Rename' }).click();
    await alice.canWriteTo(text);
    await bob.opensToWrite(text);
    await alice.page.getByRole('button', { name: 'More', exact: true }).hover();
    await alice.chooses('More', 'Add people');
    await expect(alice.dialog(`Add people to ${text}`)).toBeVisible();
    for (const person of [alice, bob]) await staysText(person);
    await alice.page.keyboard.press('Escape');
  }

  await alice.page.goto('/settings/account');
  for (const [button, opens, fields] of [['Change the password', true, 2], ['Make a recovery key', false, 1], ['Delete the account', false, 2]] as const) {
    await alice.page.getByRole('main').getByRole('button', { name: button }).click();
    if (opens) await dialog.getByRole('button', own).click();
    expect(await takesEverything(dialog, all), button).toBe(fields);
    for (const field of await dialog.locator(FIELDS).all()) await field.fill(someText[0] ?? '');
    await dialog.locator('button[type=submit]').click();
    await expect(dialog.locator('[aria-invalid=true]').or(dialog.getByRole('alert')).first()).toBeVisible({ timeout: 20_000 });
    await staysText(alice);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await expect(dialog).toBeHidden();
  }
  await alice.page.goto('/settings/devices');
  await expect(alice.page.getByRole('main').getByRole('listitem').first()).toBeVisible();
  await staysText(alice);
  await alice.page.goto('/settings/lock');
  await alice.page.getByRole('main').getByRole('button', { name: 'Lock now' }).click();
  await expect(alice.page.getByRole('form', { name: 'Unlock' })).toBeVisible();
  expect(await takesEverything(alice.page, all), 'lock').toBe(1);
  await alice.page.getByLabel('Password', { exact: true }).fill(someText[0] ?? '');
  await alice.page.getByRole('button', { name: 'Unlock' }).click();
  await expect(alice.page.locator('[aria-invalid=true]')).toBeVisible({ timeout: 20_000 });
  await staysText(alice);
  for (const watch of watches) await watch.sawNothing();
});

test('what spaces, polls and profiles are called stays text, on both sides', async ({ signedUp }) => {
  test.slow();
  const [alice, bob] = await signedUp('alice', 'bob');
  const { page } = alice;
  const watches = [await Watch.over(page), await Watch.over(bob.page)];
  const markup = 'body :is(script, style, link, iframe, object, embed, base, math, video, svg image, svg use, svg animate, img)';
  const staysText = async (): Promise<void> => {
    for (const person of [alice, bob]) await expect(person.page.locator(markup)).toHaveCount(0);
  };
  const all = [...MARKUP, ...LINKS, ...LETTERS.slice(0, 9)];
  const [name, other, third] = [MARKUP[5], MARKUP[9], MARKUP[6]] as [string, string, string];

  // A space, its channels, topics, headings and roles.
  await page.getByRole('button', { name: 'Create a space' }).click();
  const create = alice.dialog('Create a space');
  expect(await takesEverything(create, all)).toBeGreaterThan(0);
  await create.getByLabel('Name', { exact: true }).fill(name);
  await create.getByRole('radio', { name: 'Empty' }).check();
  await create.getByRole('button', { name: 'Create space' }).click();
  const column = page.getByRole('navigation', { name: `Channels of ${name}` });
  await column.getByRole('button', { name, exact: true }).click({ timeout: 20_000 });
  await page.getByRole('menuitem', { name: 'Add people' }).click();
  const add = alice.dialog(/^Add people/);
  await add.getByRole('textbox', { name: 'People' }).fill('bob');
  await add.getByRole('button', { name: 'Add', exact: true }).last().click();
  await expect(add).toBeHidden();
  await bob.page.getByRole('list', { name: 'Spaces' }).getByRole('link', { name }).click();
  for (const [entry, title, press, typed] of [
    ['New heading', 'New heading', 'Add heading', third],
    ['New channel', 'New channel', 'Create channel', other],
  ] as const) {
    await page.locator('.column-space').click();
    await page.getByRole('menuitem', { name: entry }).click();
    const dialog = alice.dialog(title);
    expect(await takesEverything(dialog, all), entry).toBeGreaterThan(0);
    await dialog.getByLabel('Name', { exact: true }).fill(typed);
    await dialog.getByRole('button', { name: press }).click();
    await expect(dialog).toBeHidden();
    // An empty heading stands nowhere but before those who arrange channels.
    await expect((title === 'New heading' ? page : bob.page).getByText(typed, { exact: true }).first()).toBeVisible();
    await staysText();
  }
  await alice.canWriteTo(other);
  await bob.page.locator('.channel-row').getByRole('link', { name: other }).click();
  await bob.canWriteTo(other);
  await alice.chooses('More', 'Edit name and topic');
  const edit = alice.dialog('Edit the channel');
  expect(await takesEverything(edit, all)).toBeGreaterThan(1);
  await edit.getByLabel('Name', { exact: true }).fill(other);
  await edit.getByLabel('Topic').fill(third);
  await edit.getByRole('button', { name: 'Save' }).click();
  await expect(bob.page.getByRole('main').getByText(third).first()).toBeVisible();
  await staysText();

  await alice.chooses('Add something else', 'Poll');
  const poll = alice.dialog('New poll');
  expect(await takesEverything(poll, all)).toBeGreaterThan(2);
  await poll.getByLabel('Question').fill(name);
  await poll.getByLabel('Answer 1').fill(other);
  await poll.getByLabel('Answer 2').fill(third);
  await poll.getByRole('button', { name: 'Ask' }).click();
  await bob.log.getByRole('radio', { name: other }).check();
  await expect(alice.log.getByText('1 vote', { exact: true }).first()).toBeVisible();
  await staysText();

  const room = page.url();
  await page.goto(room.replace(/\/[^/]+$/, '/settings/roles'));
  await page.getByRole('button', { name: 'New role' }).click({ timeout: 20_000 });
  const role = alice.dialog('New role');
  expect(await takesEverything(role, all)).toBeGreaterThan(0);
  await role.getByLabel('Name', { exact: true }).fill(name);
  await role.getByLabel('Rank', { exact: true }).fill('20');
  await role.getByRole('button', { name: 'Create role' }).click();
  await expect(page.getByRole('list', { name: 'Roles' }).getByText(name)).toBeVisible();
  await staysText();

  await page.goto('/settings/profile');
  const form = page.getByRole('form', { name: 'Profile' });
  await expect(form.getByLabel('Status')).toBeVisible();
  expect(await takesEverything(form, all)).toBe(2);
  await form.getByLabel('Name').fill(name);
  await form.getByLabel('Status').fill(third);
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('People see it where you write next.')).toBeVisible();
  await page.goto(room);
  await alice.canWriteTo(other);
  await alice.says('it is me');
  await bob.sees('it is me');
  await expect(bob.log.getByText(name).first()).toBeAttached();
  await staysText();
  for (const watch of watches) await watch.sawNothing();
});

test('what reasons, reports, guests, invites and answers say stays text, on every side', async ({ signedUp, newPerson }) => {
  test.slow();
  const [alice, bob] = await signedUp('alice', 'bob');
  const guest = await newPerson('guest');
  const people = [alice, bob, guest];
  const watches = await Promise.all(people.map(({ page }) => Watch.over(page)));
  const markup = 'body :is(script, style, link, iframe, object, embed, base, math, video, svg image, svg use, svg animate, img)';
  const staysText = async (): Promise<void> => {
    for (const person of people) await expect(person.page.locator(markup)).toHaveCount(0);
  };
  const all = [...MARKUP, ...LINKS, ...LETTERS.slice(0, 9)];
  const [name, other, third] = [MARKUP[5], MARKUP[9], MARKUP[6]] as [string, string, string];
  await alice.makesGroup(name, ['bob']);
  await bob.opensToWrite(name);

  // What an invite shows before anybody is in, and the name of a guest.
  await alice.chooses('More', 'Invite by link');
  const invite = alice.dialog(/^Invite people/);
  await invite.getByRole('button', { name: 'Make a link' }).click();
  const link = await invite.getByRole('textbox', { name: 'Link' }).inputValue();
  // The link as a code is a picture of ours.
  await invite.locator('.dialog-foot').getByRole('button', { name: 'Close' }).click();
  await expect(invite).toBeHidden();
  await guest.page.goto(link.slice(link.indexOf('/#')));
  await expect(guest.page.getByRole('heading', { name })).toBeVisible();
  await staysText();
  await guest.page.getByRole('button', { name: 'Come in as a guest' }).click();
  const form = guest.page.locator('form').filter({ has: guest.page.getByLabel('Your name') });
  expect(await takesEverything(form, all)).toBe(1);
  await form.getByLabel('Your name').fill(other);
  await form.getByRole('button', { name: 'Come in', exact: true }).click();
  await guest.canWriteTo(name);
  await guest.says('I am new here');
  await bob.sees('I am new here');
  await expect(bob.message('I am new here').getByText(other).first()).toBeVisible();
  await staysText();

  // An answer in a thread.
  const menu = async (who: Person, text: string, entry: string | RegExp): Promise<void> => {
    await who.message(text).hover();
    await who.message(text).getByRole('button', { name: 'More' }).click();
    await who.page.getByRole('menuitem', { name: entry }).click();
  };
  await menu(alice, 'I am new here', 'Answer in a thread');
  const thread = alice.page.getByRole('complementary', { name: 'Thread' });
  expect(await takesEverything(thread, all)).toBe(1);
  await thread.getByRole('textbox', { name: 'Answer' }).fill(third);
  await thread.getByRole('textbox', { name: 'Answer' }).press('Enter');
  await bob.log.getByRole('link', { name: /1 answer/ }).click();
  await expect(bob.page.getByRole('complementary', { name: 'Thread' }).getByText(third)).toBeVisible();
  await staysText();
  await thread.getByRole('link', { name: 'Close the thread' }).click();
  await bob.page.getByRole('link', { name: 'Close the thread' }).click();

  // What a report says, before whoever goes through it.
  await menu(bob, 'I am new here', /^Report/);
  const report = bob.dialog('Report messages');
  expect(await takesEverything(report, all)).toBe(1);
  await report.getByRole('textbox', { name: /^What is wrong/ }).fill(third);
  await report.getByRole('button', { name: 'Send report' }).click();
  await expect(report).toBeHidden();
  await alice.page.getByRole('link', { name: 'Reports, 1' }).click();
  await expect(alice.page.getByRole('list', { name: 'Reports, the oldest first' })).toContainText(third);
  await staysText();
  await alice.page.getByRole('link', { name: 'Back to the conversation' }).click();

  // Reasons, before whom they are about and in the log of changes.
  const measure = async (who: string | RegExp, entry: RegExp, title: string | RegExp, press: string, reason: string): Promise<void> => {
    if (!(await alice.members.isVisible())) await alice.page.getByRole('button', { name: /^Members/ }).click();
    await alice.members.getByRole('button', { name: who }).click();
    await alice.page.getByRole('menuitem', { name: entry }).click();
    const dialog = alice.dialog(title);
    expect(await takesEverything(dialog, all)).toBe(1);
    await dialog.getByRole('textbox', { name: /^Reason/ }).fill(reason);
    await dialog.getByRole('button', { name: press, exact: true }).click();
    await expect(dialog).toBeHidden();
  };
  await measure(/^bob/, /^Time-out/, 'Time-out for bob', 'Start time-out', name);
  await expect(bob.page.getByRole('status').filter({ hasText: 'gave you a time-out until' })).toContainText(name);
  await staysText();
  await measure(other, /^Remove/, /^Remove /, 'Remove', third);
  await expect(guest.page.getByText('You were removed from this group.')).toBeVisible();
  await staysText();
  await bob.chooses('More', 'Log of changes');
  const changes = bob.page.getByRole('list', { name: 'Changes, the newest first' });
  for (const text of [`Reason: ${name}`, `Reason: ${third}`, `alice named this ${name}.`]) await expect(changes).toContainText(text);
  await staysText();
  for (const watch of watches) await watch.sawNothing();
});

test('addresses of every kind lead nowhere', async ({ newPerson }) => {
  test.slow();
  const alice = await newPerson('alice');
  const watch = await Watch.over(alice.page);
  alice.expectsTrouble();
  for (const text of [...MARKUP, ...LINKS]) {
    // With a dot it would be the address of a file.
    const spelt = encodeURIComponent(text).replaceAll('.', '%2E');
    await alice.page.goto(`/messages/${spelt.slice(0, 600)}?q=${spelt}#${spelt}`);
    await expect(alice.page.getByRole('main')).toBeVisible();
  }
  await watch.sawNothing();
});

// Every screen passes axe (WCAG 2.2 A and AA), wide and dark, narrow and light, and has one main part with one heading.

import type { Page } from '@playwright/test';

import { findings } from './axe.ts';
import type { Person } from './people.ts';
import { expect, test } from './stage.ts';

// Colours come from one set of tokens, whatever the width: each theme and each width is looked at once.
const LOOKS = [
  { width: 1280, height: 800, colorScheme: 'dark' },
  { width: 390, height: 844, colorScheme: 'light' },
] as const;

// Two looks at each of many screens take their time on a busy machine.
test.describe.configure({ timeout: 480_000 });

async function passesAxe(page: Page, screen: string): Promise<void> {
  for (const { width, height, colorScheme } of LOOKS) {
    await page.setViewportSize({ width, height });
    expect.soft(await findings(page, colorScheme), `${screen}, ${width} px, ${colorScheme}`).toEqual([]);
    // One main part with one heading, also where a single pane stands; under a dialog they are not in reach.
    if ((await page.getByRole('dialog').count()) === 0) {
      await expect.soft(page.getByRole('main'), `${screen}, ${width} px: main`).toHaveCount(1);
      await expect.soft(page.locator('h1:visible, h2[aria-level="1"]:visible'), `${screen}, ${width} px: h1`).toHaveCount(1);
    }
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect.soft(sideways, `${screen}, ${width} px: nothing stands out sideways`).toBeLessThanOrEqual(0);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

test('the front door', async ({ newPerson }) => {
  const { page } = await newPerson('alice');
  await page.goto('/');
  await expect(page.getByRole('form', { name: 'Sign in' })).toBeVisible();
  await passesAxe(page, 'sign in');
  await page.goto('/sign-up');
  await expect(page.getByRole('list', { name: 'Password' }).getByRole('listitem').first()).not.toBeEmpty();
  await passesAxe(page, 'sign up, six words');
  await page.getByRole('button', { name: 'Use my own' }).click();
  await page.getByLabel('Handle').fill('1');
  await page.getByLabel('Password', { exact: true }).fill('too short');
  await page.getByRole('button', { name: 'Create account' }).click();
  await passesAxe(page, 'sign up, own password, with an error');
});

test('the way back in, and the page of the account', async ({ signedUp, anotherBrowserOf }) => {
  const [alice] = await signedUp('alice');
  const { page } = alice;
  const lost = await anotherBrowserOf(alice);
  await lost.page.goto('/recover');
  await expect(lost.page.getByRole('list', { name: 'New password' }).getByRole('listitem').first()).not.toBeEmpty();
  await passesAxe(lost.page, 'recovery');
  await lost.page.getByLabel('Handle').fill('alice');
  await lost.page.getByRole('textbox', { name: 'Recovery key' }).fill('UUUU '.repeat(14));
  await expect(lost.page.getByText('Group 1 cannot be right.')).toBeVisible();
  await passesAxe(lost.page, 'recovery, mistyped');

  await page.goto('/settings/account');
  await page.getByRole('button', { name: 'Change the password' }).click();
  await expect(page.getByRole('list', { name: 'New password' }).getByRole('listitem').first()).not.toBeEmpty();
  await passesAxe(page, 'change the password');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Delete the account' }).click();
  await alice.dialog('Delete this account?').getByRole('button', { name: 'Delete for good' }).click();
  await expect(page.getByText('Enter your password.')).toBeVisible();
  await passesAxe(page, 'delete the account, with an error');
  await page.keyboard.press('Escape');
  await alice.makesRecoveryKey(async (dialog) => {
    await passesAxe(page, 'two groups of the recovery key');
    await dialog.getByRole('button', { name: 'Show the key again' }).click();
    await passesAxe(page, 'recovery key');
    await dialog.getByRole('button', { name: 'I have it on paper' }).click();
  });
  await passesAxe(page, 'settings, account, with a recovery key');
  await lost.signsIn();
  await page.goto('/settings/devices');
  await page.getByRole('button', { name: /^Take away/ }).click();
  await expect(alice.dialog('Take this browser away?')).toBeVisible();
  await passesAxe(page, 'take a browser away');
});

test('conversations', async ({ signedUp }) => {
  const [alice] = await signedUp('alice', 'bob', 'cleo');
  const { page } = alice;
  await passesAxe(page, 'nothing yet');
  await alice.opensDirectWith('bob');
  await passesAxe(page, 'an empty conversation');
  await alice.says('hello https://example.org');
  await alice.hasSentEverything();
  await passesAxe(page, 'a conversation');
  const row = alice.message('hello https://example.org');
  await row.hover();
  await row.getByRole('button', { name: 'React with heart' }).click();
  await expect(row.locator('.reaction')).toHaveText('❤️1');
  await row.focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('menuitem', { name: 'Edit' })).toBeVisible();
  await passesAxe(page, 'the menu of a message');
  await page.setViewportSize({ width: 390, height: 844 });
  await row.focus();
  await page.keyboard.press('Enter');
  await expect(alice.dialog('Message')).toBeVisible();
  await passesAxe(page, 'the sheet of a message');
  await alice.dialog('Message').getByRole('button', { name: 'React…' }).click();
  await expect(alice.dialog('React').getByRole('button', { name: 'grinning face', exact: true })).toBeVisible();
  await passesAxe(page, 'the emoji picker');
  await alice.dialog('React').getByRole('searchbox').fill('no such thing');
  await passesAxe(page, 'the emoji picker, with nothing found');
  // The first Esc empties the search.
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await expect(alice.dialog('React')).toBeHidden();
  await alice.composer.fill('');
  await alice.composer.press('ArrowUp');
  await passesAxe(page, 'editing a message');
  await alice.composer.press('Escape');
  await alice.composer.pressSequentially(':smi');
  await expect(page.getByRole('option').first()).toBeVisible();
  await passesAxe(page, 'emoji by name');
  await alice.composer.fill('');
  await alice.says('**Bold** `code` ||covered|| [a link](https://example.org)\n\n> said\n\n1. one\n\n```rust\nlet a = 1;\n```');
  await expect(alice.log.locator('pre')).toBeVisible();
  await expect(alice.log.locator('[data-message-state]:not([data-message-state=sent])')).toHaveCount(0);
  await passesAxe(page, 'Markdown');
  await alice.makesGroup('Sunday walk', ['bob', 'cleo']);
  await alice.says('who comes?');
  await page.getByRole('button', { name: /^Members/ }).click();
  await expect(page.getByRole('complementary', { name: 'Members' })).toBeVisible();
  await passesAxe(page, 'a group and its members');
  const bob = page.getByRole('complementary', { name: 'Members' }).getByRole('button', { name: 'bob' });
  for (const [entry, title] of [[/^Time-out/, 'Time-out for bob'], [/^Change role/, 'Role of bob'], [/^Ban/, /^Ban bob/]] as const) {
    await bob.click();
    await page.getByRole('menuitem', { name: entry }).click();
    await expect(alice.dialog(title)).toBeVisible();
    await passesAxe(page, `dialog: ${title}`);
    await page.keyboard.press('Escape');
  }
  await page.goto(`${new URL(page.url()).pathname.replace(/\/members$/, '')}/changes`);
  await expect(page.getByText('alice added bob as member.').or(page.getByText('You added bob as member.'))).toBeVisible();
  await passesAxe(page, 'the log of changes');
  await page.getByRole('link', { name: 'Back to the conversation' }).click();
  await page.keyboard.press('Control+k');
  await expect(alice.dialog('Jump to').getByRole('option').first()).toBeVisible();
  await passesAxe(page, 'the switcher');
  await alice.dialog('Jump to').getByRole('combobox').fill('se');
  await expect(alice.dialog('Jump to').getByRole('group', { name: 'Commands' })).toBeVisible();
  await passesAxe(page, 'the switcher, with commands');
  await alice.dialog('Jump to').getByRole('combobox').fill('no such thing');
  await passesAxe(page, 'the switcher, with nothing found');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+/');
  await expect(alice.dialog('Keyboard')).toBeVisible();
  await passesAxe(page, 'the list of keys');
  await page.keyboard.press('Escape');
  alice.goesOffline();
  await expect(page.getByText('You are offline.')).toBeVisible();
  await passesAxe(page, 'offline');
});

test('around a conversation', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  const { page } = alice;
  await alice.makesGroup('Sunday walk', ['bob', 'cleo']);
  await bob.opensToWrite('Sunday walk');
  await bob.says('which lamp?');
  await alice.sees('which lamp?');
  const row = alice.message('which lamp?');
  const takes = async (entry: string): Promise<void> => {
    await row.hover();
    await row.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: entry }).click();
  };
  await row.hover();
  await row.getByRole('button', { name: 'React with heart' }).click();
  await expect(row.locator('.reaction')).toHaveText('❤️1');
  await takes('Who reacted');
  await expect(alice.dialog('Who reacted').getByText('You')).toBeVisible();
  await passesAxe(page, 'who reacted');
  await page.keyboard.press('Escape');
  // The only owner is told by somebody else.
  await cleo.opensToWrite('Sunday walk');
  await cleo.message('which lamp?').hover();
  await cleo.message('which lamp?').getByRole('button', { name: 'More' }).click();
  await cleo.page.getByRole('menuitem', { name: 'Report…' }).click();
  const report = cleo.dialog('Report messages');
  await expect(report).toBeVisible();
  await passesAxe(cleo.page, 'a report');
  await report.getByRole('textbox', { name: /^What is wrong/ }).fill('of that lamp nobody speaks');
  await report.getByRole('button', { name: 'Send report' }).click();
  await page.getByRole('link', { name: 'Reports, 1' }).click();
  await expect(page.getByText('of that lamp nobody speaks')).toBeVisible();
  await passesAxe(page, 'reports');
  await page.getByRole('link', { name: 'Back to the conversation' }).click();
  await takes('Save for later');
  await takes('Answer in a thread');
  const answer = page.getByRole('textbox', { name: 'Answer' });
  await answer.fill('the red one');
  await answer.press('Enter');
  await expect(page.getByRole('complementary', { name: 'Thread' }).getByText('the red one')).toBeVisible();
  await passesAxe(page, 'a thread');
  await page.getByRole('link', { name: 'All threads' }).click();
  await expect(page.getByRole('list', { name: 'Threads' })).toBeVisible();
  await passesAxe(page, 'the threads of a conversation');
  for (const [command, title] of [['date', 'Go to a date'], ['help', 'Commands'], ['leave', 'Somebody has to own it']] as const) {
    await alice.opens('Sunday walk');
    await alice.composer.fill(`/${command}`);
    await alice.composer.press('Enter');
    await expect(page.getByRole('dialog', { name: title })).toBeVisible();
    await passesAxe(page, `behind /${command}`);
    await page.keyboard.press('Escape');
  }
  await page.goto('/saved');
  await expect(page.getByRole('list', { name: 'Saved messages' }).getByText('which lamp?')).toBeVisible();
  await passesAxe(page, 'saved messages');
  await page.goto('/nowhere');
  await expect(page).toHaveTitle(/Nothing here/);
  await passesAxe(page, 'an address that is none');
});

test('spaces', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const { page } = alice;
  await page.getByRole('button', { name: 'Create a space' }).click();
  const dialog = alice.dialog('Create a space');
  await passesAxe(page, 'create a space');
  await dialog.getByLabel('Name', { exact: true }).fill('Harbour Makers');
  await dialog.getByRole('button', { name: 'Create space' }).click();
  const channels = page.getByRole('navigation', { name: 'Channels of Harbour Makers' });
  await expect(channels).toBeVisible({ timeout: 20_000 });
  await page.locator('.channel-row').getByRole('link', { name: 'general' }).click();
  await alice.canWriteTo('general');
  await passesAxe(page, 'an empty channel');
  await alice.says('welcome');
  await alice.hasSentEverything();
  const room = page.url();
  const space = room.replace(/\/[^/]+$/, '');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(space);
  await expect(channels).toBeVisible();
  await page.setViewportSize({ width: 390, height: 844 });
  await passesAxe(page, 'the channels of a space');
  await page.goto(`${room}/members`);
  await expect(page.getByRole('complementary', { name: 'Members' }).getByText('You')).toBeVisible();
  await passesAxe(page, 'members of a space');
  await page.goto(`${room}/settings`);
  await expect(page.getByRole('heading', { name: 'Who can read here' })).toBeVisible();
  await passesAxe(page, 'settings of a channel');
  for (const part of ['general', 'roles', 'members']) {
    await page.goto(`${space}/settings/${part}`);
    await expect(page.getByRole('main').getByRole('heading').first()).toBeVisible();
    if (part === 'roles') await page.locator('.role > summary').first().click();
    await passesAxe(page, `settings of a space, ${part}`);
  }
  await page.goto(`${space}/settings/roles`);
  await page.getByRole('button', { name: 'New role' }).click();
  await expect(alice.dialog('New role')).toBeVisible();
  await passesAxe(page, 'a new role');
  await page.keyboard.press('Escape');
  await page.goto(room);
  await page.locator('.column-space').click();
  await expect(page.getByRole('menuitem', { name: 'New channel' })).toBeVisible();
  await passesAxe(page, 'the menu of a space');
  await page.getByRole('menuitem', { name: 'New channel' }).click();
  await alice.dialog('New channel').getByRole('radio', { name: /^Private/ }).check();
  await passesAxe(page, 'a new channel');
  await page.keyboard.press('Escape');
  await page.locator('.column-space').click();
  await page.getByRole('menuitem', { name: 'Add people' }).click();
  await alice.dialog(/^Add people/).getByRole('textbox', { name: 'People' }).fill(bob.handle);
  await alice.dialog(/^Add people/).getByRole('button', { name: 'Add', exact: true }).last().click();
  await expect(alice.dialog(/^Add people/)).toBeHidden();
  await bob.page.getByRole('list', { name: 'Spaces' }).getByRole('link', { name: /Harbour Makers/ }).click();
  await bob.page.locator('.channel-row').getByRole('link', { name: 'announcements' }).click();
  await expect(bob.page.getByText('Only those who may speak for this space write here.')).toBeVisible();
  await passesAxe(bob.page, 'a channel to read');
});

test('polls, pins, handing on, invites and people', async ({ signedUp, newPerson }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const { page } = alice;
  await alice.makesGroup('Sunday walk', ['bob']);
  await bob.opensToWrite('Sunday walk');
  await alice.chooses('Add something else', 'Poll');
  const poll = alice.dialog('New poll');
  await poll.getByRole('button', { name: 'Ask' }).click();
  await expect(poll.getByText('A poll needs a question and 2 to 12 answers.')).toBeVisible();
  await passesAxe(page, 'a new poll, with an error');
  await poll.getByLabel('Question').fill('Where?');
  await poll.getByLabel('Answer 1').fill('Sea');
  await poll.getByLabel('Answer 2').fill('Hills');
  await poll.getByRole('button', { name: 'Ask' }).click();
  await expect(poll).toBeHidden();
  await bob.log.getByRole('radio', { name: 'Sea' }).check();
  await expect(alice.log.getByText('1 vote', { exact: true }).first()).toBeVisible();
  await bob.says('at nine, @alice, here');
  await alice.sees('at nine, @alice, here');
  const row = alice.log.locator('[data-message-state]').last();
  const takes = async (entry: string): Promise<void> => {
    await row.hover();
    await row.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: entry, exact: true }).click();
  };
  await takes('Reply');
  await expect(page.getByText(/^Replying to bob/)).toBeVisible();
  await passesAxe(page, 'a poll, a call and an answer that is being written');
  await alice.composer.press('Escape');
  await alice.composer.pressSequentially('@b');
  await expect(page.getByRole('listbox', { name: 'People' })).toBeVisible();
  await passesAxe(page, 'people to call');
  await alice.composer.press('Escape');
  await alice.composer.fill('');
  await alice.composer.pressSequentially('/');
  await expect(page.getByRole('listbox', { name: 'Commands' })).toBeVisible();
  await passesAxe(page, 'typed commands');
  await alice.composer.press('Escape');
  await alice.composer.fill('');
  await takes('Pin');
  await expect(page.getByRole('button', { name: 'Pinned messages, 1' })).toBeVisible();
  await takes('Forward');
  await expect(alice.dialog('Forward')).toBeVisible();
  await passesAxe(page, 'handing on');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Pinned messages, 1' }).click();
  await expect(page.getByRole('complementary', { name: 'Pinned messages' })).toBeVisible();
  await passesAxe(page, 'pinned messages');
  await page.keyboard.press('Escape');
  await takes('Answer in a thread');
  await page.getByRole('textbox', { name: 'Answer' }).fill('there, at nine');
  await page.getByRole('textbox', { name: 'Answer' }).press('Enter');
  await page.getByRole('link', { name: 'All threads' }).click();
  await expect(page.getByRole('list', { name: 'Threads' }).getByRole('link', { name: /1 answer/ })).toBeVisible();
  await passesAxe(page, 'threads');
  await page.keyboard.press('Escape');
  await alice.chooses('More', 'Notifications');
  await expect(alice.dialog('Notifications')).toBeVisible();
  await passesAxe(page, 'how much a conversation may call for');
  await page.keyboard.press('Escape');

  await alice.chooses('More', 'Invite by link');
  const invite = alice.dialog(/^Invite people/);
  await invite.getByRole('button', { name: 'Make a link' }).click();
  await expect(invite.getByRole('img', { name: 'The link as a code' })).toBeVisible();
  await passesAxe(page, 'a link to hand on');
  const link = await invite.getByRole('textbox', { name: 'Link' }).inputValue();
  await invite.locator('.dialog-foot').getByRole('button', { name: 'Close' }).click();
  const guest = await newPerson('guest');
  await guest.page.goto(link.slice(link.indexOf('/#')));
  await expect(guest.page.getByRole('heading', { name: 'Sunday walk' })).toBeVisible();
  await passesAxe(guest.page, 'where a link leads');

  await alice.opensDirectWith('bob');
  await alice.says('only us');
  await alice.hasSentEverything();
  await bob.page.goto('/messages');
  await bob.column.getByRole('list', { name: 'Requests' }).getByRole('link').click();
  await expect(bob.page.getByRole('heading', { name: 'alice wants to talk with you' })).toBeVisible();
  await passesAxe(bob.page, 'a request');
  await bob.page.getByRole('button', { name: 'Accept' }).click();
  await expect(bob.composer).toBeVisible();
  await bob.log.getByRole('button', { name: 'alice', includeHidden: true }).first().click();
  await expect(bob.dialog('Profile')).toBeVisible();
  await passesAxe(bob.page, 'the card of a person');
  await bob.page.keyboard.press('Escape');
  for (const place of ['contacts', 'contacts/blocked']) {
    await bob.page.goto(`/${place}`);
    await expect(bob.page.getByRole('main').getByRole('heading').first()).toBeVisible();
    await passesAxe(bob.page, place);
  }
});

test('dialogs and settings', async ({ signedUp }) => {
  const [alice] = await signedUp('alice', 'bob');
  const { page } = alice;
  await alice.opensDirectWith('bob');
  await alice.chooses('More', 'Safety number');
  await expect(alice.dialog(/^Safety number/)).toBeVisible();
  await passesAxe(page, 'safety number');
  await page.keyboard.press('Escape');
  for (const entry of ['New message', 'New group']) {
    await alice.chooses('New conversation', entry);
    await expect(alice.dialog(entry)).toBeVisible();
    await passesAxe(page, entry);
    await page.keyboard.press('Escape');
  }
  for (const place of ['profile', 'account', 'devices', 'security', 'notifications', 'privacy', 'appearance', 'server']) {
    await page.goto(`/settings/${place}`);
    await expect(page.getByRole('main').getByRole('heading').first()).toBeVisible();
    if (place === 'server') {
      // Everything that opens stands open.
      await expect(page.getByText('Every row, as it is stored')).toBeVisible();
      for (const part of await page.locator('summary').all()) await part.click();
      await expect(page.getByRole('list', { name: 'Rows of users' })).toContainText('handle');
    }
    await passesAxe(page, `settings, ${place}`);
  }
});

test('links, invites, contacts and cards', async ({ signedUp, newPerson }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const { page } = alice;
  await page.goto('/contacts');
  await passesAxe(page, 'no contacts yet');
  await page.goto('/link');
  await expect(page.getByRole('textbox', { name: 'Link' })).toBeVisible();
  await passesAxe(page, 'a link to be pasted');
  await page.goto('/messages');
  await alice.makesGroup('Sunday walk', ['bob']);
  await alice.chooses('More', 'Invite by link');
  const dialog = alice.dialog(/^Invite people/);
  await expect(dialog.getByText('No link is open now.')).toBeVisible();
  await passesAxe(page, 'invite people');
  await dialog.getByRole('checkbox', { name: 'Ask first' }).check();
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  await expect(dialog.getByRole('img', { name: 'The link as a code' })).toBeVisible();
  const link = await dialog.getByRole('textbox', { name: 'Link' }).inputValue();
  await passesAxe(page, 'a link that was made');
  await dialog.locator('.dialog-foot').getByRole('button', { name: 'Close' }).click();
  const cleo = await newPerson('cleo');
  await cleo.page.goto(link.slice(link.indexOf('/#')));
  await expect(cleo.page.getByRole('heading', { name: 'Sunday walk' })).toBeVisible();
  await passesAxe(cleo.page, 'where a link leads, signed out');
  await cleo.page.getByRole('button', { name: 'Create account' }).click();
  await cleo.fillsSignUp();
  await cleo.page.getByRole('button', { name: 'Create account' }).click();
  await expect(cleo.page.getByRole('button', { name: 'Ask to join' })).toBeVisible({ timeout: 20_000 });
  await passesAxe(cleo.page, 'where a link leads, signed in');
  await cleo.page.getByRole('button', { name: 'Ask to join' }).click();
  await expect(cleo.page.getByText('You asked to be let in.')).toBeVisible();
  await passesAxe(cleo.page, 'waiting to be let in');
  await page.getByRole('button', { name: /^Members/ }).click();
  await page.getByRole('button', { name: 'Look' }).click();
  await expect(dialog.getByRole('button', { name: 'Let in' })).toBeVisible();
  await passesAxe(page, 'somebody asks to be let in');
  await page.keyboard.press('Escape');
  await bob.opensDirectWith('alice');
  await bob.says('hello');
  await bob.hasSentEverything();
  await alice.column.getByRole('list', { name: 'Requests' }).getByRole('link').click();
  await expect(page.getByRole('button', { name: 'Accept' })).toBeVisible();
  await passesAxe(page, 'a request');
  await page.goto('/contacts/requests');
  await expect(page.getByRole('main').getByRole('button', { name: 'Look' })).toBeVisible();
  await passesAxe(page, 'requests');
  await page.getByRole('main').getByRole('button', { name: 'Accept' }).click();
  await page.goto('/contacts');
  await page.getByRole('main').getByRole('button', { name: 'bob' }).click();
  await expect(alice.dialog('Profile')).toBeVisible();
  await passesAxe(page, 'the card of a person');
  await page.keyboard.press('Escape');
  await page.goto('/contacts/blocked');
  await passesAxe(page, 'nobody is blocked');
});

/** A space with a template's channels, and who was added to it. */
async function makesSpace(owner: Person, ...others: Person[]): Promise<void> {
  const { page } = owner;
  await page.getByRole('button', { name: 'Create a space' }).click();
  const dialog = owner.dialog('Create a space');
  await dialog.getByLabel('Name', { exact: true }).fill('Harbour Makers');
  await dialog.getByRole('button', { name: 'Create space' }).click();
  await expect(page.getByRole('navigation', { name: 'Channels of Harbour Makers' })).toBeVisible({ timeout: 20_000 });
  await page.locator('.column-space').click();
  await page.getByRole('menuitem', { name: 'Add people' }).click();
  const add = owner.dialog(/^Add people/);
  for (const { handle } of others) {
    await add.getByRole('textbox', { name: 'People' }).fill(handle);
    await add.getByRole('textbox', { name: 'People' }).press('Enter');
    await expect(add.getByRole('list', { name: 'Chosen people' }).getByText(handle, { exact: true })).toBeVisible();
  }
  await add.getByRole('button', { name: 'Add', exact: true }).last().click();
  await expect(add).toBeHidden();
  for (const { page } of others) await page.getByRole('list', { name: 'Spaces' }).getByRole('link', { name: /Harbour Makers/ }).click();
}

async function opensChannel(person: Person, name: string): Promise<void> {
  await person.page.locator('.channel-row').getByRole('link', { name }).click();
  await expect(person.page.getByRole('region', { name }).getByRole('log')).toBeVisible();
}

/** Opens a dialog, looks at it, and closes it again. */
async function dialogPassesAxe({ page }: Person, title: string | RegExp, opens: () => Promise<void>): Promise<void> {
  await opens();
  const dialog = page.getByRole('dialog', { name: title }).or(page.getByRole('alertdialog', { name: title }));
  await expect(dialog).toBeVisible();
  await passesAxe(page, `dialog: ${title}`);
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
}

test('arranging a space', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const { page } = alice;
  await makesSpace(alice, bob);
  const menu = (person: Person, entry: string) => async (): Promise<void> => {
    await person.page.locator('.column-space').click();
    await person.page.getByRole('menuitem', { name: entry }).click();
  };
  const ofChannel = (name: string, entry: string) => async (): Promise<void> => {
    await page.locator('.channel-row').getByRole('link', { name }).focus();
    await page.getByRole('button', { name: `Channel ${name}`, exact: true }).click();
    await page.getByRole('menuitem', { name: entry }).click();
  };
  const ofHeading = (entry: string) => async (): Promise<void> => {
    await page.getByRole('button', { name: 'Heading Talk' }).click();
    await page.getByRole('menuitem', { name: entry }).click();
  };
  await dialogPassesAxe(alice, 'New heading', menu(alice, 'New heading'));
  await dialogPassesAxe(alice, 'Somebody has to own it', menu(alice, 'Leave space'));
  await dialogPassesAxe(bob, 'Leave Harbour Makers?', menu(bob, 'Leave space'));
  await dialogPassesAxe(alice, 'Edit the channel', ofChannel('general', 'Edit name and topic'));
  await dialogPassesAxe(alice, 'Move general', ofChannel('general', 'Move to…'));
  await dialogPassesAxe(alice, 'Rename the heading', ofHeading('Rename heading'));

  await opensChannel(alice, 'stewards');
  await alice.canWriteTo('stewards');
  await alice.says('the key lies under the mat');
  await alice.hasSentEverything();
  await passesAxe(page, 'a private channel');
  await page.getByRole('button', { name: /^Members/ }).click();
  await alice.members.getByRole('button', { name: 'Add people' }).click();
  const add = alice.dialog('Add people to stewards');
  await add.getByRole('checkbox', { name: 'bob' }).check();
  await passesAxe(page, 'people for a private channel');
  await add.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(alice.member('bob')).toBeVisible();
  for (const [entry, title] of [['Take out of this channel', /^Take bob out of stewards/], ['Change role', 'Role of bob'], ['Remove', /^Remove bob/]] as const) {
    await dialogPassesAxe(alice, title, async () => {
      await alice.member('bob').click();
      await page.getByRole('menuitem', { name: entry }).click();
    });
  }
  await opensChannel(alice, 'questions');
  await ofChannel('questions', 'Archive')();
  await expect(page.getByText('This channel is archived.')).toBeVisible();
  await passesAxe(page, 'a channel in the archive');
  await menu(alice, 'Log of changes')();
  await expect(page.getByText('You put #questions into the archive.')).toBeVisible();
  await passesAxe(page, 'the log of changes of a space');
});

test('keeping order', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  const { page } = alice;
  await alice.makesGroup('Sunday walk', ['bob', 'cleo']);
  for (const person of [bob, cleo]) await person.opensToWrite('Sunday walk');
  await bob.says('buy my lamps');
  await alice.sees('buy my lamps');
  await alice.says('please do not');
  await page.getByRole('button', { name: /^Members/ }).click();
  const about = (handle: string, entry: string | RegExp) => async (): Promise<void> => {
    await alice.member(handle).click();
    await page.getByRole('menuitem', { name: entry }).click();
  };
  const ofMessage = (text: string, entry: string) => async (): Promise<void> => {
    await alice.message(text).hover();
    await alice.message(text).getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: entry }).click();
  };
  await dialogPassesAxe(alice, 'Delete what bob wrote?', ofMessage('buy my lamps', 'Delete for everyone'));
  await dialogPassesAxe(alice, 'Delete for everyone?', ofMessage('please do not', 'Delete for everyone'));
  await dialogPassesAxe(alice, /^Remove bob/, about('bob', 'Remove'));
  await dialogPassesAxe(alice, 'Rename the group', async () => alice.chooses('More', 'Rename'));
  await dialogPassesAxe(alice, 'Slow mode', async () => alice.chooses('More', 'Slow mode'));

  await alice.chooses('More', 'Slow mode');
  await alice.dialog('Slow mode').getByRole('radio', { name: '5 seconds', exact: true }).check();
  await alice.dialog('Slow mode').getByRole('button', { name: 'Save' }).click();
  await expect(cleo.page.getByText('Slow mode: one message in 5 seconds.')).toBeVisible();
  await passesAxe(cleo.page, 'a conversation in slow mode');
  await about('bob', /^Time-out/)();
  await alice.dialog('Time-out for bob').getByRole('textbox', { name: /^Reason/ }).fill('take a breath');
  await alice.dialog('Time-out for bob').getByRole('button', { name: 'Start time-out' }).click();
  await expect(bob.page.getByRole('status').filter({ hasText: 'gave you a time-out until' })).toContainText('take a breath');
  await passesAxe(bob.page, 'somebody in a time-out');
  await dialogPassesAxe(alice, 'End the time-out of bob?', about('bob', /^End time-out/));

  await about('cleo', /^Ban/)();
  await alice.dialog(/^Ban cleo/).getByRole('textbox', { name: /^Reason/ }).fill('sells things');
  await alice.dialog(/^Ban cleo/).getByRole('button', { name: 'Ban' }).click();
  await expect(cleo.page.getByText('You are banned from this group.')).toBeVisible();
  await passesAxe(cleo.page, 'somebody who is banned');
  await alice.chooses('More', 'Banned people');
  const banned = alice.dialog('Banned people');
  await expect(banned.getByText('cleo')).toBeVisible();
  await passesAxe(page, 'banned people');
  await banned.getByRole('button', { name: /^Lift the ban/ }).click();
  await expect(alice.dialog('Lift the ban on cleo?')).toBeVisible();
  await passesAxe(page, 'a ban to be lifted');
  await page.keyboard.press('Escape');
  await expect(alice.dialog('Lift the ban on cleo?')).toBeHidden();
  await bob.chooses('More', 'Leave group');
  await expect(bob.dialog('Leave Sunday walk?')).toBeVisible();
  await passesAxe(bob.page, 'leaving a group');
});

test('links that lead nowhere, and the ways out', async ({ signedUp, newPerson }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const { page } = alice;
  const dan = await newPerson('dan');
  dan.expectsTrouble();
  await alice.makesGroup('Sunday walk', []);
  await alice.chooses('More', 'Invite by link');
  const dialog = alice.dialog(/^Invite people/);
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  const made = await dialog.getByRole('textbox', { name: 'Link' }).inputValue();
  const link = made.slice(made.indexOf('/#'));
  await dialog.getByRole('button', { name: 'Take back' }).click();
  await expect(dialog.getByRole('button', { name: 'Keep it' })).toBeFocused();
  await passesAxe(page, 'a link to be taken back');
  await dialog.getByRole('button', { name: 'Take back for good' }).click();
  await expect(dialog.getByText('No link is open now.')).toBeVisible();
  await page.keyboard.press('Escape');
  for (const [to, title] of [
    [link, 'This invite was taken back'],
    [`${link.slice(0, -3)}${link.endsWith('AAA') ? 'QQA' : 'AAA'}`, 'There is no such invite'],
    [link.slice(0, -8), 'This link is damaged'],
  ] as const) {
    await expect(async () => {
      await dan.page.goto('/link');
      await dan.page.goto(to);
      await expect(dan.page.getByRole('heading', { name: title })).toBeVisible({ timeout: 3_000 });
    }).toPass();
    await passesAxe(dan.page, title);
  }
  await dan.page.getByRole('button', { name: 'Forget this link' }).click();
  await expect(dan.page.getByRole('form', { name: 'Sign in' })).toBeVisible();
  await dan.page.goto('/link');
  await expect(dan.page.getByRole('heading', { name: 'No link is open here' })).toBeVisible();
  await passesAxe(dan.page, 'no link');

  await bob.opensDirectWith('alice');
  await bob.says('hello');
  await bob.hasSentEverything();
  await bob.page.goto('/contacts/requests');
  await expect(bob.page.getByRole('main').getByText('has not answered yet')).toBeVisible();
  await passesAxe(bob.page, 'a request of one’s own');
  await alice.column.getByRole('list', { name: 'Requests' }).getByRole('link').click();
  await page.getByRole('button', { name: 'Block' }).click();
  await page.goto('/contacts/blocked');
  await expect(page.getByRole('button', { name: 'Unblock' })).toBeVisible();
  await passesAxe(page, 'blocked people');
  await page.goto('/settings/devices');
  await dialogPassesAxe(alice, 'Sign out of this browser?', async () => {
    await page.getByRole('button', { name: 'Sign out of this browser' }).click();
  });
});

test('votes', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const { page } = alice;
  await alice.makesGroup('Sunday walk', ['bob']);
  await bob.opensToWrite('Sunday walk');
  await alice.chooses('Add something else', 'Poll');
  const poll = alice.dialog('New poll');
  for (const [label, text] of [['Question', 'Where?'], ['Answer 1', 'Sea'], ['Answer 2', 'Hills']] as const) await poll.getByLabel(label).fill(text);
  await poll.getByRole('button', { name: 'Ask' }).click();
  await bob.log.getByRole('radio', { name: 'Sea' }).check();
  await expect(alice.log.getByText('1 vote', { exact: true }).first()).toBeVisible();
  await dialogPassesAxe(alice, 'Who voted', async () => alice.log.getByRole('button', { name: 'Who voted' }).click());
  await dialogPassesAxe(alice, 'End the poll?', async () => {
    await alice.log.getByRole('listitem').filter({ hasText: 'Where?' }).hover();
    await alice.log.getByRole('listitem').filter({ hasText: 'Where?' }).getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'End the poll' }).click();
  });
  await dialogPassesAxe(alice, /^Emoji/, async () => {
    await page.getByRole('form', { name: 'Write a message' }).getByRole('button', { name: 'Emoji' }).click();
    await expect(alice.dialog('Emoji').getByRole('button', { name: 'grinning face', exact: true })).toBeVisible();
  });
});

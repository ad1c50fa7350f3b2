// Spaces, keeping order, contacts and invites, on phones: by the finger alone, on a screen of 390 by 844. Every press measures
// what it meets, and that nothing stands out over the side of the screen (`presses`). Conversations: `phone.spec.ts`.

import type { Locator } from '@playwright/test';

import { PHONE, type Person } from './people.ts';
import { expect, test as stage } from './stage.ts';

interface Phones {
  /** People who have just signed up, each with a phone. */
  onPhones: (...handles: string[]) => Promise<Person[]>;
}

const test = stage.extend<Phones>({
  onPhones: async ({ newPerson }, use) => {
    await use(async (...handles) => Promise.all(handles.map(async (handle) => (await newPerson(handle, PHONE)).signsUp())));
  },
});

const SPACE = 'Harbour Makers';
const WALK = 'Sunday walk';

const column = (who: Person): Locator => who.page.getByRole('navigation', { name: `Channels of ${SPACE}` });
const channel = (who: Person, name: string): Locator => who.page.locator('.channel-row').getByRole('link', { name });
const row = (who: Person, title: string): Locator => who.conversations.getByRole('link').filter({ hasText: title });
const words = (who: Person, text: string): Locator => who.message(text).locator('.message-body');
const changes = (who: Person): Locator => who.page.getByRole('list', { name: 'Changes, the newest first' });

async function createsSpace(who: Person): Promise<void> {
  await who.presses(who.page.getByRole('button', { name: 'Create a space' }));
  const dialog = who.dialog('Create a space');
  await dialog.getByLabel('Name', { exact: true }).fill(SPACE);
  await who.ticks(dialog.getByRole('radio', { name: 'Community' }));
  await who.presses(dialog.getByRole('button', { name: 'Create space' }));
  await expect(dialog).toBeHidden();
  await expect(column(who)).toBeVisible();
}

async function ofSpace(who: Person, entry: string): Promise<void> {
  await who.presses(column(who).getByRole('button', { name: SPACE }));
  await who.presses(who.page.getByRole('menuitem', { name: entry }));
}

async function brings(who: Person, handle: string): Promise<void> {
  await ofSpace(who, 'Add people');
  const dialog = who.dialog(`Add people to ${SPACE}`);
  await dialog.getByRole('textbox', { name: 'People' }).fill(handle);
  await dialog.getByRole('textbox', { name: 'People' }).press('Enter');
  await expect(dialog.getByRole('list', { name: 'Chosen people' }).getByText(handle, { exact: true })).toBeVisible();
  await who.presses(dialog.getByRole('button', { name: 'Add', exact: true }).last());
  await expect(dialog).toBeHidden();
}

/** Rests a finger on a channel, and takes what the sheet offers. */
async function ofChannel(who: Person, name: string, entry: string): Promise<void> {
  const sheet = await who.holds(channel(who, name), who.dialog(name));
  await who.presses(sheet.getByRole('button', { name: entry }));
}

/** Rests a finger on a message, and takes what the sheet offers. */
async function takes(who: Person, text: string, entry: string | RegExp): Promise<void> {
  const sheet = await who.holds(words(who, text));
  await who.presses(sheet.getByRole('button', { name: entry }));
}

async function opensMembers(who: Person): Promise<void> {
  if (!(await who.members.isVisible())) await who.presses(who.page.getByRole('button', { name: /^Members/ }));
  await expect(who.members).toBeVisible();
}

const backToTalk = (who: Person): Promise<void> => who.presses(who.page.getByRole('link', { name: 'Back to the conversation' }));
const backToList = (who: Person): Promise<void> => who.presses(who.page.getByRole('link', { name: 'All messages' }));

/** The dialog about a member. */
async function about(who: Person, handle: string, entry: RegExp, title: string): Promise<Locator> {
  await opensMembers(who);
  await who.presses(who.member(handle));
  await who.presses(who.page.getByRole('menuitem', { name: entry }));
  return who.dialog(title);
}

async function confirms(who: Person, dialog: Locator, press: string): Promise<void> {
  await who.presses(dialog.getByRole('button', { name: press, exact: true }));
  await expect(dialog).toBeHidden();
}

async function walk(owner: Person, ...others: Person[]): Promise<void> {
  await owner.makesGroup(WALK, others.map(({ handle }) => handle));
  await owner.says('all of us');
  for (const person of others) {
    await person.opensToWrite(WALK);
    await person.sees('all of us');
  }
}

test('a space is made and arranged, a private channel holds who was brought in, and a role is given', async ({ onPhones }) => {
  const [alice, bob] = (await onPhones('alice', 'bob')) as [Person, Person];
  await createsSpace(alice);
  await expect(alice.page.locator('.channel-row .channel')).toHaveText(['announcements', 'introductions', 'general', 'questions', 'off-topic', 'stewards']);
  await brings(alice, 'bob');
  await bob.presses(bob.page.getByRole('list', { name: 'Spaces' }).getByRole('link', { name: new RegExp(SPACE) }));
  const names = bob.page.locator('.column-group .channel');
  await expect(names).toHaveText(['announcements', 'introductions', 'general', 'questions', 'off-topic']);

  await ofChannel(alice, 'questions', 'Edit name and topic');
  const edit = alice.dialog('Edit the channel');
  await edit.getByLabel('Name', { exact: true }).fill('ask');
  await confirms(alice, edit, 'Save');
  await expect(names).toHaveText(['announcements', 'introductions', 'general', 'ask', 'off-topic']);
  await ofChannel(alice, 'ask', 'Move down');
  await expect(names).toHaveText(['announcements', 'introductions', 'general', 'off-topic', 'ask']);
  await ofChannel(alice, 'ask', 'Move to…');
  await alice.dialog('Move ask').getByLabel('Heading').selectOption('Start here');
  await confirms(alice, alice.dialog('Move ask'), 'Move');
  await expect(names).toHaveText(['announcements', 'introductions', 'ask', 'general', 'off-topic']);
  await ofChannel(alice, 'off-topic', 'Archive');
  await expect(names).toHaveText(['announcements', 'introductions', 'ask', 'general']);

  await ofSpace(alice, 'New channel');
  const fresh = alice.dialog('New channel');
  await fresh.getByLabel('Name', { exact: true }).fill('surprise');
  await fresh.getByLabel('Topic').fill('What cleo gets');
  await alice.ticks(fresh.getByRole('radio', { name: /^Private/ }));
  await confirms(alice, fresh, 'Create channel');
  await alice.canWriteTo('surprise');
  // The bar of a phone has no room for it.
  await expect(alice.page.locator('.start').getByText('What cleo gets')).toBeVisible();
  await alice.says('a boat for cleo');
  await expect(names).toHaveText(['announcements', 'introductions', 'ask', 'general']);
  await opensMembers(alice);
  await alice.presses(alice.members.getByRole('button', { name: 'Add people' }));
  const add = alice.dialog('Add people to surprise');
  await alice.ticks(add.getByRole('checkbox', { name: 'bob' }));
  await confirms(alice, add, 'Add');
  await bob.presses(channel(bob, 'surprise'));
  await bob.canWriteTo('surprise');
  await bob.sees('a boat for cleo');
  await bob.presses(bob.page.getByRole('link', { name: 'All channels' }));

  await backToTalk(alice);
  await alice.presses(alice.page.getByRole('link', { name: 'All channels' }));
  await ofSpace(alice, 'Space settings');
  await alice.presses(alice.page.getByRole('link', { name: 'Back to the space' }));
  await ofSpace(alice, 'Space settings');
  await alice.presses(alice.page.getByRole('link', { name: 'Roles' }));
  await alice.presses(alice.page.getByRole('button', { name: 'New role' }));
  const role = alice.dialog('New role');
  await role.getByLabel('Name', { exact: true }).fill('Librarian');
  await role.getByLabel('Rank', { exact: true }).fill('40');
  await alice.ticks(role.getByRole('checkbox', { name: 'Make and arrange channels' }));
  await confirms(alice, role, 'Create role');
  await expect(alice.page.getByRole('list', { name: 'Roles' }).getByText('Librarian', { exact: true })).toBeVisible();
  await alice.page.goto(alice.page.url().replace(/roles$/, 'members'));
  await alice.presses(alice.page.getByRole('button', { name: /^bob( |$)/ }));
  await alice.presses(alice.page.getByRole('menuitem', { name: 'Change role' }));
  const give = alice.dialog('Role of bob');
  await alice.ticks(give.getByRole('radio', { name: 'Librarian' }));
  await confirms(alice, give, 'Change role');
  // What she gave him, he does.
  await ofSpace(bob, 'New channel');
  await bob.dialog('New channel').getByLabel('Name', { exact: true }).fill('books');
  await confirms(bob, bob.dialog('New channel'), 'Create channel');
  await bob.canWriteTo('books');
});

test('order is kept: a time-out, slow mode, a report, a removal, a ban and its end, and the log of it all', async ({ onPhones }) => {
  test.slow();
  const [alice, bob, cleo] = (await onPhones('alice', 'bob', 'cleo')) as [Person, Person, Person];
  await walk(alice, bob, cleo);

  let dialog = await about(alice, 'bob', /^Time-out/, 'Time-out for bob');
  await alice.ticks(dialog.getByRole('radio', { name: '10 minutes' }));
  await dialog.getByRole('textbox', { name: /^Reason/ }).fill('take a breath');
  await confirms(alice, dialog, 'Start time-out');
  await expect(bob.page.getByRole('status').filter({ hasText: 'gave you a time-out until' })).toContainText('take a breath');
  await expect(bob.composer).toHaveCount(0);
  await bob.fits();
  await confirms(alice, await about(alice, 'bob', /^End time-out/, 'End the time-out of bob?'), 'End time-out');
  await bob.canWriteTo(WALK);
  await backToTalk(alice);

  const slow = async (how: string): Promise<void> => {
    await alice.chooses('More', 'Slow mode');
    await alice.ticks(alice.dialog('Slow mode').getByRole('radio', { name: how, exact: true }));
    await confirms(alice, alice.dialog('Slow mode'), 'Save');
  };
  await slow('1 hour');
  await expect(bob.page.getByText('Slow mode: one message in an hour.')).toBeVisible();
  await bob.says('you are all fools');
  await cleo.sees('you are all fools');
  await bob.says('and so is the dog');
  await expect(bob.message('and so is the dog')).toHaveAttribute('data-message-state', 'pending');
  await slow('Off');
  await cleo.sees('and so is the dog');

  // One phone reports, the other acts on it.
  await takes(cleo, 'you are all fools', /^Report/);
  await cleo.dialog('Report messages').getByRole('textbox', { name: /^What is wrong/ }).fill('not how we talk');
  await confirms(cleo, cleo.dialog('Report messages'), 'Send report');
  await alice.presses(alice.page.getByRole('link', { name: 'Reports, 1' }));
  const report = alice.page.getByRole('list', { name: 'Reports, the oldest first' }).getByRole('listitem').first();
  await expect(report).toContainText('not how we talk');
  await alice.presses(report.getByRole('button', { name: /^Delete/ }));
  await confirms(alice, alice.dialog('Delete what bob wrote?'), 'Delete');
  await cleo.seesNot('you are all fools');
  await alice.presses(report.getByRole('button', { name: 'Done with it' }));
  await expect(alice.page.getByText('Nothing to go through')).toBeVisible();
  await backToTalk(alice);

  await alice.removes('cleo');
  await expect(cleo.page.getByText('You were removed from this group.')).toBeVisible();
  dialog = await about(alice, 'bob', /^Ban/, `Ban bob from ${WALK}?`);
  await dialog.getByRole('textbox', { name: /^Reason/ }).fill('sells things');
  await confirms(alice, dialog, 'Ban');
  await expect(bob.page.getByText('You are banned from this group.')).toBeVisible();
  await backToTalk(alice);
  await alice.chooses('More', 'Banned people');
  await alice.presses(alice.dialog('Banned people').getByRole('button', { name: /^Lift the ban/ }));
  await confirms(alice, alice.dialog('Lift the ban on bob?'), 'Lift the ban');
  await alice.addsPeople(['bob']);
  await bob.canWriteTo(WALK);

  await bob.chooses('More', 'Log of changes');
  for (const said of [
    'alice turned slow mode on: one message in an hour.', 'alice deleted a message by you.', 'alice removed cleo.',
    'alice removed and banned you.', 'sells things', 'take a breath',
  ]) {
    await expect(changes(bob)).toContainText(said);
  }
  await bob.fits();
});

test('a request is cancelled, declined and taken up again; a contact is blocked, unblocked and removed', async ({ onPhones }) => {
  const [alice, bob] = (await onPhones('alice', 'bob')) as [Person, Person];
  const requests = bob.column.getByRole('list', { name: 'Requests' });
  const contacts = async (who: Person, tab: string): Promise<Locator> => {
    await who.page.goto('/contacts');
    await who.presses(who.page.getByRole('navigation', { name: 'Contacts' }).getByRole('link', { name: tab }));
    return who.page.getByRole('main');
  };
  await alice.opensDirectWith('bob');
  await alice.says('sent by mistake');
  await expect(requests.getByRole('link')).toContainText('sent by mistake');
  await alice.hasSentEverything();
  await alice.presses((await contacts(alice, 'Requests')).getByRole('button', { name: 'Cancel' }));
  await expect(alice.page.getByText('No requests')).toBeVisible();
  await expect(requests).toHaveCount(0);
  await alice.page.goto('/messages');
  await alice.opensDirectWith('bob');
  await alice.says('may I?');
  await bob.presses(requests.getByRole('link'));
  await bob.sees('may I?');
  await bob.presses(bob.page.getByRole('button', { name: 'Decline' }));
  await expect(requests).toHaveCount(0);
  await bob.presses((await contacts(bob, 'Blocked')).getByRole('button', { name: 'Let them ask again' }));
  await expect(bob.page.getByText('Nobody is blocked')).toBeVisible();
  const request = (await contacts(bob, 'Requests')).getByRole('listitem').filter({ hasText: 'may I?' });
  await bob.presses(request.getByRole('button', { name: 'Accept' }));
  await expect(request).toHaveCount(0);

  const card = async (): Promise<Locator> => {
    await bob.presses((await contacts(bob, 'People')).getByRole('button', { name: 'alice' }));
    await expect(bob.dialog('Profile').getByText('One of your contacts')).toBeVisible();
    return bob.dialog('Profile');
  };
  await bob.presses((await card()).getByRole('button', { name: 'Block' }));
  await expect(bob.dialog('Profile').getByText('Blocked: nothing of them is shown')).toBeVisible();
  await bob.presses(bob.dialog('Profile').getByRole('button', { name: 'Close' }));
  await alice.says('are you there?');
  await alice.hasSentEverything();
  await bob.presses((await contacts(bob, 'Blocked')).getByRole('button', { name: 'Unblock' }));
  await expect(bob.page.getByText('Nobody is blocked')).toBeVisible();
  await bob.page.goto('/messages');
  await bob.presses(requests.getByRole('link'));
  await bob.sees('are you there?');
  await bob.presses(bob.page.getByRole('button', { name: 'Accept', exact: true }));
  await expect(bob.composer).toBeVisible();
  await bob.presses((await card()).getByRole('button', { name: 'Remove contact' }));
  await expect(bob.dialog('Profile').getByText('One of your contacts')).toHaveCount(0);
  await bob.presses(bob.dialog('Profile').getByRole('button', { name: 'Close' }));
  await expect(bob.page.getByText('Nobody yet')).toBeVisible();
});

test('an invite that is damaged, taken back or asks first says so, and lets in whom it should', async ({ onPhones }) => {
  const [alice, bob, cleo] = (await onPhones('alice', 'bob', 'cleo')) as [Person, Person, Person];
  await alice.makesGroup(WALK, []);
  const desk = alice.dialog(/^Invite people/);
  const makesLink = async (asks: boolean): Promise<string> => {
    await alice.chooses('More', 'Invite by link');
    if (asks) await alice.ticks(desk.getByRole('checkbox', { name: 'Ask first' }));
    await alice.presses(desk.getByRole('button', { name: 'Make a link' }));
    const link = await desk.getByRole('textbox', { name: 'Link' }).inputValue();
    await alice.presses(desk.locator('.dialog-foot').getByRole('button', { name: 'Close' }));
    await expect(desk).toBeHidden();
    return link.slice(link.indexOf('/#'));
  };
  const revoked = await makesLink(false);
  await alice.chooses('More', 'Invite by link');
  await alice.presses(desk.getByRole('button', { name: 'Take back' }));
  await alice.presses(desk.getByRole('button', { name: 'Take back for good' }));
  await expect(desk.getByText('Made by you')).toHaveCount(0);
  await alice.presses(desk.locator('.dialog-foot').getByRole('button', { name: 'Close' }));
  const link = await makesLink(true);
  bob.expectsTrouble();
  for (const [wrong, title] of [[revoked.slice(0, -8), 'This link is damaged'], [revoked, 'This invite was taken back']] as const) {
    await bob.page.goto(wrong);
    await expect(bob.page.getByRole('heading', { name: title })).toBeVisible();
    await bob.presses(bob.page.getByRole('button', { name: 'Forget this link' }));
    await expect(bob.page.getByRole('heading', { name: title })).toHaveCount(0);
  }
  for (const person of [bob, cleo]) {
    await person.page.goto(link);
    await person.presses(person.page.getByRole('button', { name: 'Ask to join' }));
    await expect(person.page.getByText('You asked to be let in.')).toBeVisible();
  }
  await opensMembers(alice);
  await expect(alice.members.getByText('2 people ask to be let in.')).toBeVisible();
  await alice.presses(alice.members.getByRole('button', { name: 'Look' }));
  for (const [handle, press] of [['bob', 'Let in'], ['cleo', 'Send away']] as const) {
    const asked = desk.getByRole('listitem').filter({ hasText: handle });
    await alice.presses(asked.getByRole('button', { name: press }));
    await expect(asked).toBeHidden();
  }
  await bob.canWriteTo(WALK);
  await expect(cleo.page.getByRole('heading', { name: `${WALK} did not let you in` })).toBeVisible();
});

test('a conversation is quiet, goes to a day, gives the link of a message, and is unread again', async ({ onPhones }) => {
  const [alice, bob] = (await onPhones('alice', 'bob')) as [Person, Person];
  await walk(alice, bob);
  await backToList(bob);
  await alice.says('to be told');
  await expect(row(bob, WALK).locator('.talk-dot')).toBeVisible();
  await bob.opens(WALK);
  await bob.chooses('More', 'Notifications');
  const dialog = bob.dialog('Notifications');
  await bob.ticks(dialog.getByRole('radio', { name: 'Mentions' }));
  await bob.presses(dialog.getByRole('button', { name: '8 hours' }));
  await expect(dialog.getByText(/^Muted until /)).toBeVisible();
  await confirms(bob, dialog, 'Done');
  await backToList(bob);
  await alice.says('psst, @bob, are you there?');
  await expect(row(bob, WALK)).toContainText('psst, @bob, are you there?');
  await expect(row(bob, WALK).locator('.badge')).toHaveClass(/badge-quiet/);
  await expect(bob.page).not.toHaveTitle(/^\(/);

  await alice.says(Array.from({ length: 40 }, (_, at) => `line ${at}`).join('\n'));
  await alice.says('the end');
  await bob.opens(WALK);
  await bob.sees('the end');
  await bob.chooses('More', 'Go to a date');
  await bob.dialog('Go to a date').getByLabel('Day').fill('2024-02-29');
  await confirms(bob, bob.dialog('Go to a date'), 'Go there');
  await expect(bob.message('all of us')).toBeInViewport();

  await bob.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await takes(bob, 'all of us', 'Copy link');
  await expect(bob.page.getByText('Link copied')).toBeVisible();
  const link = await bob.page.evaluate(() => navigator.clipboard.readText());
  await expect(alice.message('all of us')).not.toBeInViewport();
  await alice.page.goto(`/${link.slice(link.indexOf('#'))}`);
  await expect(alice.message('all of us')).toBeInViewport();

  await takes(bob, 'psst, @bob, are you there?', 'Mark unread from here');
  await backToList(bob);
  await expect(row(bob, WALK)).toContainText('3 unread');
  await bob.opens(WALK);
  await backToList(bob);
  await expect(row(bob, WALK)).not.toContainText('unread');
});

// Spaces: channels for many people, with roles. Two people at two browsers; wide, and on a phone by touch.

import type { Locator } from '@playwright/test';

import { PHONE, type Person } from './people.ts';
import { expect, test } from './stage.ts';

const column = (who: Person, space: string): Locator => who.page.getByRole('navigation', { name: `Channels of ${space}` });
const rail = (who: Person): Locator => who.page.getByRole('list', { name: 'Spaces' });
const channel = (who: Person, name: string): Locator => who.page.locator('.channel-row').getByRole('link', { name });

async function createsSpace(who: Person, name: string, template: string): Promise<void> {
  await who.page.getByRole('button', { name: 'Create a space' }).click();
  const dialog = who.dialog('Create a space');
  await dialog.getByLabel('Name', { exact: true }).fill(name);
  await dialog.getByRole('radio', { name: template }).check();
  await dialog.getByRole('button', { name: 'Create space' }).click();
  await expect(dialog).toBeHidden({ timeout: 20_000 });
  await expect(column(who, name)).toBeVisible();
}

async function addsToSpace(who: Person, space: string, handles: string[]): Promise<void> {
  await column(who, space).getByRole('button', { name: space }).click();
  await who.page.getByRole('menuitem', { name: 'Add people' }).click();
  const dialog = who.dialog(`Add people to ${space}`);
  for (const handle of handles) {
    await dialog.getByRole('textbox', { name: 'People' }).fill(handle);
    await dialog.getByRole('textbox', { name: 'People' }).press('Enter');
    await expect(dialog.getByRole('list', { name: 'Chosen people' }).getByText(handle, { exact: true })).toBeVisible();
  }
  await dialog.getByRole('button', { name: 'Add', exact: true }).last().click();
  await expect(dialog).toBeHidden();
}

async function opensChannel(who: Person, name: string): Promise<void> {
  await channel(who, name).click();
  await expect(who.page.getByRole('region', { name }).getByRole('log')).toBeVisible();
}

async function channelMenu(who: Person, name: string, entry: string): Promise<void> {
  await channel(who, name).focus();
  await who.page.getByRole('button', { name: `Channel ${name}`, exact: true }).click();
  await who.page.getByRole('menuitem', { name: entry }).click();
}

test('a space from a template: everybody reads, some write, and a private channel stays private', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await createsSpace(alice, 'Harbour Makers', 'Community');
  // What was shown before is what there is.
  await expect(column(alice, 'Harbour Makers').getByRole('heading', { level: 3 })).toHaveText(['Start here', 'Talk', 'Stewards']);
  await expect(alice.page.locator('.channel-row .channel')).toHaveText([
    'announcements', 'introductions', 'general', 'questions', 'off-topic', 'stewards',
  ]);

  await addsToSpace(alice, 'Harbour Makers', ['bob']);
  await rail(bob).getByRole('link', { name: /Harbour Makers/ }).click();
  await expect(channel(bob, 'general')).toBeVisible();
  await expect(channel(bob, 'stewards')).toHaveCount(0);

  await opensChannel(alice, 'general');
  await alice.says('welcome, all');
  await opensChannel(bob, 'general');
  await bob.sees('welcome, all');
  await bob.says('glad to be here');
  await alice.sees('glad to be here');

  await opensChannel(alice, 'announcements');
  await alice.says('we open at six');
  await expect(channel(bob, 'announcements')).toContainText('1 unread');
  await opensChannel(bob, 'announcements');
  await bob.sees('we open at six');
  await expect(bob.page.getByText('Only those who may speak for this space write here.')).toBeVisible();
  await expect(bob.composer).toHaveCount(0);

  // Into the private channel, and what was written before.
  await opensChannel(alice, 'stewards');
  await alice.says('the key lies under the mat');
  await alice.page.getByRole('button', { name: /^Members/ }).click();
  const panel = alice.page.getByRole('complementary', { name: 'Members' });
  await panel.getByRole('button', { name: 'Add people' }).click();
  const dialog = alice.dialog('Add people to stewards');
  await dialog.getByRole('checkbox', { name: 'bob' }).check();
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(alice.member('bob')).toBeVisible();
  await opensChannel(bob, 'stewards');
  await bob.canWriteTo('stewards');
  await bob.says('and the rota is on the wall');
  await alice.sees('and the rota is on the wall');

  // Out again.
  await alice.member('bob').click();
  await alice.page.getByRole('menuitem', { name: 'Take out of this channel' }).click();
  await alice.dialog(/^Take bob out of stewards/).getByRole('button', { name: 'Take out' }).click();
  await expect(alice.member('bob')).toHaveCount(0);
  // Nor is he offered to be called here.
  await alice.composer.pressSequentially('@e');
  await expect(alice.page.getByRole('listbox', { name: 'People' })).toBeVisible();
  await alice.composer.fill('@bo');
  await expect(alice.page.getByRole('listbox', { name: 'People' })).toHaveCount(0);
  await alice.says('just me again');
  await expect(channel(bob, 'stewards')).toHaveCount(0);
  await bob.seesNot('just me again');
});

const TEMPLATES = [
  {
    template: 'Community',
    headings: ['Start here', 'Talk', 'Stewards'],
    channels: ['announcements', 'introductions', 'general', 'questions', 'off-topic', 'stewards'],
    roles: ['Steward', 'Helper'],
  },
  {
    template: 'Team',
    headings: ['Work', 'Besides'],
    channels: ['announcements', 'general', 'planning', 'help', 'leads', 'coffee'],
    roles: ['Lead'],
  },
  {
    template: 'Class',
    headings: ['Class', 'Among us', 'Staff'],
    channels: ['announcements', 'material', 'questions', 'study-group', 'general', 'staff'],
    roles: ['Teacher', 'Assistant'],
  },
];

test('every template is made as it was shown, with its headings, channels and roles', async ({ signedUp }) => {
  const [alice] = await signedUp('alice');
  const { page } = alice;
  for (const { template, headings, channels, roles } of TEMPLATES) {
    await createsSpace(alice, `Our ${template}`, template);
    await expect(column(alice, `Our ${template}`).getByRole('heading', { level: 3 })).toHaveText(headings);
    await expect(page.locator('.channel-row .channel')).toHaveText(channels);
    // One may write in each: its key is there, also in what is private or for news.
    for (const name of [channels[0], channels.at(-1)] as string[]) {
      await opensChannel(alice, name);
      await alice.canWriteTo(name);
    }
    await column(alice, `Our ${template}`).getByRole('button', { name: `Our ${template}` }).click();
    await page.getByRole('menuitem', { name: 'Space settings' }).click();
    await page.getByRole('link', { name: 'Roles' }).click();
    const names = page.getByRole('list', { name: 'Roles' }).locator('.role > summary .row-title');
    await expect(names.filter({ hasNotText: /^(Owner|Moderator|Member)$/ })).toHaveText(roles);
    // What it may do is told when it is opened.
    await names.getByText(roles[0] ?? '', { exact: true }).click();
    await expect(page.getByRole('listitem').filter({ hasText: /^May: Make and arrange channels$/, visible: true })).toHaveCount(1);
    await page.getByRole('link', { name: 'Back to the space' }).click();
    await expect(column(alice, `Our ${template}`)).toBeVisible();
  }
});

test('whoever may not arrange a space sees nothing of it; a role that allows it is made and given', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await createsSpace(alice, 'Thursday Choir', 'Empty');
  await addsToSpace(alice, 'Thursday Choir', ['bob']);
  await rail(bob).getByRole('link', { name: /Thursday Choir/ }).click();
  const menu = column(bob, 'Thursday Choir').getByRole('button', { name: 'Thursday Choir' });
  await menu.click();
  await expect(bob.page.getByRole('menuitem')).toHaveText(['Add people', 'Invite by link', 'Members', 'Notifications…', 'Log of changes', 'Space settings', 'Leave space']);
  await bob.page.keyboard.press('Escape');
  await expect(bob.page.getByRole('menuitem')).toHaveCount(0);
  await channel(bob, 'general').focus();
  await bob.page.getByRole('button', { name: 'Channel general', exact: true }).click();
  await expect(bob.page.getByRole('menuitem')).toHaveText(['Channel settings', 'Notifications…']);
  await bob.page.keyboard.press('Escape');

  await column(alice, 'Thursday Choir').getByRole('button', { name: 'Thursday Choir' }).click();
  await alice.page.getByRole('menuitem', { name: 'Space settings' }).click();
  await alice.page.getByRole('link', { name: 'Roles' }).click();
  await alice.page.getByRole('button', { name: 'New role' }).click();
  const dialog = alice.dialog('New role');
  await dialog.getByLabel('Name', { exact: true }).fill('Librarian');
  await dialog.getByLabel('Rank', { exact: true }).fill('40');
  await dialog.getByRole('checkbox', { name: 'Make and arrange channels' }).check();
  await dialog.getByRole('button', { name: 'Create role' }).click();
  await expect(dialog).toBeHidden();
  const roles = alice.page.getByRole('list', { name: 'Roles' });
  await expect(roles.locator('.role > summary .row-title')).toHaveText(['Owner', 'Moderator', 'Librarian', 'Member']);

  await alice.page.getByRole('link', { name: 'Members' }).click();
  await alice.page.getByRole('button', { name: /^bob( |$)/ }).click();
  await alice.page.getByRole('menuitem', { name: 'Change role' }).click();
  const give = alice.dialog('Role of bob');
  await give.getByRole('radio', { name: 'Librarian' }).check();
  await give.getByRole('button', { name: 'Change role' }).click();
  await expect(give).toBeHidden();
  await expect(alice.page.getByRole('region', { name: /^Librarian/ }).getByRole('button', { name: /^bob( |$)/ })).toBeVisible();

  // Now bob may, at once.
  await menu.click();
  await expect(bob.page.getByRole('menuitem', { name: 'New channel' })).toBeVisible();
  await bob.page.getByRole('menuitem', { name: 'New channel' }).click();
  const fresh = bob.dialog('New channel');
  await fresh.getByLabel('Name', { exact: true }).fill('sheet-music');
  await fresh.getByLabel('Topic').fill('Scans and links');
  await fresh.getByRole('button', { name: 'Create channel' }).click();
  await bob.canWriteTo('sheet-music');
  await bob.says('the motet, second page');
  await alice.page.getByRole('link', { name: 'Back to the space' }).click();
  await opensChannel(alice, 'sheet-music');
  await alice.sees('the motet, second page');
  // In the bar, and whole where the channel begins.
  for (const place of ['.bar', '.start']) await expect(alice.page.locator(place).getByText('Scans and links')).toBeVisible();

  // A role that somebody has stays.
  await alice.page.goto(alice.page.url().replace(/\/[^/]+$/, '/settings/roles'));
  await roles.getByRole('button', { name: 'Remove Librarian' }).click();
  alice.expectsTrouble();
  await alice.dialog(/^Remove the role Librarian/).getByRole('button', { name: 'Remove role' }).click();
  await expect(alice.page.getByText('Somebody has this role')).toBeVisible();
});

test('channels are renamed, moved, archived and taken out again, by keys and by hand', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await createsSpace(alice, 'Year 9', 'Team');
  await addsToSpace(alice, 'Year 9', ['bob']);
  await rail(bob).getByRole('link', { name: /Year 9/ }).click();
  const names = bob.page.locator('.column-group .channel');
  await expect(names).toHaveText(['announcements', 'general', 'planning', 'help', 'coffee']);

  await channelMenu(alice, 'help', 'Edit name and topic');
  const edit = alice.dialog('Edit the channel');
  await edit.getByLabel('Name', { exact: true }).fill('ask-anything');
  await edit.getByRole('button', { name: 'Save' }).click();
  await expect(edit).toBeHidden();
  await expect(names).toHaveText(['announcements', 'general', 'planning', 'ask-anything', 'coffee']);

  await channelMenu(alice, 'ask-anything', 'Move up');
  await expect(names).toHaveText(['announcements', 'general', 'ask-anything', 'planning', 'coffee']);
  await channelMenu(alice, 'ask-anything', 'Move to…');
  const where = alice.dialog('Move ask-anything');
  // To where it is: it keeps its place.
  await where.getByRole('button', { name: 'Move' }).click();
  await expect(where).toBeHidden();
  await expect(names).toHaveText(['announcements', 'general', 'ask-anything', 'planning', 'coffee']);
  await channelMenu(alice, 'ask-anything', 'Move to…');
  await where.getByLabel('Heading').selectOption('Besides');
  await where.getByRole('button', { name: 'Move' }).click();
  await expect(names).toHaveText(['announcements', 'general', 'planning', 'coffee', 'ask-anything']);

  // By hand.
  await channel(alice, 'ask-anything').locator('..').dragTo(channel(alice, 'planning').locator('..'));
  await expect(names).toHaveText(['announcements', 'general', 'ask-anything', 'planning', 'coffee']);

  await alice.page.getByRole('button', { name: 'Heading Besides' }).click();
  await alice.page.getByRole('menuitem', { name: 'Move up' }).click();
  await expect(column(bob, 'Year 9').getByRole('heading', { level: 3 })).toHaveText(['Besides', 'Work']);

  // Folded here, and still so after a reload; what is new shows all the same.
  await bob.page.getByRole('button', { name: 'Work', exact: true }).click();
  await expect(channel(bob, 'planning')).toHaveCount(0);
  await bob.reloads();
  await expect(channel(bob, 'coffee')).toBeVisible();
  await expect(channel(bob, 'planning')).toHaveCount(0);
  await opensChannel(alice, 'planning');
  await alice.says('Monday then');
  await expect(channel(bob, 'planning')).toContainText('1 unread');

  await channelMenu(alice, 'planning', 'Archive');
  await expect(alice.page.getByText('This channel is archived.')).toBeVisible();
  await expect(alice.composer).toHaveCount(0);
  await column(bob, 'Year 9').getByText('Archived channels').click();
  await channel(bob, 'planning').click();
  await bob.sees('Monday then');
  await expect(bob.page.getByText('This channel is archived.')).toBeVisible();
  await alice.page.getByRole('button', { name: 'Take out of the archive' }).click();
  await bob.canWriteTo('planning');

  // One channel is named in another, and the name leads there.
  await alice.composer.pressSequentially('more in #gen');
  await expect(alice.page.getByRole('option', { name: 'general' })).toBeVisible();
  await alice.composer.press('Enter');
  await alice.composer.press('Enter');
  await bob.log.getByRole('link', { name: '#general' }).click();
  await expect(bob.page.getByRole('region', { name: 'general' }).getByRole('log')).toBeVisible();

  // Headings come, are called something else, and go; their channels stay.
  const headings = column(alice, 'Year 9').getByRole('heading', { level: 3 });
  await column(alice, 'Year 9').getByRole('button', { name: 'Year 9' }).click();
  await alice.page.getByRole('menuitem', { name: 'New heading' }).click();
  await alice.dialog('New heading').getByLabel('Name', { exact: true }).fill('Later');
  await alice.dialog('New heading').getByRole('button', { name: 'Add heading' }).click();
  await expect(headings).toHaveText(['Besides', 'Work', 'Later']);
  await alice.page.getByRole('button', { name: 'Heading Work' }).click();
  await alice.page.getByRole('menuitem', { name: 'Rename heading' }).click();
  await alice.dialog('Rename the heading').getByLabel('Name', { exact: true }).fill('Every day');
  await alice.dialog('Rename the heading').getByRole('button', { name: 'Rename' }).click();
  await alice.page.getByRole('button', { name: 'Heading Besides' }).click();
  await alice.page.getByRole('menuitem', { name: 'Remove heading' }).click();
  await expect(headings).toHaveText(['Every day', 'Later']);
  await expect(column(bob, 'Year 9').getByRole('heading', { level: 3 }).first()).toHaveText('Every day');
  await expect(channel(bob, 'coffee')).toBeVisible();

  // Whoever owns it alone cannot just go.
  await column(alice, 'Year 9').getByRole('button', { name: 'Year 9' }).click();
  await alice.page.getByRole('menuitem', { name: 'Leave space' }).click();
  await expect(alice.dialog('Somebody has to own it')).toContainText('You are the only owner');
  await alice.page.keyboard.press('Escape');
  await column(bob, 'Year 9').getByRole('button', { name: 'Year 9' }).click();
  await bob.page.getByRole('menuitem', { name: 'Leave space' }).click();
  await bob.dialog('Leave Year 9?').getByRole('button', { name: 'Leave space' }).click();
  await expect(rail(bob).getByRole('link', { name: /Year 9/ })).toHaveCount(0);
  await opensChannel(alice, 'general');
  await expect(alice.log.getByText('bob left')).toBeVisible();
});

test('every view of a space has an address that survives a reload, and the switcher knows its channels', async ({ signedUp }) => {
  const [alice] = await signedUp('alice');
  const { page } = alice;
  await createsSpace(alice, 'Harbour Makers', 'Community');
  await opensChannel(alice, 'questions');
  await page.getByRole('button', { name: /^Members/ }).click();
  await expect(page).toHaveURL(/\/space\/[\w-]{43}\/[\w-]{22}\/members$/);
  await alice.reloads();
  await expect(page.getByRole('complementary', { name: 'Members' })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'questions', level: 1 })).toBeVisible();
  await expect(rail(alice).getByRole('link', { name: /Harbour Makers/ })).toHaveAttribute('aria-current', 'true');

  const room = page.url().replace(/\/members$/, '');
  await page.goto(`${room}/settings`);
  await expect(page.getByRole('heading', { name: 'questions', level: 1 })).toBeVisible();
  await page.getByRole('button', { name: 'Edit name and topic' }).click();
  await alice.dialog('Edit the channel').getByLabel('Name', { exact: true }).fill('ask');
  await alice.dialog('Edit the channel').getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('heading', { name: 'ask', level: 1 })).toBeVisible();
  const space = room.replace(/\/[^/]+$/, '');
  await page.goto(`${space}/settings/general`);
  await page.getByLabel('Name', { exact: true }).fill('Harbour and Hills');
  await page.getByRole('button', { name: 'Save the name' }).click();
  await expect(page.getByRole('navigation', { name: 'Space settings' }).getByText('Harbour and Hills')).toBeVisible();
  await alice.reloads();
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Harbour and Hills');

  // From the messages back into the space: the channel that was open last.
  await page.goto('/messages');
  await alice.isIn();
  await page.keyboard.press('Control+k');
  await page.keyboard.type('intro');
  await expect(alice.dialog('Jump to').getByRole('option').first()).toContainText('Harbour and Hills');
  await page.keyboard.press('Enter');
  await alice.canWriteTo('introductions');
  await page.keyboard.press('Alt+ArrowDown');
  await alice.canWriteTo('general');
  await page.getByRole('link', { name: 'Messages', exact: true }).click();
  await rail(alice).getByRole('link', { name: /Harbour and Hills/ }).click();
  await alice.canWriteTo('general');
});

test('on a phone: the strip of spaces, the list, the channel, its members, by touch', async ({ newPerson, signedUp }) => {
  const [alice] = await signedUp('alice');
  const bob = await newPerson('bob', PHONE);
  await bob.fillsSignUp();
  await bob.page.getByRole('button', { name: 'Create account' }).tap();
  await expect(bob.page.getByRole('button', { name: 'Create a space' })).toBeVisible({ timeout: 20_000 });
  await createsSpace(alice, 'Harbour Makers', 'Community');
  await addsToSpace(alice, 'Harbour Makers', ['bob']);
  await rail(bob).getByRole('link', { name: /Harbour Makers/ }).tap();
  await expect(bob.page).toHaveURL(/\/space\/[\w-]{43}$/);
  await channel(bob, 'general').tap();
  await bob.canWriteTo('general');
  await bob.composer.fill('from the bus');
  await bob.page.getByRole('button', { name: 'Send' }).tap();
  await opensChannel(alice, 'general');
  await alice.sees('from the bus');
  await bob.page.getByRole('link', { name: /^Members|Members/ }).or(bob.page.getByRole('button', { name: /^Members/ })).first().tap();
  await expect(bob.member('alice')).toBeVisible();
  await bob.reloads();
  await expect(bob.page.getByRole('complementary', { name: 'Members' })).toBeVisible();
  await bob.page.getByRole('link', { name: 'Back to the conversation' }).tap();
  await bob.page.getByRole('link', { name: 'All channels' }).tap();
  await expect(channel(bob, 'general')).toBeVisible();
  // Whoever is no arranger can still see what a channel is.
  await channel(bob, 'general').tap();
  await bob.page.getByRole('button', { name: 'More', exact: true }).first().tap();
  await bob.page.getByRole('menuitem', { name: 'Channel settings' }).tap();
  await expect(bob.page.getByText('Everybody in this space reads and writes.')).toBeVisible();
  await bob.page.getByRole('link', { name: 'Back to the channel' }).tap();
  await bob.page.getByRole('link', { name: 'All channels' }).tap();
  // A finger that rests on a channel gets the same as a sheet.
  await bob.holds(channel(bob, 'general'), bob.dialog('general'));
  await expect(bob.dialog('general').locator('.menu-item')).toHaveText(['Channel settings', 'Notifications…']);
  await bob.dialog('general').getByRole('button', { name: 'Channel settings' }).tap();
  await expect(bob.page.getByText('Everybody in this space reads and writes.')).toBeVisible();
  await bob.fits();
  await bob.page.getByRole('link', { name: 'Back to the channel' }).tap();
  await bob.canWriteTo('general');
});

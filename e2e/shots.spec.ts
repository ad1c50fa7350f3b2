// Pictures of every screen, for people to look at: wide and narrow, dark and light.
//
//   SOTTO_SHOTS=/tmp/shots ./dev test e2e -- shots

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type { Page } from '@playwright/test';

import { Evil } from './evil.ts';
import { flipped } from './forge.ts';
import { Person } from './people.ts';
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
      // Colours change at once, or the picture shows one theme turning into the other.
      await page.screenshot({ path: join(FOLDER, `${screen}-${name}-${colorScheme}.png`), animations: 'disabled' });
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

// Many pictures of many screens, on a machine that may have much else to do.
test.describe.configure({ timeout: 600_000 });
test.use({ actionTimeout: 30_000 });

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

test('the account', async ({ signedUp, anotherBrowserOf }) => {
  const [oona] = await signedUp('oona', 'jonas');
  const { page } = oona;
  const lost = await anotherBrowserOf(oona);
  for (const person of [oona, lost]) person.expectsTrouble();
  await lost.page.goto('/recover');
  await expect(lost.page.getByRole('list', { name: 'New password' }).getByRole('listitem').first()).not.toBeEmpty();
  await shoot(lost.page, 'recover');
  await lost.page.getByLabel('Handle').fill('oona');
  await lost.page.getByRole('textbox', { name: 'Recovery key' }).fill(`${'3XK9 '.repeat(4)}UUUU ${'7TMQ '.repeat(9)}`);
  await expect(lost.page.getByText('Group 5 cannot be right.')).toBeVisible();
  await shoot(lost.page, 'recover-mistyped');
  await lost.signsIn();
  await oona.makesGroup('Late ferry', ['jonas']);
  await page.goto('/settings/account');
  await expect(page.getByText('You have no recovery key')).toBeVisible();
  await shoot(page, 'settings-account');
  await page.getByRole('button', { name: 'Change the password' }).click();
  await expect(page.getByRole('list', { name: 'New password' }).getByRole('listitem').first()).not.toBeEmpty();
  await shoot(page, 'change-password');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Make a recovery key' }).click();
  await shoot(page, 'recovery-key-password');
  await page.keyboard.press('Escape');
  await oona.makesRecoveryKey(async (dialog) => {
    await shoot(page, 'recovery-key-groups');
    await dialog.getByRole('button', { name: 'Show the key again' }).click();
    await shoot(page, 'recovery-key');
    await page.emulateMedia({ media: 'print' });
    await page.screenshot({ path: join(FOLDER, 'recovery-key-print.png') });
    await page.emulateMedia({ media: 'screen' });
    await dialog.getByRole('button', { name: 'I have it on paper' }).click();
  });
  await shoot(page, 'settings-account-key');
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await shoot(page, 'recovery-key-remove');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Delete the account' }).click();
  await shoot(page, 'delete-account');
  await page.keyboard.press('Escape');
  await page.goto('/settings/devices');
  await expect(page.getByRole('button', { name: /^Take away/ })).toBeVisible();
  await shoot(page, 'settings-devices-two');
  await page.getByRole('button', { name: /^Take away/ }).click();
  await shoot(page, 'take-away');
  await page.keyboard.press('Escape');
  await page.goto('/settings/account');
  await oona.changesPassword('kettle orbit ninety plain 4417');
  const dialog = oona.dialog('Change the password');
  await expect(dialog.getByText('it opens nothing any more')).toBeVisible({ timeout: 20_000 });
  await shoot(page, 'change-password-done');
  await dialog.getByRole('button', { name: 'Later' }).click();
  await page.getByRole('button', { name: 'Delete the account' }).click();
  const end = oona.dialog('Delete this account?');
  await end.getByLabel('Your password', { exact: true }).fill(oona.password);
  await end.getByLabel('Type oona to confirm').fill('oona');
  await end.getByRole('button', { name: 'Delete for good' }).click();
  await expect(page.getByText('Your account is deleted.')).toBeVisible({ timeout: 30_000 });
  await shoot(page, 'deleted');
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
  for (const place of ['devices', 'security', 'notifications', 'privacy', 'appearance', 'server']) {
    await page.goto(`/settings/${place}`);
    await expect(page.getByRole('main').getByRole('heading').first()).toBeVisible();
    await shoot(page, `settings-${place}`);
  }
});

test('what is written', async ({ signedUp }) => {
  const [oona, jonas] = await signedUp('oona', 'jonas');
  const { page } = oona;
  await oona.opensDirectWith('jonas');
  await oona.says('Anhaltend-schöne-Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverleihungsurkundenüberreichungszeremonie');
  await oona.says(`https://example.org/a/very/long/address/${'without-a-break-anywhere'.repeat(8)}?and=more`);
  await oona.says('A list of what to bring:\n\n• wood\n• the long rope\n• a torch for everyone, and spare batteries, because last time half of them were flat before midnight\n\nThe rest is there already. '.concat('Nobody needs to carry a chair. '.repeat(9)));
  await oona.hasSentEverything();
  await shoot(page, 'long-words');
  await oona.message('a torch').or(oona.log.getByRole('listitem').last()).first().hover();
  await shoot(page, 'hover');
  await oona.log.focus();
  await page.keyboard.press('ArrowUp');
  await shoot(page, 'focus-message');
  await page.getByRole('textbox', { name: /^Message / }).fill('A draft that is\non several lines\nand goes on');
  await shoot(page, 'composer-lines');
  await page.getByRole('textbox', { name: /^Message / }).fill('');
  await page.getByRole('button', { name: 'More', exact: true }).first().click();
  await expect(page.getByRole('menuitem').first()).toBeVisible();
  await shoot(page, 'menu-direct');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'New conversation' }).click();
  await expect(page.getByRole('menuitem').first()).toBeVisible();
  await shoot(page, 'menu-new');
  await page.keyboard.press('Escape');
  await jonas.opensToWrite('oona');
  for (let at = 1; at <= 60; at += 1) await jonas.says(`Line ${at} of a long story that nobody had time to read yet`);
  await expect(oona.log.getByText('Line 60 ')).toBeVisible();
  await oona.log.evaluate((log) => log.scrollTo({ top: -900 }));
  await jonas.says('And one more');
  await expect(page.getByRole('button', { name: /new message|Newest/ })).toBeVisible();
  await shoot(page, 'scrolled-up');
  await oona.chooses('More', 'Safety number');
  await oona.dialog(/^Safety number/).getByRole('button', { name: 'They match' }).click();
  await expect(page.getByText('You checked jonas.')).toBeVisible();
  await shoot(page, 'toast-checked');
  await oona.chooses('More', 'Safety number');
  await expect(oona.dialog(/^Safety number/).getByText('You checked jonas. If')).toBeVisible();
  await shoot(page, 'safety-number-checked');
  await page.keyboard.press('Escape');
  await page.goto('/settings/devices');
  await expect(page.getByText('This browser', { exact: true })).toBeVisible();
  await shoot(page, 'settings-devices-online');
  await page.getByRole('button', { name: 'Sign out of this browser' }).click();
  await shoot(page, 'sign-out');
  await page.keyboard.press('Escape');
  await page.goto('/messages');
  await oona.isIn();
  for (let at = 1; at <= 30; at += 1) await jonas.says(`Unread ${at}`);
  await expect(oona.column.getByText('Unread 30')).toBeVisible();
  await shoot(page, 'unread');
  await oona.opens('jonas');
  await shoot(page, 'opened-unread');
  await page.keyboard.press('Control+k');
  await expect(oona.dialog('Jump to')).toBeVisible();
  await shoot(page, 'switcher-recent');
  await oona.dialog('Jump to').getByRole('combobox').fill('se');
  await shoot(page, 'switcher');
  await oona.dialog('Jump to').getByRole('combobox').fill('no such thing');
  await shoot(page, 'switcher-nothing');
  await page.keyboard.press('Escape');
  await page.goto('/nowhere/at/all');
  await expect(page.getByRole('heading', { name: 'There is nothing' })).toBeVisible();
  await shoot(page, 'lost');
  await page.goto('/messages/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
  await expect(page.getByRole('heading', { name: 'This conversation is not here' })).toBeVisible();
  await shoot(page, 'lost-room');
});

test('spaces', async ({ signedUp }) => {
  const [oona, jonas, mira] = await signedUp('oona', 'jonas', 'mira');
  const { page } = oona;
  await page.getByRole('button', { name: 'Create a space' }).click();
  const dialog = oona.dialog('Create a space');
  await dialog.getByLabel('Name', { exact: true }).fill('Harbour Makers');
  await shoot(page, 'space-create');
  await dialog.getByRole('button', { name: 'Create space' }).click();
  await expect(page.getByRole('navigation', { name: 'Channels of Harbour Makers' })).toBeVisible({ timeout: 20_000 });
  await page.locator('.column-space').click();
  await shoot(page, 'space-menu');
  await page.getByRole('menuitem', { name: 'Add people' }).click();
  const add = oona.dialog(/^Add people/);
  for (const handle of ['jonas', 'mira']) {
    await add.getByRole('textbox', { name: 'People' }).fill(handle);
    await add.getByRole('textbox', { name: 'People' }).press('Enter');
    await expect(add.getByRole('list', { name: 'Chosen people' }).getByText(handle, { exact: true })).toBeVisible();
  }
  await add.getByRole('button', { name: 'Add', exact: true }).last().click();
  await expect(add).toBeHidden();
  const channel = (who: Person, name: string) => who.page.locator('.channel-row').getByRole('link', { name });
  for (const who of [jonas, mira]) {
    await who.page.getByRole('list', { name: 'Spaces' }).getByRole('link', { name: /Harbour Makers/ }).click();
    await channel(who, 'questions').click();
    await who.canWriteTo('questions');
  }
  await jonas.says('Who has the pressure gauge?');
  await mira.says('It is in the blue case, second shelf.');
  await channel(oona, 'general').click();
  await oona.canWriteTo('general');
  await shoot(page, 'space-channel-empty');
  await oona.says('Repair night is **Friday at 18:30**. Bring the thing, its charger, and whatever you already tried.');
  await expect(oona.log.locator('[data-message-state=sent]')).toHaveCount(1);
  await expect(channel(oona, 'questions')).toContainText('unread');
  await channel(mira, 'general').click();
  await mira.canWriteTo('general');
  await mira.says('I can fetch the long extension cord on the way.');
  await oona.sees('I can fetch the long extension cord on the way.');
  await oona.chooses('Add something else', 'Poll');
  const poll = oona.dialog('New poll');
  await poll.getByLabel('Question').fill('What do we open first on Friday?');
  for (const [at, answer] of ['The espresso machine', 'Three lamps, one hinge', 'The radio nobody can date'].entries()) {
    await poll.getByLabel(`Answer ${at + 1}`).fill(answer);
  }
  await poll.getByRole('button', { name: 'Ask' }).click();
  await mira.log.getByRole('radio', { name: 'The radio nobody can date' }).check();
  await channel(jonas, 'general').click();
  await jonas.log.getByRole('radio', { name: 'The espresso machine' }).check();
  for (const [who, name, status] of [[oona, 'Oona Virta', ''], [jonas, 'Jonas Weiß', 'In the workshop'], [mira, 'Mira Lindqvist', 'Rota for December is up']] as const) {
    const back = who.page.url();
    await who.page.goto('/settings/profile');
    await who.page.getByLabel('Name').fill(name);
    await who.page.getByLabel('Status').fill(status);
    await who.page.getByRole('button', { name: 'Save' }).click();
    await expect(who.page.getByText('People see it where you write next.')).toBeVisible();
    await who.page.goto(back);
    await who.canWriteTo('general');
  }
  await jonas.says('The gauge is back in its case, by the way.');
  await mira.says('Then I bring the descaler, too.');
  await expect(oona.log.getByText('Then I bring the descaler, too.')).toBeVisible();
  await oona.composer.fill('On Friday I can bring both, the');
  await page.getByRole('button', { name: /^Members/ }).click();
  await expect(oona.members.getByText('Rota for December is up')).toBeVisible();
  await shoot(page, 'space-members');
  await oona.composer.fill('');
  const room = page.url().replace(/\/members$/, '');
  const space = room.replace(/\/[^/]+$/, '');
  await page.goto(room);
  await oona.sees('Repair night is Friday at 18:30. Bring the thing, its charger, and whatever you already tried.');
  await shoot(page, 'space-channel');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(space);
  await expect(channel(oona, 'general')).toBeVisible();
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.screenshot({ path: join(FOLDER, `space-list-narrow-${colorScheme}.png`), animations: 'disabled' });
  }
  await page.goto(`${room}/settings`);
  await expect(page.getByRole('heading', { name: 'Who can read here' })).toBeVisible();
  await shoot(page, 'space-channel-settings');
  for (const part of ['general', 'roles', 'members']) {
    await page.goto(`${space}/settings/${part}`);
    await expect(page.getByRole('main').getByRole('heading').first()).toBeVisible();
    if (part === 'roles') await page.locator('.role > summary').nth(1).click();
    await shoot(page, `space-settings-${part}`);
  }
  await page.goto(`${space}/settings/roles`);
  await page.getByRole('button', { name: 'New role' }).click();
  await shoot(page, 'space-role');
  await page.keyboard.press('Escape');
  await page.goto(room);
  await page.locator('.column-space').click();
  await page.getByRole('menuitem', { name: 'New channel' }).click();
  await oona.dialog('New channel').getByRole('radio', { name: /^Private/ }).check();
  await shoot(page, 'space-channel-new');
  await channel(jonas, 'announcements').click();
  await expect(jonas.page.getByText('Only those who may speak for this space write here.')).toBeVisible();
  await shoot(jonas.page, 'space-announcements');
});

test('people who come and go', async ({ signedUp }) => {
  const [oona, jonas, mira, ilse] = await signedUp('oona', 'jonas', 'mira', 'ilse');
  const { page } = oona;
  // A request, and the same taken back.
  await oona.opensDirectWith('ilse');
  await oona.says('Is this the Ilse with the boat?');
  await shoot(page, 'request-sent');
  await ilse.page.goto('/messages');
  await expect(ilse.column.getByRole('list', { name: 'Requests' })).toBeVisible();
  await ilse.column.getByRole('list', { name: 'Requests' }).getByRole('link').click();
  await ilse.sees('Is this the Ilse with the boat?');
  await shoot(ilse.page, 'request');
  await page.goto('/contacts/requests');
  await shoot(page, 'contacts-requests');
  await page.getByRole('main').getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByText('No requests')).toBeVisible();
  await shoot(page, 'contacts-cancelled');
  await page.goto('/messages');
  await shoot(page, 'messages-after-cancel');
  await shoot(ilse.page, 'request-gone');

  // A private channel from inside, and out of it.
  await page.getByRole('button', { name: 'Create a space' }).click();
  const dialog = oona.dialog('Create a space');
  await dialog.getByLabel('Name', { exact: true }).fill('Harbour Makers');
  await dialog.getByRole('button', { name: 'Create space' }).click();
  await expect(page.getByRole('navigation', { name: 'Channels of Harbour Makers' })).toBeVisible({ timeout: 20_000 });
  await page.locator('.column-space').click();
  await page.getByRole('menuitem', { name: 'Add people' }).click();
  const add = oona.dialog(/^Add people/);
  for (const handle of ['jonas', 'mira', 'ilse']) {
    await add.getByRole('textbox', { name: 'People' }).fill(handle);
    await add.getByRole('textbox', { name: 'People' }).press('Enter');
    await expect(add.getByRole('list', { name: 'Chosen people' }).getByText(handle, { exact: true })).toBeVisible();
  }
  await add.getByRole('button', { name: 'Add', exact: true }).last().click();
  await expect(add).toBeHidden();
  const channel = (who: Person, name: string) => who.page.locator('.channel-row').getByRole('link', { name });
  await channel(oona, 'stewards').click();
  await oona.canWriteTo('stewards');
  await oona.says('The key lies under the mat.');
  await page.getByRole('button', { name: /^Members/ }).click();
  await oona.members.getByRole('button', { name: 'Add people' }).click();
  const into = oona.dialog('Add people to stewards');
  await into.getByRole('checkbox', { name: 'jonas' }).check();
  await shoot(page, 'private-add');
  await into.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(oona.member('jonas')).toBeVisible();
  await jonas.page.getByRole('list', { name: 'Spaces' }).getByRole('link', { name: /Harbour Makers/ }).click();
  await channel(jonas, 'stewards').click();
  await jonas.canWriteTo('stewards');
  await jonas.says('And the rota is on the wall.');
  await oona.sees('And the rota is on the wall.');
  await shoot(jonas.page, 'private-channel');
  await shoot(page, 'private-members');
  await oona.member('jonas').click();
  await page.getByRole('menuitem', { name: 'Take out of this channel' }).click();
  await shoot(page, 'private-take-out');
  await oona.dialog(/^Take jonas out of stewards/).getByRole('button', { name: 'Take out' }).click();
  await expect(oona.member('jonas')).toHaveCount(0);
  await expect(channel(jonas, 'stewards')).toHaveCount(0);
  await shoot(jonas.page, 'private-out');

  // Threads, and who reacted.
  for (const who of [oona, jonas, mira]) {
    if (who !== oona) await who.page.getByRole('list', { name: 'Spaces' }).getByRole('link', { name: /Harbour Makers/ }).click();
    await channel(who, 'general').click();
    await who.canWriteTo('general');
  }
  await oona.says('Which lamp goes to the market?');
  const menu = async (who: Person, text: string, entry: string): Promise<void> => {
    await who.message(text).hover();
    await who.message(text).getByRole('button', { name: 'More' }).click();
    await who.page.getByRole('menuitem', { name: entry }).click();
  };
  for (const [who, answer] of [[jonas, 'The red one, it is nearly dry.'], [mira, 'Not the one with the hinge!']] as const) {
    await who.sees('Which lamp goes to the market?');
    await menu(who, 'Which lamp goes to the market?', 'Answer in a thread');
    const field = who.page.getByRole('complementary').getByRole('textbox');
    await field.fill(answer);
    await field.press('Enter');
    await who.message('Which lamp goes to the market?').first().hover();
    await who.message('Which lamp goes to the market?').first().getByRole('button', { name: 'React with thumbs up' }).or(who.page.locator('.reaction')).first().click();
  }
  await expect(oona.message('Which lamp goes to the market?').locator('.reaction')).toContainText('2');
  await menu(oona, 'Which lamp goes to the market?', 'Who reacted');
  await shoot(page, 'who-reacted');
  await page.keyboard.press('Escape');
  await oona.message('Which lamp goes to the market?').getByRole('link', { name: /answers/ }).click();
  await shoot(page, 'thread');
  await page.getByRole('complementary').getByRole('link', { name: 'All threads' }).click();
  await shoot(page, 'threads');
});

test('a group', async ({ signedUp }) => {
  const [oona] = await signedUp('oona', 'jonas', 'mira');
  const { page } = oona;
  await oona.makesGroup('The committee for the very long summer fair on the harbour', ['jonas', 'mira']);
  await page.getByRole('button', { name: 'More', exact: true }).first().click();
  await expect(page.getByRole('menuitem').first()).toBeVisible();
  await shoot(page, 'menu-group');
  await page.getByRole('menuitem', { name: 'Rename' }).click();
  await shoot(page, 'rename');
  await page.keyboard.press('Escape');
  await oona.chooses('More', 'Leave group');
  await shoot(page, 'leave');
  await page.keyboard.press('Escape');
  await oona.chooses('More', 'Add people');
  await page.getByRole('textbox', { name: 'People' }).fill('nobody-here');
  await page.getByRole('textbox', { name: 'People' }).press('Enter');
  await expect(page.getByText('Nobody here is called')).toBeVisible();
  await shoot(page, 'add-people-error');
  await oona.dialog(/^Add people/).getByRole('button', { name: 'Close' }).click();
  await oona.chooses('New conversation', 'New group');
  const dialog = oona.dialog('New group');
  for (const handle of ['jonas', 'mira']) {
    await dialog.getByRole('textbox', { name: 'People' }).fill(handle);
    await dialog.getByRole('textbox', { name: 'People' }).press('Enter');
    await expect(dialog.getByRole('list', { name: 'Chosen people' }).getByText(handle)).toBeVisible();
  }
  await shoot(page, 'new-group-chosen');
  await dialog.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: /^Members/ }).click();
  await page.getByRole('complementary', { name: 'Members' }).getByRole('button', { name: /^jonas/ }).click();
  await expect(page.getByRole('menuitem').first()).toBeVisible();
  await shoot(page, 'menu-member');
});

test('what goes wrong at the front door', async ({ signedUp, anotherBrowserOf }) => {
  const [oona] = await signedUp('oona');
  const other = await anotherBrowserOf(oona);
  const { page } = other;
  other.expectsTrouble();
  await other.triesToSignIn('not the password');
  await expect(page.getByText('Signing in').first()).toBeVisible();
  await shoot(page, 'working');
  await expect(page.getByRole('form', { name: 'Sign in' })).toBeVisible({ timeout: 20_000 });
  await expect(page.locator('.field-error').first()).toBeVisible();
  await shoot(page, 'wrong-password');
  await page.goto('/sign-up');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await shoot(page, 'focus-link');
});

test('a server that lies', async ({ signedUp, browser, relay, people }) => {
  const evil = await Evil.before(relay);
  const jonas = await Person.arrives(browser, evil, 'jonas');
  people.push(jonas);
  jonas.expectsTrouble();
  await jonas.signsUp();
  const [oona] = await signedUp('oona');
  const both = async (group: string, first: string): Promise<void> => {
    await oona.makesGroup(group, ['jonas']);
    await oona.says(first);
    await oona.hasSentEverything();
    await jonas.opensToWrite(group);
    await jonas.sees(first);
  };
  await both('Sunday walk', 'Who comes?');
  evil.plays({
    frame: (told) => (told.type === 'message' ? [] : [told]),
    reply: (path, _, body) => {
      if (path !== 'messages/page') return;
      body.messages = [];
      body.head = body.before;
    },
  });
  await oona.says('Bring something to eat.');
  await oona.hasSentEverything();
  await oona.reloads();
  await expect(jonas.page.getByText('The server is holding back messages.')).toBeVisible({ timeout: 30_000 });
  await shoot(jonas.page, 'held-back');

  evil.plays({});
  await both('Book club', 'Chapter three by Friday?');
  evil.plays({
    frame: (told) => {
      if (told.type !== 'message' || told.message.seq !== 2) return [told];
      const envelope = flipped(Buffer.from(told.message.envelope, 'base64url'), 80).toString('base64url');
      return [{ ...told, message: { ...told.message, envelope } }];
    },
  });
  await oona.says('I have not begun.');
  await oona.hasSentEverything();
  await oona.says('Friday is fine.');
  await expect(jonas.page.getByText('This room is stopped')).toBeVisible();
  await shoot(jonas.page, 'stopped');
  await jonas.page.getByRole('button', { name: 'What does not fit' }).click();
  await expect(jonas.dialog('What does not fit')).toBeVisible();
  await shoot(jonas.page, 'evidence');
  await evil.remove();
});

test('locked, and read', async ({ signedUp }) => {
  const [oona, jonas] = await signedUp('oona', 'jonas');
  const { page } = oona;
  await oona.opensDirectWith('jonas');
  await oona.says('Did you get the tickets?');
  await oona.hasSentEverything();
  await jonas.opensToWrite('oona');
  await jonas.says('Two, for the evening.');
  await oona.sees('Two, for the evening.');
  await oona.says('Wonderful.');
  await expect(oona.log.getByText('Read', { exact: true })).toBeVisible();
  await shoot(page, 'read');
  await page.goto('/settings/lock');
  await expect(page.getByRole('heading', { name: 'Lock', exact: true })).toBeVisible();
  await shoot(page, 'settings-lock');
  await page.getByRole('main').getByRole('button', { name: 'Lock now' }).click();
  await expect(page.getByRole('form', { name: 'Unlock' })).toBeVisible();
  await shoot(page, 'locked');
  oona.expectsTrouble();
  await page.getByLabel('Password', { exact: true }).fill('not the password at all');
  await page.getByRole('button', { name: 'Unlock' }).click();
  await expect(page.getByText('That is not your password.')).toBeVisible();
  await shoot(page, 'locked-wrong');
});

test('people, order, and what is kept', async ({ signedUp, newPerson }) => {
  const [oona, jonas, mira] = await signedUp('oona', 'jonas', 'mira');
  const { page } = oona;
  await jonas.opensDirectWith('oona');
  await jonas.says('Have you seen the pressure gauge?');
  await jonas.hasSentEverything();
  await oona.makesGroup('Harbour Garden', ['mira']);
  await mira.opensToWrite('Harbour Garden');
  await mira.says('The beans are in. Who waters on Sunday?');
  await oona.sees('The beans are in. Who waters on Sunday?');
  const about = async (text: string, entry: string | RegExp): Promise<void> => {
    await oona.message(text).hover();
    await oona.message(text).getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: entry }).click();
  };
  await page.goto('/contacts');
  await shoot(page, 'contacts');
  await page.goto('/contacts/requests');
  await expect(page.getByRole('main')).toContainText('jonas');
  await shoot(page, 'contacts-requests');
  await page.goto('/messages');
  await page.getByRole('list', { name: 'Requests' }).getByRole('link').click();
  await expect(page.getByRole('button', { name: 'Accept', exact: true })).toBeVisible();
  await shoot(page, 'request');
  await page.getByRole('button', { name: 'Accept', exact: true }).click();
  await oona.opensToWrite('Harbour Garden');
  await about('The beans are in. Who waters on Sunday?', 'Save for later');
  await about('The beans are in. Who waters on Sunday?', 'Pin');
  await about('The beans are in. Who waters on Sunday?', 'Answer in a thread');
  const thread = page.getByRole('complementary', { name: 'Thread' });
  await thread.getByRole('textbox', { name: 'Answer' }).fill('I can, from nine.');
  await thread.getByRole('textbox', { name: 'Answer' }).press('Enter');
  await expect(thread.getByText('I can, from nine.')).toBeVisible();
  await shoot(page, 'thread');
  await thread.getByRole('link', { name: 'Close the thread' }).click();
  await page.getByRole('button', { name: /pinned/i }).first().click();
  await shoot(page, 'pins');
  await oona.opens('Harbour Garden');
  await oona.chooses('More', 'Invite by link');
  const invite = oona.dialog(/^Invite people/);
  await invite.getByRole('button', { name: 'Make a link' }).click();
  const link = await invite.getByRole('textbox', { name: 'Link' }).inputValue();
  await shoot(page, 'invite');
  await invite.locator('.dialog-foot').getByRole('button', { name: 'Close' }).click();
  const guest = await newPerson('guest');
  await guest.page.goto(link.slice(link.indexOf('/#')));
  await expect(guest.page.getByRole('button', { name: 'Come in as a guest' })).toBeVisible();
  await shoot(guest.page, 'link');
  await guest.page.getByRole('button', { name: 'Come in as a guest' }).click();
  await guest.page.getByLabel('Your name').fill('Zoe of the Hill');
  await shoot(guest.page, 'guest-name');
  await guest.page.keyboard.press('Enter');
  await expect(guest.composer).toBeVisible({ timeout: 20_000 });
  await guest.says('Hello from the other side of the fence.');
  await shoot(guest.page, 'guest');
  await mira.message('Hello from the other side of the fence.').hover();
  await mira.message('Hello from the other side of the fence.').getByRole('button', { name: 'More' }).click();
  await mira.page.getByRole('menuitem', { name: /^Report/ }).click();
  await mira.dialog('Report messages').getByRole('textbox', { name: /^What is wrong/ }).fill('Not a member of the garden');
  await shoot(mira.page, 'report');
  await mira.dialog('Report messages').getByRole('button', { name: 'Send report' }).click();
  await expect(mira.dialog('Report messages')).toBeHidden();
  const room = new URL(page.url()).pathname;
  await page.goto(`${room}/reports`);
  await expect(page.getByText('Not a member of the garden')).toBeVisible();
  await shoot(page, 'reports');
  await page.goto(`${room}/changes`);
  await expect(page.getByRole('list', { name: 'Changes, the newest first' })).toBeVisible();
  await shoot(page, 'changes');
  for (const [path, heading] of [['saved', 'Saved messages'], ['settings/profile', 'Profile'], ['settings/notifications', 'Notifications'], ['settings/privacy', 'Privacy']] as const) {
    await page.goto(`/${path}`);
    await expect(page.getByRole('heading', { name: heading }).first()).toBeVisible();
    await shoot(page, path.replace('/', '-'));
  }
  await page.goto('/messages');
  await oona.opens('Harbour Garden');
  await page.getByRole('button', { name: /^Members/ }).click();
  await shoot(page, 'members-guest');
  await page.getByRole('complementary', { name: 'Members' }).getByRole('button', { name: /^mira/ }).click();
  await page.getByRole('menuitem', { name: 'Profile' }).click();
  await shoot(page, 'profile-card');
});

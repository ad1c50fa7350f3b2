// Everything a person can type, and how it is typed. A new kind of input is one more entry: what it types is then looked for
// in every place where something of it could lie.

import { expect } from '@playwright/test';

import type { Person, PersonOptions } from './people.ts';

/** Known to the relay by design. */
export const [ALICE, BOB, CAROL] = ['visible-handle-alice', 'visible-handle-bob', 'visible-handle-carol'];

/** How a browser calls itself from which the page makes the name of a device. */
const AGENT = 'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 OPR/125.0.0.0';

/** Who is there; the entries below bring them. */
export interface Cast {
  newPerson: (handle: string, options?: PersonOptions) => Promise<Person>;
  anotherBrowserOf: (person: Person) => Promise<Person>;
  alice: Person;
  bob: Person;
}

/** Types the secret it is given; or one that it brings itself, which it returns. */
type Types = (cast: Cast, secret: string) => Promise<string | void>;

/** In this order. */
export const TYPED: Record<string, Types> = {
  'password of alice': async (cast, secret) => {
    cast.alice = await cast.newPerson(ALICE, { password: secret, context: { userAgent: AGENT } });
    await cast.alice.signsUp();
  },
  'password of bob': async (cast, secret) => {
    cast.bob = await cast.newPerson(BOB, { password: secret });
    await cast.bob.signsUp();
  },
  'six words that were offered': async ({ newPerson }) => {
    const carol = await newPerson(CAROL);
    await carol.page.goto('/sign-up');
    await carol.page.getByLabel('Handle').fill(CAROL);
    const words = carol.page.getByRole('list', { name: 'Password' }).getByRole('listitem');
    await expect(words).toHaveCount(6);
    await expect(words.first()).not.toBeEmpty();
    const passphrase = (await words.allInnerTexts()).join(' ');
    await carol.page.getByRole('checkbox', { name: /^I saved/ }).check();
    await carol.page.getByRole('button', { name: 'Create account' }).click();
    await carol.isIn();
    return passphrase;
  },
  'password that was too weak': async ({ newPerson }) => {
    const weak = 'żółw'.repeat(5);
    const guest = await newPerson('visible-handle-guest', { password: weak });
    await guest.fillsSignUp();
    await guest.page.getByRole('button', { name: 'Create account' }).click();
    await expect(guest.page.getByText(/Too easy to guess/)).toBeVisible();
    return weak;
  },
  'wrong password': async ({ newPerson }, secret) => {
    const guest = await newPerson(BOB);
    guest.expectsTrouble();
    await guest.triesToSignIn(secret);
    await expect(guest.page.getByText('do not belong together')).toBeVisible();
  },
  'direct message': async ({ alice, bob }, secret) => {
    await alice.opensDirectWith(BOB);
    await alice.says(secret);
    await bob.opensToWrite(ALICE);
    await bob.sees(secret);
  },
  'answer': async ({ alice, bob }, secret) => {
    await bob.says(secret);
    await alice.sees(secret);
  },
  'text of an edit': async ({ alice, bob }, secret) => {
    await bob.composer.press('ArrowUp');
    await bob.composer.fill(secret);
    await bob.composer.press('Enter');
    await expect(alice.log.locator('.message-body').last()).toHaveText(`${secret} (edited)`);
  },
  'question and answers of a poll': async ({ alice, bob }, secret) => {
    await alice.chooses('Add something else', 'Poll');
    const dialog = alice.dialog('New poll');
    await dialog.getByLabel('Question').fill(`${secret}?`);
    await dialog.getByLabel('Answer 1').fill(`${secret} yes`);
    await dialog.getByLabel('Answer 2').fill(`${secret} no`);
    await dialog.getByRole('button', { name: 'Ask' }).click();
    await bob.log.getByRole('radio', { name: `${secret} yes` }).check();
    await expect(alice.log.getByText('1 vote', { exact: true }).first()).toBeVisible();
  },
  'answer in a thread, and one that is not sent': async ({ alice, bob }, secret) => {
    await alice.log.locator('[data-message-state=sent]').last().hover();
    await alice.log.locator('[data-message-state=sent]').last().getByRole('button', { name: 'More' }).click();
    await alice.page.getByRole('menuitem', { name: 'Answer in a thread' }).click();
    const panel = alice.page.getByRole('complementary', { name: 'Thread' });
    await panel.getByRole('textbox', { name: 'Answer' }).fill(secret);
    await panel.getByRole('textbox', { name: 'Answer' }).press('Enter');
    await expect(bob.log.getByRole('link', { name: /1 answer/ })).toBeVisible();
    await panel.getByRole('textbox', { name: 'Answer' }).fill(`${secret} and more`);
    await panel.getByRole('link', { name: 'Close the thread' }).click();
  },
  // The reaction itself is one of a list that everybody gets from the relay.
  'looked for among the emoji': async ({ alice, bob }, secret) => {
    const row = bob.log.locator('[data-message-state=sent]').last();
    await row.hover();
    await row.getByRole('button', { name: 'Add a reaction' }).click();
    await row.getByRole('searchbox').fill(secret);
    await expect(row.getByText('None is called that.')).toBeVisible();
    await row.getByRole('searchbox').fill('pirate flag');
    await row.getByRole('searchbox').press('Enter');
    await expect(alice.log.locator('.reaction')).toHaveText('🏴‍☠️1');
  },
  'name of the group': async ({ alice, bob }, secret) => {
    await alice.makesGroup(secret, [BOB]);
    await bob.opensToWrite(secret);
  },
  'message in the group': async ({ alice, bob }, secret) => {
    await alice.says(secret);
    await bob.sees(secret);
  },
  'new name of the group': async ({ alice, bob }, secret) => {
    await alice.chooses('More', 'Rename');
    const dialog = alice.dialog('Rename the group');
    await dialog.getByRole('textbox', { name: 'Name' }).fill(secret);
    await dialog.getByRole('button', { name: 'Rename' }).click();
    await bob.canWriteTo(secret);
  },
  'answer to a message': async ({ alice, bob }, secret) => {
    const row = bob.log.locator('[data-message-state=sent]').last();
    await row.hover();
    await row.getByRole('button', { name: 'Reply' }).click();
    await bob.says(secret);
    await alice.sees(secret);
  },
  // What stands behind the # opens the room's log and its title; the relay has the public half of a key that follows from it.
  'secret of a link': async ({ alice }) => {
    await alice.chooses('More', 'Invite by link');
    const dialog = alice.dialog(/^Invite people/);
    await dialog.getByRole('button', { name: 'Make a link' }).click();
    await expect(dialog.getByRole('img', { name: 'The link as a code' })).toBeVisible();
    const link = await dialog.getByRole('textbox', { name: 'Link' }).inputValue();
    await dialog.locator('.dialog-foot').getByRole('button', { name: 'Close' }).click();
    await expect(dialog).toBeHidden();
    return link.split('.').at(-1) ?? '';
  },
  'looked for while handing on': async ({ alice }, secret) => {
    const row = alice.log.locator('[data-message-state=sent]').last();
    await row.hover();
    await row.getByRole('button', { name: 'More' }).click();
    await alice.page.getByRole('menuitem', { name: 'Forward', exact: true }).click();
    const dialog = alice.dialog('Forward');
    await dialog.getByRole('searchbox', { name: 'Find a conversation' }).fill(secret);
    await expect(dialog.getByText('No conversation is called that.')).toBeVisible();
    await alice.page.keyboard.press('Escape');
    await alice.page.keyboard.press('Escape');
    await expect(dialog).toBeHidden();
  },
  'message that is handed on': async ({ newPerson }, secret) => {
    // By somebody whose conversations the entries below do not go through.
    const emil = await newPerson('visible-handle-emil');
    await emil.signsUp();
    await emil.makesGroup('kitchen', []);
    await emil.makesGroup('cellar', []);
    await emil.says(secret);
    await emil.message(secret).hover();
    await emil.message(secret).getByRole('button', { name: 'More' }).click();
    await emil.page.getByRole('menuitem', { name: 'Forward', exact: true }).click();
    const dialog = emil.dialog('Forward');
    await dialog.getByRole('checkbox', { name: 'kitchen' }).check();
    await dialog.getByRole('button', { name: 'Forward' }).click();
    await expect(dialog).toBeHidden();
    await emil.opensToWrite('kitchen');
    await emil.sees(secret);
    await expect(emil.log.locator('.message-note')).toHaveText('Forwarded');
    await emil.hasSentEverything();
  },
  'command that there is not': async ({ alice }, secret) => {
    await alice.composer.fill(`/${secret}`);
    await alice.composer.press('Enter');
    await expect(alice.page.getByRole('alert').getByText(/^There is no command/)).toBeVisible();
    await alice.composer.fill('');
  },
  'reason for a time-out': async ({ alice, bob }, secret) => {
    const panel = alice.page.getByRole('complementary', { name: 'Members' });
    await alice.page.getByRole('button', { name: /^Members/ }).click();
    const measure = async (entry: RegExp, title: string, press: string): Promise<void> => {
      await panel.getByRole('button', { name: BOB }).click();
      await alice.page.getByRole('menuitem', { name: entry }).click();
      const dialog = alice.dialog(title);
      await dialog.getByRole('textbox', { name: /^Reason/ }).fill(secret);
      await dialog.getByRole('button', { name: press }).click();
      await expect(dialog).toBeHidden();
    };
    await measure(/^Time-out/, `Time-out for ${BOB}`, 'Start time-out');
    await expect(bob.page.getByText(secret)).toBeVisible();
    await measure(/^End time-out/, `End the time-out of ${BOB}?`, 'End time-out');
    await expect(bob.composer).toBeVisible();
    await alice.page.getByRole('link', { name: 'Close the list of members' }).click();
  },
  'what a report says': async ({ newPerson, alice, bob }, secret) => {
    // Somebody whom it can be about, since nobody hears of a report about themselves.
    const dora = await newPerson('visible-handle-dora');
    await dora.signsUp();
    await alice.addsPeople(['visible-handle-dora']);
    await dora.conversations.getByRole('link').first().click();
    await dora.says('dora was here');
    const row = bob.message('dora was here');
    await row.hover();
    await row.getByRole('button', { name: 'More' }).click();
    await bob.page.getByRole('menuitem', { name: /^Report/ }).click();
    const dialog = bob.dialog('Report messages');
    await dialog.getByRole('textbox', { name: /^What is wrong/ }).fill(secret);
    await dialog.getByRole('button', { name: 'Send report' }).click();
    await expect(dialog).toBeHidden();
    await alice.page.getByRole('link', { name: 'Reports, 1' }).click();
    const reports = alice.page.getByRole('region', { name: 'Reports', exact: true });
    await expect(reports).toContainText(secret);
    await reports.getByRole('button', { name: 'Done with it' }).click();
    await expect(reports.getByText('Nothing to go through')).toBeVisible();
    await reports.getByRole('link', { name: 'Back to the conversation' }).click();
  },
  'name of a guest': async ({ alice, newPerson }, secret) => {
    await alice.chooses('More', 'Invite by link');
    const dialog = alice.dialog(/^Invite people/);
    await dialog.getByRole('button', { name: 'Make a link' }).click();
    const link = await dialog.getByRole('textbox', { name: 'Link' }).inputValue();
    await dialog.locator('.dialog-foot').getByRole('button', { name: 'Close' }).click();
    const guest = await newPerson('nobody yet');
    await guest.page.goto(link.slice(link.indexOf('/#')));
    await guest.page.getByRole('button', { name: 'Come in as a guest' }).click();
    await guest.page.getByLabel('Your name').fill(secret);
    await guest.page.getByRole('button', { name: 'Come in', exact: true }).click();
    await expect(guest.composer).toBeVisible({ timeout: 20_000 });
    await guest.says('here');
    await expect(alice.log.getByText(secret.replace(/\s+/g, ' ').trim()).first()).toBeAttached();
  },
  'draft': async ({ bob }, secret) => {
    await bob.composer.fill(secret);
    await bob.composer.blur();
  },
  'looked for in the list': async ({ bob }, secret) => {
    await bob.page.keyboard.press('Control+k');
    const switcher = bob.dialog('Jump to');
    await switcher.getByRole('combobox').fill(secret);
    await expect(switcher.getByText('Nothing here is called that.')).toBeVisible();
    await bob.page.keyboard.press('Escape');
    await expect(switcher).toBeHidden();
  },
  'message read on another browser': async ({ alice, bob, anotherBrowserOf }, secret) => {
    await alice.says(secret);
    const elsewhere = await anotherBrowserOf(bob);
    await elsewhere.signsIn();
    // Rooms are in order once all have been fetched.
    await elsewhere.conversations.getByRole('link').filter({ hasText: secret.slice(0, 20) }).click();
    await elsewhere.sees(secret);
  },
  'name of a space': async ({ alice, bob }, secret) => {
    const { page } = alice;
    await page.getByRole('button', { name: 'Create a space' }).click();
    const dialog = alice.dialog('Create a space');
    await dialog.getByLabel('Name', { exact: true }).fill(secret);
    await dialog.getByRole('radio', { name: 'Empty' }).check();
    await dialog.getByRole('button', { name: 'Create space' }).click();
    const column = page.getByRole('navigation', { name: `Channels of ${secret}` });
    await column.getByRole('button', { name: secret }).click({ timeout: 20_000 });
    await page.getByRole('menuitem', { name: 'Add people' }).click();
    const add = alice.dialog(/^Add people/);
    await add.getByRole('textbox', { name: 'People' }).fill(BOB);
    await add.getByRole('button', { name: 'Add', exact: true }).last().click();
    await expect(add).toBeHidden();
    await bob.page.getByRole('list', { name: 'Spaces' }).getByRole('link', { name: secret }).click();
  },
  'name of a channel': async ({ alice, bob }, secret) => {
    const { page } = alice;
    await page.keyboard.press('Control+k');
    await page.keyboard.type('>new channel');
    await page.keyboard.press('Enter');
    const dialog = alice.dialog('New channel');
    await dialog.getByLabel('Name', { exact: true }).fill(secret);
    await dialog.getByRole('button', { name: 'Create channel' }).click();
    await alice.canWriteTo(secret);
    await bob.page.locator('.channel-row').getByRole('link', { name: secret }).click();
    await bob.canWriteTo(secret);
  },
  'message in a channel': async ({ alice, bob }, secret) => {
    await alice.says(secret);
    await bob.sees(secret);
  },
  'topic of a channel': async ({ alice, bob }, secret) => {
    await alice.chooses('More', 'Edit name and topic');
    const dialog = alice.dialog('Edit the channel');
    await dialog.getByLabel('Topic').fill(secret);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await expect(bob.page.getByText(secret).first()).toBeVisible();
  },
  // An empty one stands nowhere but before those who arrange channels.
  'heading of channels': async ({ alice }, secret) => {
    const { page } = alice;
    await page.locator('.column-space').click();
    await page.getByRole('menuitem', { name: 'New heading' }).click();
    const dialog = alice.dialog('New heading');
    await dialog.getByLabel('Name', { exact: true }).fill(secret);
    await dialog.getByRole('button', { name: 'Add heading' }).click();
    await expect(page.getByRole('heading', { name: secret })).toBeVisible();
    // The heading may stand there first: keys that come before the dialog has gone open nothing.
    await expect(dialog).toBeHidden();
  },
  'name of a private channel': async ({ alice }, secret) => {
    const { page } = alice;
    await page.keyboard.press('Control+k');
    await page.keyboard.type('>new channel');
    await page.keyboard.press('Enter');
    const dialog = alice.dialog('New channel');
    await dialog.getByLabel('Name', { exact: true }).fill(secret);
    await dialog.getByRole('radio', { name: /^Private/ }).check();
    await dialog.getByRole('button', { name: 'Create channel' }).click();
    await alice.canWriteTo(secret);
  },
  'message in a private channel': async ({ alice }, secret) => {
    await alice.says(secret);
    await alice.hasSentEverything();
  },
  'draft in a private channel': async ({ alice }, secret) => {
    await alice.composer.fill(secret);
    await alice.composer.blur();
  },
  'poll in a private channel': async ({ alice }, secret) => {
    await alice.composer.fill('');
    await alice.chooses('Add something else', 'Poll');
    const dialog = alice.dialog('New poll');
    await dialog.getByLabel('Question').fill(`${secret}?`);
    await dialog.getByLabel('Answer 1').fill(`${secret} yes`);
    await dialog.getByLabel('Answer 2').fill(`${secret} no`);
    await dialog.getByRole('button', { name: 'Ask' }).click();
    await expect(dialog).toBeHidden();
    await alice.hasSentEverything();
  },
  'name of a role': async ({ alice }, secret) => {
    const { page } = alice;
    await page.goto(page.url().replace(/\/[^/]+$/, '/settings/roles'));
    await page.getByRole('button', { name: 'New role' }).click({ timeout: 20_000 });
    const dialog = alice.dialog('New role');
    await dialog.getByLabel('Name', { exact: true }).fill(secret);
    await dialog.getByRole('button', { name: 'Create role' }).click();
    await expect(page.getByRole('list', { name: 'Roles' }).getByText(secret)).toBeVisible();
  },
  'own name': async ({ alice, bob }, secret) => {
    const shown = secret.replace(/\s+/g, ' ').trim();
    await alice.page.goto('/settings/profile');
    const form = alice.page.getByRole('form', { name: 'Profile' });
    await form.getByLabel('Name').fill(secret);
    await form.getByRole('button', { name: 'Save' }).click();
    await expect(alice.page.getByText('People see it where you write next.')).toBeVisible();
    await alice.page.goto('/messages');
    await alice.conversations.getByRole('link').first().click();
    await expect(bob.page.getByText(shown).first()).toBeAttached();
  },
  'own status': async ({ alice }, secret) => {
    await alice.page.goto('/settings/profile');
    const form = alice.page.getByRole('form', { name: 'Profile' });
    await form.getByLabel('Status').fill(secret);
    await form.getByRole('button', { name: 'Save' }).click();
    await expect(alice.page.getByText('People see it where you write next.')).toBeVisible();
    await form.getByLabel('Name').fill('');
    await form.getByRole('button', { name: 'Save' }).click();
    await alice.page.goto('/messages');
  },
  'name of a device': async ({ alice }) => {
    await alice.page.goto('/settings/devices');
    await expect(alice.page.getByRole('main').getByText('Opera on ChromeOS')).toBeVisible();
    return 'Opera on ChromeOS';
  },
  'recovery key': async ({ alice }) => {
    await alice.page.goto('/settings/account');
    return (await alice.makesRecoveryKey()).join('');
  },
  'groups that were typed back wrongly': async ({ alice }, secret) => {
    await alice.page.getByRole('button', { name: 'Make a new one' }).click();
    const dialog = alice.dialog('Make a new recovery key');
    await dialog.getByLabel('Your password', { exact: true }).fill(alice.password);
    await dialog.getByRole('button', { name: 'Show the key' }).click();
    await dialog.getByRole('button', { name: 'I have it on paper' }).click({ timeout: 20_000 });
    await dialog.getByRole('textbox').first().fill(secret);
    await dialog.getByRole('button', { name: 'Done' }).click();
    await expect(dialog.getByText('These are not the two groups.')).toBeVisible();
    await dialog.getByRole('button', { name: 'Close' }).click();
  },
  'new password of alice': async ({ alice }, secret) => {
    await alice.changesPassword(secret);
    const dialog = alice.dialog('Change the password');
    await dialog.getByRole('button', { name: 'Later' }).click({ timeout: 20_000 });
    await alice.page.goto('/messages');
    await alice.isOnline();
  },
};

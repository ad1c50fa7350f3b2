// What one does here all day, on two phones: by the finger alone, on a screen of 390 by 844. Every press measures what it
// meets, and that nothing stands out over the side of the screen (`presses`).
//
// What else there is runs on a phone in its own story: spaces, invites, polls, pins, threads, reports, the switcher.

import type { Locator } from '@playwright/test';

import { PHONE, type Person } from './people.ts';
import { expect, test } from './stage.ts';

const words = (person: Person, text: string): Locator => person.message(text).locator('.message-body');
const chips = (person: Person, text: string): Locator => person.message(text).locator('.reaction');
/** The row whose own text this is; an answer repeats what it answers. */
const row = (person: Person, text: string): Locator =>
  person.log.locator('[data-message-state]').filter({ has: person.page.locator('.message-body', { hasText: text }) });

async function writes(person: Person, text: string): Promise<void> {
  await person.composer.fill(text);
  await person.presses(person.page.getByRole('button', { name: 'Send' }));
  await person.sees(text);
}

/** Rests a finger on a message, and takes what the sheet offers. */
async function takes(person: Person, text: string, entry: string): Promise<void> {
  const sheet = await person.holds(row(person, text).locator('.message-body'));
  await person.presses(sheet.getByRole('button', { name: entry, exact: true }));
}

async function goesBack(person: Person): Promise<void> {
  await person.presses(person.page.getByRole('link', { name: 'All messages' }));
  await expect(person.conversations).toBeVisible();
}

test('two people meet, write, and do all that can be done with a message', async ({ newPerson }) => {
  const [alice, bob] = [await newPerson('alice', PHONE), await newPerson('bob', PHONE)];
  await Promise.all([alice.signsUp(), bob.signsUp()]);

  // The first word, and whoever is asked.
  await alice.opensDirectWith('bob');
  await writes(alice, 'who brings the map?');
  await bob.presses(bob.column.getByRole('list', { name: 'Requests' }).getByRole('link'));
  await bob.sees('who brings the map?');
  await bob.canWriteTo('alice');
  // A keyboard on glass has no Shift+Enter: Enter makes a line.
  await expect(bob.composer).toHaveAttribute('enterkeyhint', 'enter');
  await bob.composer.fill('I do');
  await bob.composer.press('Enter');
  await bob.composer.pressSequentially('not');
  await expect(bob.composer).toHaveValue('I do\nnot');
  await writes(bob, 'I do');
  await alice.sees('I do');
  await expect(alice.readMark('who brings the map?')).toBeVisible();

  // In the list it is counted; in the conversation it stands under a line.
  await goesBack(bob);
  await writes(alice, Array.from({ length: 30 }, (_, at) => `and ${at + 1} more`).join('\n'));
  await writes(alice, 'see you at nien');
  await expect(bob.conversations.getByRole('link')).toContainText('2 unread');
  await expect(bob.page).toHaveTitle(/^\(2\) /);
  await bob.opens('alice');
  await expect(bob.log.getByText(/^New since/)).toBeVisible();
  await expect(bob.page).not.toHaveTitle(/^\(/);

  // A short touch is no long one.
  await words(bob, 'I do').tap();
  await expect(bob.dialog('Message')).toBeHidden();
  let sheet = await bob.holds(words(bob, 'see you at nien'));
  await expect(sheet.locator('.menu-item')).toHaveText(['React…', 'Reply', 'Answer in a thread', 'Pin', 'Forward', 'Save for later', 'Copy link', 'Copy text', 'Mark unread from here']);
  await bob.presses(sheet.getByRole('button', { name: 'React with thumbs up' }));
  await expect(chips(alice, 'see you at nien')).toHaveAccessibleName('👍 1 from bob');
  // The sheet leaves nothing over the message above.
  await expect(bob.dialog('Message')).toBeHidden();
  await expect(bob.log.getByRole('toolbar')).toHaveCount(0);
  await alice.presses(chips(alice, 'see you at nien'));
  await expect(chips(bob, 'see you at nien')).toHaveText('👍2');

  sheet = await alice.holds(words(alice, 'see you at nien'));
  await expect(sheet.locator('.menu-item')).toHaveText(['React…', 'Reply', 'Who reacted', 'Answer in a thread', 'Edit', 'Pin', 'Forward', 'Save for later', 'Copy link', 'Copy text', 'Mark unread from here', 'Delete for everyone']);
  await alice.presses(sheet.getByRole('button', { name: 'Edit' }));
  await expect(alice.composer).toHaveValue('see you at nien');
  await alice.composer.fill('see you at nine');
  await alice.presses(alice.page.getByRole('button', { name: 'Save' }));
  await expect(row(bob, 'see you at nine')).toContainText('(edited)');
  await takes(bob, 'see you at nine', 'React…');
  const picker = bob.dialog('React');
  await bob.presses(picker.getByRole('tab', { name: 'Food' }));
  await bob.presses(picker.getByRole('button', { name: 'pear', exact: true }));
  await expect(row(alice, 'see you at nine').locator('.reaction')).toHaveText(['👍2', '🍐1']);
  await takes(alice, 'see you at nine', 'Who reacted');
  const who = alice.dialog('Who reacted');
  await expect(who.locator('.votes-who').first().getByRole('listitem')).toHaveCount(2);
  await expect(who.locator('.votes-who').last()).toHaveText('bob');
  await alice.presses(who.getByRole('button', { name: 'Close', exact: true }).last());

  // An answer leads to what it answers, far above.
  await alice.goesToTheBeginning();
  await takes(alice, 'who brings the map?', 'Reply');
  await expect(alice.page.getByText('Replying to alice who brings the map?')).toBeVisible();
  await alice.composer.fill('You, I hope');
  await alice.presses(alice.page.getByRole('button', { name: 'Send' }));
  await bob.sees('You, I hope');
  await bob.presses(row(bob, 'You, I hope').locator('.reply'));
  await expect(row(bob, 'who brings the map?').first()).toHaveAttribute('data-flash', '');
  await expect(row(bob, 'who brings the map?').first()).toBeInViewport();
  await bob.presses(bob.page.getByRole('button', { name: 'Newest' }));

  // Kept for later, and found again.
  await takes(bob, 'You, I hope', 'Save for later');
  await expect(bob.page.getByText('Saved for later')).toBeVisible();
  await goesBack(bob);
  await bob.presses(bob.page.getByRole('link', { name: 'Saved messages' }));
  await bob.presses(bob.page.getByRole('list', { name: 'Saved messages' }).getByRole('button', { name: /You, I hope/ }));
  await expect(row(bob, 'You, I hope')).toBeInViewport();
  await takes(alice, 'You, I hope', 'Delete for everyone');
  await alice.presses(alice.dialog('Delete for everyone?').getByRole('button', { name: 'Delete' }));
  await expect(bob.log.getByText('alice deleted a message')).toBeVisible();

  // What was begun waits, with an emoji in it; what is written in a tunnel goes out behind it.
  await alice.composer.fill('on the train ');
  await alice.presses(alice.page.getByRole('form', { name: 'Write a message' }).getByRole('button', { name: 'Emoji' }));
  await alice.dialog('Emoji').getByRole('searchbox').fill('anchor');
  await alice.presses(alice.dialog('Emoji').getByRole('button', { name: 'anchor', exact: true }));
  await expect(alice.composer).toHaveValue('on the train ⚓');
  await alice.reloads();
  await expect(alice.composer).toHaveValue('on the train ⚓');
  alice.goesOffline();
  await alice.presses(alice.page.getByRole('button', { name: 'Send' }));
  await expect(alice.page.getByText('You are offline.')).toBeVisible();
  await expect(alice.message('on the train ⚓')).toHaveAttribute('data-message-state', 'pending');
  alice.wire.mend();
  // Whoever comes back by themselves meanwhile has nothing left to press.
  await alice.page.getByRole('button', { name: 'Try now' }).first().tap({ timeout: 2_000 }).catch(() => undefined);
  await bob.sees('on the train ⚓');

  // The phone's own way back leads through the same places.
  await alice.presses(alice.page.getByRole('link', { name: 'All messages' }));
  await alice.opens('bob');
  await alice.page.goBack();
  await expect(alice.conversations.getByRole('link')).toBeVisible();
});

test('a group is made, joined by a link, named anew and left', async ({ newPerson }) => {
  const [alice, bob, cleo] = [await newPerson('alice', PHONE), await newPerson('bob', PHONE), await newPerson('cleo', PHONE)];
  await Promise.all([alice.signsUp(), bob.signsUp()]);
  await alice.makesGroup('Sunday walk', ['bob']);
  await writes(alice, 'who brings the map');
  await bob.opensToWrite('Sunday walk');

  // By name, from what the list offers.
  await bob.composer.pressSequentially('you do, @al');
  await bob.presses(bob.page.getByRole('option', { name: 'alice' }));
  await expect(bob.composer).toHaveValue('you do, @alice ');
  await goesBack(alice);
  await bob.presses(bob.page.getByRole('button', { name: 'Send' }));
  await expect(alice.conversations.locator('.badge')).toContainText('1');
  await alice.opens('Sunday walk');
  await expect(alice.log.locator('.mention-you')).toHaveText('@alice');
  // What is offered does not stand in the way of sending.
  await alice.composer.pressSequentially('and I come with @bo');
  await expect(alice.page.getByRole('listbox', { name: 'People' })).toBeVisible();
  await alice.presses(alice.page.getByRole('button', { name: 'Send' }));
  await bob.sees('and I come with @bo');
  await takes(alice, 'you do,', 'Forward');
  await alice.ticks(alice.dialog('Forward').getByRole('checkbox', { name: 'Sunday walk' }));
  await alice.presses(alice.dialog('Forward').getByRole('button', { name: 'Forward' }));
  await expect(bob.log.locator('.message-note')).toHaveText('Forwarded');

  // A link, used on a phone that was never here.
  await alice.chooses('More', 'Invite by link');
  const invite = alice.dialog(/^Invite people/);
  await alice.presses(invite.getByRole('button', { name: 'Make a link' }));
  const link = await invite.getByRole('textbox', { name: 'Link' }).inputValue();
  await alice.presses(invite.locator('.dialog-foot').getByRole('button', { name: 'Close' }));
  await cleo.page.goto(link.slice(link.indexOf('/#')));
  await cleo.presses(cleo.page.getByRole('button', { name: 'Create account' }));
  await cleo.fillsSignUp();
  await cleo.presses(cleo.page.getByRole('button', { name: 'Create account' }));
  await cleo.presses(cleo.page.getByRole('button', { name: 'Join Sunday walk' }));
  await cleo.canWriteTo('Sunday walk');
  await cleo.sees('who brings the map');

  // Who is in it, and what it is called.
  await alice.presses(alice.page.getByRole('button', { name: 'Members, 3' }));
  const groups = alice.members.getByRole('heading', { level: 3 });
  await expect(groups).toHaveText(['Owners1', 'Members2']);
  await cleo.page.goto('/settings/privacy');
  await cleo.presses(cleo.page.getByRole('checkbox', { name: 'Let others see whether you are here' }));
  await expect(groups).toHaveText(['Owners1', 'Here now1', 'Others1']);
  await alice.presses(alice.member('bob'));
  await alice.presses(alice.page.getByRole('menuitem', { name: 'Profile' }));
  await alice.presses(alice.page.getByRole('dialog').getByRole('button', { name: 'Close' }));
  await alice.presses(alice.page.getByRole('link', { name: 'Back to the conversation' }));
  await alice.chooses('More', 'Rename');
  await alice.dialog('Rename the group').getByRole('textbox').fill('Monday walk');
  await alice.presses(alice.dialog('Rename the group').getByRole('button', { name: 'Rename' }));
  await expect(bob.page.getByRole('heading', { name: 'Monday walk', level: 1 })).toBeVisible();
  await bob.chooses('More', 'Leave group');
  await bob.presses(bob.dialog('Leave Monday walk?').getByRole('button', { name: 'Leave group' }));
  await expect(alice.log.getByText('bob left.')).toBeVisible();
});

test('every page of the settings fits, and the history comes back after signing out', async ({ newPerson }) => {
  const alice = await (await newPerson('alice', PHONE)).signsUp();
  const { page } = alice;
  await alice.makesGroup('Notes', []);
  await writes(alice, 'what I said before');
  await goesBack(alice);
  await alice.presses(page.getByRole('link', { name: 'You', exact: true }));
  const list = page.getByRole('navigation', { name: 'Settings' });
  await expect(list.locator('a.channel').first()).toBeVisible();
  const pages = await list.locator('a.channel').allInnerTexts();
  expect(pages.length).toBeGreaterThan(7);
  for (const name of pages) {
    await alice.presses(list.getByRole('link', { name, exact: true }));
    await expect(page.getByRole('heading', { name, level: 1 })).toBeVisible();
    await alice.presses(page.getByRole('link', { name: 'Settings', exact: true }));
  }
  await alice.presses(list.getByRole('button', { name: 'Sign out of this browser' }));
  await alice.presses(page.getByRole('dialog').getByRole('button', { name: 'Sign out' }));
  await expect(page.getByRole('form', { name: 'Sign in' })).toBeVisible();
  await alice.signsIn();
  await alice.opensToWrite('Notes');
  await alice.sees('what I said before');
});

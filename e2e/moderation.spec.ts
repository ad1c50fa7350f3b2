// Keeping order in a group: what moderators do, what the others are told, and what it does to what they write.

import type { Person } from './people.ts';
import { expect, test } from './stage.ts';

const WALK = 'Sunday walk';

async function members(person: Person): Promise<ReturnType<Person['dialog']>> {
  const panel = person.page.getByRole('complementary', { name: 'Members' });
  if (!(await panel.isVisible())) await person.page.getByRole('button', { name: /^Members/ }).click();
  await expect(panel).toBeVisible();
  return panel;
}

/** Opens the menu of a member and takes an entry. */
async function about(person: Person, handle: string, entry: string | RegExp): Promise<void> {
  const panel = await members(person);
  await panel.getByRole('button', { name: handle }).click();
  await person.page.getByRole('menuitem', { name: entry }).click();
}

async function makesModerator(owner: Person, handle: string): Promise<void> {
  await about(owner, handle, /^Change role/);
  const dialog = owner.dialog(`Role of ${handle}`);
  await dialog.getByRole('radio', { name: /^Moderator/ }).check();
  await dialog.getByRole('button', { name: 'Save role' }).click();
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

test('a moderator bans somebody with a reason, and lifts it again', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await walk(alice, bob, cleo);
  await makesModerator(alice, 'bob');
  await expect(bob.log.getByText('alice made you a moderator.')).toBeVisible();

  await about(bob, 'cleo', /^Ban/);
  const ban = bob.dialog(`Ban cleo from ${WALK}?`);
  await ban.getByRole('textbox', { name: /^Reason/ }).fill('sells things');
  await ban.getByRole('button', { name: 'Ban' }).click();
  await expect(ban).toBeHidden();
  await expect(cleo.page.getByText('You are banned from this group.')).toBeVisible();
  await expect(alice.log.getByText('bob removed and banned cleo.')).toBeVisible();

  // Nobody lets them in meanwhile.
  await alice.chooses('More', 'Add people');
  const add = alice.dialog(/^Add people/);
  await add.getByRole('textbox', { name: 'People' }).fill('cleo');
  await add.getByRole('textbox', { name: 'People' }).press('Enter');
  await add.getByRole('button', { name: 'Add', exact: true }).last().click();
  await expect(add.getByText('cleo is banned here.')).toBeVisible();
  await add.getByRole('button', { name: 'Cancel' }).click();

  await alice.chooses('More', 'Banned people');
  await alice.dialog('Banned people').getByRole('button', { name: /^Lift the ban/ }).click();
  const lift = alice.dialog('Lift the ban on cleo?');
  await lift.getByRole('button', { name: 'Lift the ban' }).click();
  await expect(lift).toBeHidden();
  await alice.addsPeople(['cleo']);
  await cleo.canWriteTo(WALK);
});

test('a time-out closes the composer and says by whom and until when', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await walk(alice, bob);
  await about(alice, 'bob', /^Time-out/);
  const dialog = alice.dialog('Time-out for bob');
  await dialog.getByRole('radio', { name: '10 minutes' }).check();
  await dialog.getByRole('textbox', { name: /^Reason/ }).fill('take a breath');
  await dialog.getByRole('button', { name: 'Start time-out' }).click();
  await expect(dialog).toBeHidden();

  const closed = bob.page.getByRole('status').filter({ hasText: 'gave you a time-out until' });
  await expect(closed).toContainText('alice gave you a time-out until');
  await expect(closed).toContainText(/You can write again in (10|9) minutes\./);
  await expect(closed).toContainText('take a breath');
  await expect(bob.composer).toHaveCount(0);
  await bob.reloads();
  await expect(closed).toContainText('take a breath');
  await alice.says('reading goes on');
  await bob.sees('reading goes on');
  // In a thread neither.
  await bob.message('reading goes on').hover();
  await bob.message('reading goes on').getByRole('button', { name: 'More' }).click();
  await bob.page.getByRole('menuitem', { name: 'Answer in a thread' }).click();
  const thread = bob.page.getByRole('complementary', { name: 'Thread' });
  await expect(thread.getByText('gave you a time-out until')).toBeVisible();

  await about(alice, 'bob', /^End time-out/);
  const end = alice.dialog('End the time-out of bob?');
  await end.getByRole('button', { name: 'End time-out' }).click();
  await expect(end).toBeHidden();
  await expect(thread.getByRole('textbox', { name: 'Answer' })).toBeVisible();
  await thread.getByRole('link', { name: 'Close the thread' }).click();
  await bob.canWriteTo(WALK);
  await bob.says('thank you');
  await alice.sees('thank you');
});

test('what a dialog led to is told, also when it was closed before that', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await walk(alice, bob);
  await about(alice, 'bob', /^Time-out/);
  const dialog = alice.dialog('Time-out for bob');
  const start = dialog.getByRole('button', { name: 'Start time-out' });
  alice.wire.holds();
  await start.click();
  await expect(start).toHaveAttribute('aria-busy', 'true');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  // Another one stands in its place, and stays.
  await alice.page.keyboard.press('Control+/');
  const keys = alice.dialog('Keyboard');
  await expect(keys).toBeVisible();
  alice.wire.lets();
  await expect(alice.page.getByText('bob is in a time-out.', { exact: true })).toBeVisible();
  await expect(keys).toBeVisible();
  await alice.page.keyboard.press('Escape');
  await expect(keys).toBeHidden();

  // What is refused is told as well, and leads nowhere.
  alice.expectsTrouble();
  await alice.chooses('New conversation', 'New message');
  const message = alice.dialog('New message');
  await message.getByLabel('Handle').fill('nobody-at-all');
  await expect(message.getByText('Nobody here is called nobody-at-all.')).toBeVisible();
  alice.wire.holds();
  const write = message.getByRole('button', { name: 'Write' });
  await write.click();
  await expect(write).toHaveAttribute('aria-busy', 'true');
  await message.getByRole('button', { name: 'Cancel' }).click();
  await expect(message).toBeHidden();
  alice.wire.lets();
  await expect(alice.page.getByRole('status').getByText('Nobody here is called nobody-at-all.')).toBeVisible();
  await alice.canWriteTo(WALK);
});

test('slow mode lets texts out one by one, and says when the next one goes', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await walk(alice, bob);
  await alice.chooses('More', 'Slow mode');
  const dialog = alice.dialog('Slow mode');
  await dialog.getByRole('radio', { name: '5 seconds', exact: true }).check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();
  const strip = bob.page.getByText('Slow mode: one message in 5 seconds.');
  await expect(strip).toBeVisible();
  await bob.says('one');
  await alice.sees('one');
  await bob.says('two');
  await expect(bob.page.getByText(/The next one goes out in \d seconds?\./)).toBeVisible();
  await expect(bob.message('two')).toHaveAttribute('data-message-state', 'pending');
  // It goes out by itself.
  await expect(bob.message('two')).toHaveAttribute('data-message-state', 'sent', { timeout: 20_000 });
  await alice.comesToSeeExactly(['all of us', 'one', 'two']);
  await expect(alice.page.getByText('You are not held to it.')).toBeVisible();
});

test('ownership is handed over, and the last owner is told what to do first', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await walk(alice, bob);
  await alice.chooses('More', 'Leave group');
  const first = alice.dialog('Somebody has to own it');
  await expect(first).toContainText('Make somebody an owner first');
  await first.getByRole('button', { name: 'Show members' }).click();
  await expect(alice.page.getByRole('complementary', { name: 'Members' })).toBeVisible();

  await about(alice, 'bob', /^Change role/);
  const dialog = alice.dialog('Role of bob');
  await dialog.getByRole('radio', { name: /^Owner/ }).check();
  await expect(dialog).toContainText('nobody can take that back but bob');
  await dialog.getByRole('checkbox', { name: /^Hand over/ }).check();
  await dialog.getByRole('button', { name: 'Save role' }).click();
  await expect(dialog).toBeHidden();
  await expect(bob.log.getByText('alice made you an owner.')).toBeVisible();
  const panel = await members(bob);
  await expect(panel.getByRole('heading', { name: /^Owners/ })).toBeVisible();
  await alice.chooses('More', 'Leave group');
  await alice.dialog(`Leave ${WALK}?`).getByRole('button', { name: 'Leave group' }).click();
  await expect(bob.log.getByText('alice left.')).toBeVisible();
});

test.describe('on a phone', () => {
  test('a member is given a time-out by touch', async ({ newPerson }) => {
    const context = { hasTouch: true };
    const alice = await (await newPerson('alice', { context })).signsUp();
    const bob = await (await newPerson('bob', { context })).signsUp();
    for (const { page } of [alice, bob]) await page.setViewportSize({ width: 390, height: 844 });
    await alice.makesGroup(WALK, ['bob']);
    await alice.says('hello');
    await alice.hasSentEverything();
    await alice.page.getByRole('button', { name: /^Members/ }).tap();
    await alice.page.getByRole('complementary', { name: 'Members' }).getByRole('button', { name: 'bob' }).tap();
    await alice.page.getByRole('menuitem', { name: /^Time-out/ }).tap();
    const dialog = alice.dialog('Time-out for bob');
    await dialog.getByText('1 day', { exact: true }).tap();
    await dialog.getByRole('button', { name: 'Start time-out' }).tap();
    await expect(dialog).toBeHidden();
    await bob.opens(WALK);
    await expect(bob.page.getByText(/gave you a time-out until .* You can write again in 24 hours\./)).toBeVisible();
  });
});

// Keeping order in a space: channel by channel, by whoever has a role for it, and against members who try without.

import type { Locator } from '@playwright/test';

import { Evil } from './evil.ts';
import { NOWHERE, ROLE, type RoomLog, Stranger, createChannel, entry, logOf, redact, remove, setRole, timeOut, unban } from './forge.ts';
import { Person } from './people.ts';
import { expect, test } from './stage.ts';

const SPACE = 'Harbour Makers';

const column = (who: Person): Locator => who.page.getByRole('navigation', { name: `Channels of ${SPACE}` });
const channel = (who: Person, name: string): Locator => who.page.locator('.channel-row').getByRole('link', { name });

async function createsSpace(who: Person): Promise<void> {
  await who.page.getByRole('button', { name: 'Create a space' }).click();
  const dialog = who.dialog('Create a space');
  await dialog.getByLabel('Name', { exact: true }).fill(SPACE);
  await dialog.getByRole('radio', { name: 'Community' }).check();
  await dialog.getByRole('button', { name: 'Create space' }).click();
  await expect(dialog).toBeHidden({ timeout: 20_000 });
  await expect(column(who)).toBeVisible();
}

async function chooses(who: Person, item: string): Promise<void> {
  await column(who).getByRole('button', { name: SPACE }).click();
  await who.page.getByRole('menuitem', { name: item }).click();
}

async function adds(who: Person, handles: string[]): Promise<void> {
  await chooses(who, 'Add people');
  const dialog = who.dialog(`Add people to ${SPACE}`);
  for (const handle of handles) {
    await dialog.getByRole('textbox', { name: 'People' }).fill(handle);
    await dialog.getByRole('textbox', { name: 'People' }).press('Enter');
    await expect(dialog.getByRole('list', { name: 'Chosen people' }).getByText(handle, { exact: true })).toBeVisible();
  }
  await dialog.getByRole('button', { name: 'Add', exact: true }).last().click();
  await expect(dialog).toBeHidden();
}

/** Makes a link to the space that gives a role: what stands behind the address of the page. */
async function makesLink(who: Person, role: string): Promise<string> {
  await chooses(who, 'Invite by link');
  const dialog = who.dialog(`Invite people to ${SPACE}`);
  await dialog.getByLabel('They become').selectOption(role);
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  const link = await dialog.getByRole('textbox', { name: 'Link' }).inputValue();
  await dialog.locator('.dialog-foot').getByRole('button', { name: 'Close' }).click();
  await expect(dialog).toBeHidden();
  return link.slice(link.indexOf('/#'));
}

async function enters(who: Person, name: string): Promise<void> {
  const link = who.page.getByRole('list', { name: 'Spaces' }).getByRole('link', { name: new RegExp(SPACE) });
  if (!(await column(who).isVisible())) await link.click();
  await channel(who, name).click();
  await expect(who.page.getByRole('region', { name }).getByRole('log')).toBeVisible();
}

async function makesModerator(owner: Person, handle: string): Promise<void> {
  await owner.page.getByRole('button', { name: /^Members/ }).click();
  const panel = owner.page.getByRole('complementary', { name: 'Members' });
  await panel.getByRole('button', { name: handle }).click();
  await owner.page.getByRole('menuitem', { name: 'Change role' }).click();
  const dialog = owner.dialog(`Role of ${handle}`);
  await dialog.getByRole('radio', { name: 'Moderator' }).check();
  await dialog.getByRole('button', { name: 'Change role' }).click();
  await expect(dialog).toBeHidden();
}

test('whoever came as a moderator by a link slows one channel down, and the log of changes says which', async ({ signedUp }) => {
  test.slow();
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await createsSpace(alice);
  await adds(alice, ['cleo']);
  await enters(alice, 'general');
  await bob.page.goto(await makesLink(alice, 'Moderator'));
  await expect(bob.page.getByText('You come in as moderator.')).toBeVisible({ timeout: 20_000 });
  await bob.page.getByRole('button', { name: `Join ${SPACE}` }).click();
  await expect(channel(bob, 'general')).toBeVisible({ timeout: 20_000 });
  for (const person of [bob, cleo]) await enters(person, 'general');

  await bob.chooses('More', 'Slow mode');
  const dialog = bob.dialog('Slow mode in general');
  await dialog.getByRole('radio', { name: '5 seconds', exact: true }).check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await expect(dialog).toBeHidden();
  await expect(cleo.page.getByText('Slow mode: one message in 5 seconds.')).toBeVisible();
  await cleo.says('one');
  await cleo.says('two');
  await expect(cleo.message('two')).toHaveAttribute('data-message-state', 'pending');
  await expect(cleo.message('two')).toHaveAttribute('data-message-state', 'sent', { timeout: 20_000 });
  await bob.sees('two');
  // Elsewhere everything is as it was.
  await enters(cleo, 'questions');
  await expect(cleo.page.getByText(/^Slow mode/)).toHaveCount(0);
  // Members have no entry for it.
  await cleo.page.getByRole('button', { name: 'More', exact: true }).click();
  await expect(cleo.page.getByRole('menuitem', { name: 'Channel settings' })).toBeVisible();
  await expect(cleo.page.getByRole('menuitem', { name: /^Slow mode/ })).toHaveCount(0);
  await cleo.page.keyboard.press('Escape');

  await chooses(cleo, 'Log of changes');
  const changes = cleo.page.getByRole('list', { name: 'Changes, the newest first' });
  await expect(changes.getByText('bob turned slow mode on in #general: one message in 5 seconds.')).toBeVisible();
});

test('a moderator bans somebody from a space with a reason, and lifts it again', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await createsSpace(alice);
  await adds(alice, ['bob', 'cleo']);
  await enters(alice, 'general');
  await makesModerator(alice, 'bob');
  await enters(bob, 'general');
  await enters(cleo, 'general');
  await bob.page.getByRole('button', { name: /^Members/ }).click();
  await bob.page.getByRole('complementary', { name: 'Members' }).getByRole('button', { name: 'cleo' }).click();
  await bob.page.getByRole('menuitem', { name: /^Ban/ }).click();
  const ban = bob.dialog(`Ban cleo from ${SPACE}?`);
  await ban.getByRole('textbox', { name: /^Reason/ }).fill('sells things');
  await ban.getByRole('button', { name: 'Ban' }).click();
  await expect(ban).toBeHidden();
  await expect(cleo.page.getByText('You are banned from this space.').first()).toBeVisible();
  // Nothing is offered that cannot be done any more.
  await expect(cleo.page.getByText('No channels yet.')).toHaveCount(0);
  await column(cleo).getByRole('button', { name: SPACE }).click();
  await expect(cleo.page.getByRole('menuitem')).toHaveText(['Log of changes']);
  await cleo.page.keyboard.press('Escape');
  await chooses(alice, 'Log of changes');
  const changes = alice.page.getByRole('list', { name: 'Changes, the newest first' });
  await expect(changes.getByRole('listitem').filter({ hasText: 'bob removed and banned cleo.' })).toContainText('sells things');
  await chooses(alice, 'Banned people');
  await alice.dialog('Banned people').getByRole('button', { name: /^Lift the ban/ }).click();
  const lift = alice.dialog('Lift the ban on cleo?');
  await lift.getByRole('button', { name: 'Lift the ban' }).click();
  await expect(lift).toBeHidden();
  await adds(alice, ['cleo']);
  await expect(channel(cleo, 'general')).toBeVisible();
});

test('a time-out closes every channel of a space, a removal the space, and each is told why', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await createsSpace(alice);
  await adds(alice, ['bob', 'cleo']);
  for (const person of [alice, bob, cleo]) await enters(person, 'general');
  await alice.says('welcome, all');
  await cleo.sees('welcome, all');
  const about = async (handle: string, entry: RegExp, title: string): Promise<Locator> => {
    if (!(await alice.members.isVisible())) await alice.page.getByRole('button', { name: /^Members/ }).click();
    await alice.member(handle).click();
    await alice.page.getByRole('menuitem', { name: entry }).click();
    return alice.dialog(title);
  };
  const timeOut = await about('bob', /^Time-out/, 'Time-out for bob');
  await timeOut.getByRole('radio', { name: '10 minutes' }).check();
  await timeOut.getByRole('textbox', { name: /^Reason/ }).fill('take a breath');
  await timeOut.getByRole('button', { name: 'Start time-out' }).click();
  await expect(timeOut).toBeHidden();
  const closed = bob.page.getByRole('status').filter({ hasText: 'alice gave you a time-out until' });
  for (const name of ['general', 'questions']) {
    await enters(bob, name);
    await expect(closed).toContainText('take a breath');
    await expect(bob.composer).toHaveCount(0);
  }
  // He reads on, and nobody else is held up.
  await enters(bob, 'general');
  await cleo.says('what is on today?');
  for (const person of [alice, bob]) await person.sees('what is on today?');
  const end = await about('bob', /^End time-out/, 'End the time-out of bob?');
  await end.getByRole('button', { name: 'End time-out' }).click();
  await expect(end).toBeHidden();
  await bob.canWriteTo('general');
  await bob.says('back again');
  await alice.sees('back again');

  const remove = await about('cleo', /^Remove/, `Remove cleo from ${SPACE}?`);
  await remove.getByRole('textbox', { name: /^Reason/ }).fill('asked to go');
  await remove.getByRole('button', { name: 'Remove' }).click();
  await expect(remove).toBeHidden();
  await expect(alice.member('cleo')).toHaveCount(0);
  await expect(cleo.page.getByText('You were removed from this space.').first()).toBeVisible();
  await expect(cleo.composer).toHaveCount(0);
  await bob.says('cleo is gone');
  await alice.sees('cleo is gone');
  await cleo.seesNot('cleo is gone');
  await chooses(bob, 'Log of changes');
  const changes = bob.page.getByRole('list', { name: 'Changes, the newest first' });
  await expect(changes.getByRole('listitem').filter({ hasText: 'alice removed cleo.' })).toContainText('asked to go');
  await expect(changes.getByRole('listitem').filter({ hasText: 'alice gave you a time-out' })).toContainText('take a breath');
  // A removal is no ban.
  await adds(alice, ['cleo']);
  await enters(cleo, 'general');
  await cleo.canWriteTo('general');
  await cleo.sees('cleo is gone');
});

test('what is reported in a channel is gone through by moderators of the space', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await createsSpace(alice);
  await adds(alice, ['bob', 'cleo']);
  await enters(alice, 'general');
  await enters(bob, 'general');
  await enters(cleo, 'general');
  await bob.says('you are all fools');
  await cleo.sees('you are all fools');
  await cleo.message('you are all fools').hover();
  await cleo.message('you are all fools').getByRole('button', { name: 'More' }).click();
  await cleo.page.getByRole('menuitem', { name: /^Report/ }).click();
  const dialog = cleo.dialog('Report messages');
  await dialog.getByRole('button', { name: 'Send report' }).click();
  await expect(dialog).toBeHidden();
  await alice.page.getByRole('link', { name: 'Reports, 1' }).click();
  const report = alice.page.getByRole('list', { name: 'Reports, the oldest first' }).getByRole('listitem').first();
  await expect(report).toContainText('in general');
  await expect(report.getByText('Signed by bob')).toBeVisible();
  await report.getByRole('button', { name: 'Go to it' }).click();
  await alice.sees('you are all fools');
  await expect(alice.page).toHaveURL(/\/space\//);
});

test('a member with a changed client is refused by the relay, and by browsers when the relay lets it through', async ({ browser, relay, people }) => {
  const evil = await Evil.before(relay);
  const ada = await Person.arrives(browser, evil, 'ada');
  people.push(ada);
  ada.expectsTrouble();
  await ada.signsUp();
  const [eve, bob, mod] = [await Stranger.arrives(relay, 'eve'), await Stranger.arrives(relay, 'bob'), await Stranger.arrives(relay, 'mod')];
  await createsSpace(ada);
  await adds(ada, ['bob', 'eve', 'mod']);
  await enters(ada, 'general');
  const space = /\/space\/([\w-]{43})/.exec(ada.page.url())?.[1] ?? '';
  await makesModerator(ada, 'mod');
  const by = (who: Stranger, now: RoomLog, body: Buffer): string => who.signs(entry(now, who.actor, body));
  const forged = (now: RoomLog, body: Buffer): string => by(eve, now, body);
  const bodies = [
    createChannel(Buffer.alloc(16, 3)), redact(NOWHERE), timeOut(bob.user, Date.now() + 3_600_000), remove(bob.user, true), unban(bob.user),
  ];
  for (const body of bodies) {
    const now = await logOf(evil, space);
    await expect(eve.asks('rooms/append', { room_id: space, entries: [forged(now, body)], wraps: [] })).rejects.toThrow(/invalid_entry/);
    // It is not the form that is refused: of somebody who may it is taken.
    await mod.asks('rooms/append', { room_id: space, entries: [by(mod, now, body)], wraps: [] });
  }
  const now = await logOf(evil, space);
  for (const body of [setRole(eve.user, ROLE.owner), setRole(eve.user, ROLE.moderator)]) {
    await expect(eve.asks('rooms/append', { room_id: space, entries: [forged(now, body)], wraps: [] })).rejects.toThrow(/invalid_entry/);
  }
  await expect(eve.asks('reports/list', { room_id: space })).rejects.toThrow(/forbidden/);
  expect((await logOf(evil, space)).seq).toBe(now.seq);
  evil.tells({ type: 'log', room_id: space, from_seq: now.seq + 1, entries: [forged(now, createChannel(Buffer.alloc(16, 4)))] });
  await expect(ada.page.getByText('is stopped, to keep it safe.').first()).toBeVisible({ timeout: 15_000 });
  await expect(ada.composer).toHaveCount(0);
  await evil.remove();
});

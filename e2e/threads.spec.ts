// Threads: answers beside the conversation, on a desk and on a phone.

import type { Locator } from '@playwright/test';

import type { Person } from './people.ts';
import { expect, test } from './stage.ts';

const panel = (person: Person): Locator => person.page.getByRole('complementary', { name: 'Thread' });

const answer = (person: Person): Locator => panel(person).getByRole('textbox', { name: 'Answer' });

/** The conversation beside it. */
const main = (person: Person): Locator => person.page.getByRole('log', { name: /^Messages with/ });

const row = (person: Person, within: Locator, text: string): Locator =>
  within.getByRole('listitem').filter({ has: person.page.getByText(text, { exact: true }) });

const texts = (within: Locator): Promise<string[]> => within.locator('[data-message-state] .message-body').allTextContents();

async function startsThread(person: Person, text: string): Promise<void> {
  await row(person, main(person), text).hover();
  await row(person, main(person), text).getByRole('button', { name: 'More' }).click();
  await person.page.getByRole('menuitem', { name: 'Answer in a thread' }).click();
  await expect(panel(person)).toBeVisible();
}

async function answers(person: Person, text: string): Promise<void> {
  await answer(person).fill(text);
  await answer(person).press('Enter');
}

test('people answer beside the conversation, and see what is new there', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await bob.opensDirectWith('alice');
  await alice.says('which lamp?');
  await alice.says('by the way');
  await bob.sees('by the way');

  await startsThread(bob, 'which lamp?');
  await expect(answer(bob)).toBeFocused();
  await answers(bob, 'the red one');
  await answers(bob, 'or the blue one');
  await expect.poll(() => texts(panel(bob))).toEqual(['which lamp?', 'the red one', 'or the blue one']);
  // In the conversation they do not stand; its message says that they are there.
  await expect.poll(() => texts(main(bob))).toEqual(['which lamp?', 'by the way']);
  const chip = row(alice, main(alice), 'which lamp?').getByRole('link', { name: /answers/ });
  await expect(chip).toContainText('2 answers');
  await expect(chip).toContainText('2 new');

  await chip.click();
  await expect(alice.page).toHaveURL(/\/thread\//);
  await expect.poll(() => texts(panel(alice))).toEqual(['which lamp?', 'the red one', 'or the blue one']);
  await expect(chip).not.toContainText(/\d new/);
  await answers(alice, 'the blue one');
  // All of them in a list, and back.
  await panel(bob).getByRole('link', { name: 'All threads' }).click();
  await bob.page.getByRole('list', { name: 'Threads' }).getByRole('link', { name: /which lamp\?.*3 answers/ }).click();
  await expect.poll(() => texts(panel(bob))).toEqual(['which lamp?', 'the red one', 'or the blue one', 'the blue one']);

  // What is being written stays with its thread, over a reload of that very address.
  await answer(alice).fill('if it is not');
  await answer(alice).blur();
  await alice.composer.fill('something else');
  await alice.composer.blur();
  await alice.reloads();
  await expect(answer(alice)).toHaveValue('if it is not');
  await expect(alice.composer).toHaveValue('something else');

  // An answer is edited where it stands.
  await row(bob, panel(bob), 'the red one').hover();
  await row(bob, panel(bob), 'the red one').getByRole('button', { name: 'More' }).click();
  await bob.page.getByRole('menuitem', { name: 'Edit' }).click();
  await expect(answer(bob)).toHaveValue('the red one');
  await answers(bob, 'the reddish one');
  await expect.poll(() => texts(panel(alice))).toContain('the reddish one (edited)');

  // To the message, and back out.
  await panel(bob).getByRole('button', { name: 'Show in the conversation' }).click();
  await expect(row(bob, main(bob), 'which lamp?')).toBeFocused();
  await panel(bob).getByRole('link', { name: 'Close the thread' }).click();
  await expect(panel(bob)).toHaveCount(0);

  // The message goes, the thread stays to be read.
  await row(alice, main(alice), 'which lamp?').hover();
  await row(alice, main(alice), 'which lamp?').getByRole('button', { name: 'More' }).click();
  await alice.page.getByRole('menuitem', { name: 'Delete for everyone' }).click();
  await alice.dialog('Delete for everyone?').getByRole('button', { name: 'Delete' }).click();
  await main(bob).getByRole('link', { name: /3 answers/ }).click();
  await expect.poll(() => texts(panel(bob))).toEqual(['the reddish one (edited)', 'or the blue one', 'the blue one']);
  await expect(panel(bob).getByText('nothing more can be answered')).toBeVisible();
});

test('a thread that was read is read in every tab and browser', async ({ signedUp, anotherBrowserOf, anotherTabOf }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await bob.opensDirectWith('alice');
  await alice.says('which lamp?');
  await bob.sees('which lamp?');
  const tab = await anotherTabOf(alice);
  await tab.page.goto(alice.page.url());
  const second = await anotherBrowserOf(alice);
  await second.signsIn();
  await second.opens('bob');
  await startsThread(bob, 'which lamp?');
  await answers(bob, 'the red one');

  const chip = (person: Person): Locator => row(person, main(person), 'which lamp?').getByRole('link', { name: /answer/ });
  for (const person of [alice, tab, second]) {
    await expect(chip(person)).toContainText('1 new');
  }
  await chip(alice).click();
  for (const person of [alice, tab, second]) {
    await expect(chip(person)).not.toContainText(/\d new/, { timeout: 20_000 });
  }
});

test('a thread in a channel of a space calls whoever began it', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.page.getByRole('button', { name: 'Create a space' }).click();
  const dialog = alice.dialog('Create a space');
  await dialog.getByLabel('Name', { exact: true }).fill('Harbour');
  await dialog.getByRole('radio', { name: 'Community' }).check();
  await dialog.getByRole('button', { name: 'Create space' }).click();
  await expect(dialog).toBeHidden({ timeout: 20_000 });
  await alice.page.getByRole('navigation', { name: 'Channels of Harbour' }).getByRole('button', { name: 'Harbour' }).click();
  await alice.page.getByRole('menuitem', { name: 'Add people' }).click();
  const people = alice.dialog('Add people to Harbour');
  await people.getByRole('textbox', { name: 'People' }).fill('bob');
  await people.getByRole('textbox', { name: 'People' }).press('Enter');
  await people.getByRole('button', { name: 'Add', exact: true }).last().click();
  await expect(people).toBeHidden();
  const channel = (who: Person, name: string): Locator => who.page.locator('.channel-row').getByRole('link', { name });
  await channel(alice, 'general').click();
  await alice.says('which pier?');
  await bob.page.getByRole('list', { name: 'Spaces' }).getByRole('link', { name: /Harbour/ }).click();
  await channel(bob, 'general').click();
  await expect(row(bob, main(bob), 'which pier?')).toBeVisible();
  await channel(alice, 'questions').click();

  await startsThread(bob, 'which pier?');
  await expect(bob.page).toHaveURL(/\/space\/[^/]+\/[^/]+\/thread\//);
  await answers(bob, 'the northern one');
  // It is no news of the channel, but of a thread of hers.
  await expect(channel(alice, 'general')).toContainText('Unread in a thread');
  await channel(alice, 'general').click();
  await alice.page.getByRole('link', { name: 'Something new in a thread' }).click();
  await expect.poll(() => texts(panel(alice))).toEqual(['which pier?', 'the northern one']);
  await expect(alice.page.getByRole('link', { name: 'Something new in a thread' })).toHaveCount(0);
  // It is reported as what it is: an answer among answers, with no place in the channel.
  await row(alice, panel(alice), 'the northern one').hover();
  await row(alice, panel(alice), 'the northern one').getByRole('button', { name: 'More' }).click();
  await expect(alice.page.getByRole('menuitem', { name: 'Mark unread from here' })).toHaveCount(0);
  await alice.page.getByRole('menuitem', { name: 'Report…' }).click();
  const report = alice.page.getByRole('form', { name: 'Report messages' });
  await expect(report.getByRole('checkbox')).toHaveCount(1);
  await expect(report.getByRole('checkbox', { name: /the northern one/ })).toBeChecked();
  await alice.page.keyboard.press('Escape');
  // A command is none of what is said, in a thread as elsewhere.
  await answers(alice, '/poll which one?');
  await expect(panel(alice).getByText('/poll cannot be used here.')).toBeVisible();
  await answer(alice).fill('');
  // The column of the space stays beside it.
  await expect(channel(alice, 'general')).toBeVisible();

  // An answer quotes another one, there.
  await row(alice, panel(alice), 'the northern one').hover();
  await row(alice, panel(alice), 'the northern one').getByRole('button', { name: 'Reply' }).click();
  await expect(panel(alice).getByText('Replying to')).toBeVisible();
  await answers(alice, 'thanks');
  await expect(row(bob, panel(bob), 'thanks').getByRole('button', { name: /alice|bob/ }).first()).toContainText('the northern one');

  // Out with Escape, back to where it was opened from.
  await answer(alice).press('Escape');
  await expect(panel(alice)).toHaveCount(0);
  await expect(alice.page.getByRole('link', { name: /2 answers/ })).toBeFocused();
});

test('in a thread one edits and leaves by the keyboard, as beside it', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await bob.opensDirectWith('alice');
  await bob.says('which lamp?');
  await alice.sees('which lamp?');
  await startsThread(alice, 'which lamp?');
  await answers(alice, 'the red one');
  await answers(alice, 'or the blue one');
  await expect(panel(alice).locator('[data-message-state=sent]')).toHaveCount(3);
  const editing = panel(alice).getByText('Editing your answer');

  // Up takes the last of one's own, with the caret behind it; Esc leaves it, and the thread stays.
  await answer(alice).press('ArrowUp');
  await expect(editing).toBeVisible();
  await expect(answer(alice)).toHaveValue('or the blue one');
  await expect(answer(alice)).toBeFocused();
  await alice.page.keyboard.type(', never mind');
  await expect(answer(alice)).toHaveValue('or the blue one, never mind');
  await answer(alice).press('Escape');
  await expect(editing).toHaveCount(0);
  await expect(answer(alice)).toHaveValue('');
  await expect(answer(alice)).toBeFocused();

  // What is left as it was is not edited.
  await answer(alice).press('ArrowUp');
  await expect(editing).toBeVisible();
  await answer(alice).press('Enter');
  await expect(editing).toHaveCount(0);
  expect(await texts(panel(alice))).toEqual(['which lamp?', 'the red one', 'or the blue one']);
  await answer(alice).press('ArrowUp');
  await answer(alice).fill('or the green one');
  await answer(alice).press('Enter');
  await expect.poll(() => texts(panel(alice))).toEqual(['which lamp?', 'the red one', 'or the green one (edited)']);
  await expect(answer(alice)).toHaveValue('');
  // What one began is not what somebody else began: Up goes to no message of the conversation.
  await startsThread(bob, 'which lamp?');
  await expect.poll(() => texts(panel(bob))).toEqual(['which lamp?', 'the red one', 'or the green one (edited)']);
  await answer(bob).press('ArrowUp');
  await expect(panel(bob).getByText('Editing your answer')).toHaveCount(0);
  await expect(bob.page.getByText('Editing your message')).toHaveCount(0);

  // Nothing to leave any more: Esc leaves the thread.
  await answer(alice).press('Escape');
  await expect(panel(alice)).toHaveCount(0);
});

test('on a phone a thread is a page of its own', async ({ newPerson }) => {
  const [alice, bob] = [await newPerson('alice', { context: { hasTouch: true } }), await newPerson('bob')];
  await Promise.all([alice.signsUp(), bob.signsUp()]);
  await alice.opensDirectWith('bob');
  await bob.opensDirectWith('alice');
  await bob.says('walk?');
  await alice.sees('walk?');
  await startsThread(bob, 'walk?');
  await answers(bob, 'by the river');
  // What is answered stands apart, and says who wrote it.
  await expect(panel(bob).getByText('1 answer', { exact: true })).toBeVisible();
  await expect(row(bob, panel(bob), 'by the river').locator('.message-author')).toHaveText('bob');
  await alice.page.setViewportSize({ width: 390, height: 844 });
  await alice.chooses('More', 'Threads');
  await alice.page.getByRole('list', { name: 'Threads' }).getByRole('link', { name: /walk\?.*1 new/ }).tap();
  await expect.poll(() => texts(panel(alice))).toEqual(['walk?', 'by the river']);
  await panel(alice).getByRole('link', { name: 'Back to the conversation' }).tap();
  await main(alice).getByRole('link', { name: /1 answer/ }).tap();
  await expect(main(alice)).toBeHidden();
  await expect.poll(() => texts(panel(alice))).toEqual(['walk?', 'by the river']);
  await answer(alice).fill('yes');
  await panel(alice).getByRole('button', { name: 'Send the answer' }).tap();
  await expect.poll(() => texts(panel(bob))).toEqual(['walk?', 'by the river', 'yes']);
  // What calls her there is read there.
  await answers(bob, 'now, @alice');
  await expect(panel(alice).getByText('now,')).toBeVisible();
  await expect(alice.page).not.toHaveTitle(/^\(/);
  await panel(alice).getByRole('link', { name: 'Back to the conversation' }).tap();
  await expect(main(alice)).toBeVisible();
  await expect(main(alice).getByRole('link', { name: /3 answers/ })).toBeVisible();
});

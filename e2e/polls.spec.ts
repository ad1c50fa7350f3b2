// Polls: asked, answered, changed, ended; by keyboard and by touch, on a desk and on a phone.

import type { Locator } from '@playwright/test';

import type { Person } from './people.ts';
import { expect, test } from './stage.ts';

const poll = (person: Person, question: string): Locator =>
  person.log.getByRole('form', { name: 'Poll' }).filter({ hasText: question });

/** Opens the menu of a poll. */
async function opensMenu(person: Person, question: string): Promise<void> {
  const form = person.page.getByRole('form', { name: 'Poll' }).filter({ hasText: question });
  const row = person.log.getByRole('listitem').filter({ has: form });
  await row.hover();
  await row.getByRole('button', { name: 'More' }).click();
}

/** Who chose each answer, as the numbers beside them say. */
const counts = (card: Locator): Locator => card.locator('.poll-count');

async function asks(person: Person, question: string, answers: string[], several = false): Promise<void> {
  await person.chooses('Add something else', 'Poll');
  await fillsIn(person, question, answers, several);
}

async function fillsIn(person: Person, question: string | undefined, answers: string[], several = false): Promise<void> {
  const dialog = person.dialog('New poll');
  if (question !== undefined) await dialog.getByLabel('Question').fill(question);
  for (const [at, answer] of answers.entries()) await dialog.getByLabel(`Answer ${at + 1}`).fill(answer);
  if (several) await dialog.getByRole('checkbox', { name: 'Several answers' }).check();
  await dialog.getByRole('button', { name: 'Ask' }).click();
  await expect(dialog).toBeHidden();
}

test('three people choose, change their minds, and see who chose what', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Repair night', ['bob', 'cleo']);
  await bob.opensToWrite('Repair night');
  await cleo.opensToWrite('Repair night');

  // What is missing is said where it is missing.
  await alice.chooses('Add something else', 'Poll');
  const dialog = alice.dialog('New poll');
  await expect(dialog.getByLabel('Question')).toBeFocused();
  await dialog.getByLabel('Question').fill('What do we open first?');
  await dialog.getByRole('button', { name: 'Ask' }).click();
  await expect(dialog.getByText('A poll needs a question and 2 to 12 answers.')).toBeVisible();
  await expect(dialog.getByLabel('Answer 1')).toBeFocused();
  // A field more comes while one types, and Enter goes on.
  await dialog.getByLabel('Answer 1').fill('The espresso machine');
  await dialog.getByLabel('Answer 1').press('Enter');
  await expect(dialog.getByLabel('Answer 2')).toBeFocused();
  await dialog.getByLabel('Answer 2').fill('The radio');
  await expect(dialog.getByLabel('Answer 3')).toBeVisible();
  await expect(dialog.getByText('A poll needs a question')).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Ask' }).click();
  await expect(dialog).toBeHidden();

  const [asked, bobs, cleos] = [alice, bob, cleo].map((person) => poll(person, 'What do we open first?')) as [Locator, Locator, Locator];
  await bobs.getByRole('radio', { name: 'The radio' }).check();
  await cleos.getByRole('radio', { name: 'The radio' }).check();
  await asked.getByRole('radio', { name: 'The espresso machine' }).check();
  for (const card of [asked, bobs, cleos]) {
    await expect(counts(card)).toHaveText([/^1/, /^2/]);
    await expect(card).toContainText('3 votes');
  }
  await expect(asked.getByRole('status')).toHaveText('You chose The espresso machine.');

  // By the keyboard: arrows only go there, space chooses.
  await bobs.getByRole('radio', { name: 'The radio' }).focus();
  await bob.page.keyboard.press('ArrowUp');
  await expect(bobs.getByRole('radio', { name: 'The espresso machine' })).toBeFocused();
  await expect(bobs.getByRole('radio', { name: 'The radio' })).toBeChecked();
  await bob.page.keyboard.press('Space');
  await cleos.getByRole('button', { name: 'Take back' }).click();
  for (const card of [asked, bobs, cleos]) await expect(counts(card)).toHaveText([/^2/, /^0/]);

  await cleos.getByRole('button', { name: 'Who voted' }).click();
  const who = cleo.dialog('Who voted');
  await expect(who.getByRole('list').first().getByRole('listitem').filter({ hasText: 'The espresso machine' })).toContainText('alice');
  await expect(who).toContainText('bob');
  await who.getByRole('button', { name: 'Close', exact: true }).last().click();

  // Bob may not end it; who asked may. Cleo hears of it.
  await opensMenu(bob, 'What do we open first?');
  await expect(bob.page.getByRole('menuitem', { name: 'Copy text' })).toBeVisible();
  await expect(bob.page.getByRole('menuitem', { name: 'End the poll' })).toHaveCount(0);
  await bob.page.keyboard.press('Escape');
  await opensMenu(alice, 'What do we open first?');
  await alice.page.getByRole('menuitem', { name: 'End the poll' }).click();
  await alice.dialog('End the poll?').getByRole('button', { name: 'End the poll' }).click();
  for (const card of [asked, bobs, cleos]) {
    await expect(card).toContainText('2 votes, closed');
    await expect(card.getByRole('radio').first()).toBeDisabled();
  }
  await expect(cleos.getByRole('status')).toHaveText('The poll is closed. The espresso machine, 2 votes.');
  await cleo.reloads();
  await expect(cleos).toContainText('2 votes, closed');
  await expect(counts(cleos)).toHaveText([/^2/, /^0/]);
});

test('a vote without a connection waits, and the poll goes with its message', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await bob.opensDirectWith('alice');
  for (const part of ['one', 'two']) await alice.says(Array.from({ length: 29 }, (_, at) => `${part}, line ${at + 1}`).join('\n'));
  await alice.goesToTheBeginning();
  // The other way to begin one.
  await alice.composer.fill('/poll Which days?');
  await alice.composer.press('Enter');
  await expect(alice.dialog('New poll').getByLabel('Question')).toHaveValue('Which days?');
  await fillsIn(alice, undefined, ['Monday', 'Tuesday', 'Wednesday'], true);
  const [asked, bobs] = [poll(alice, 'Which days?'), poll(bob, 'Which days?')];
  // One's own comes on screen wherever one was reading.
  await expect(asked).toBeInViewport();
  await bobs.getByRole('checkbox', { name: 'Monday' }).check();
  await expect(counts(asked)).toHaveText([/^1/, /^0/, /^0/]);

  bob.goesOffline();
  await bobs.getByRole('checkbox', { name: 'Wednesday' }).check();
  await expect(bobs).toContainText('Your vote is sent once there is a connection');
  await expect(counts(bobs)).toHaveText([/^1/, /^0/, /^1/]);
  await expect(counts(asked)).toHaveText([/^1/, /^0/, /^0/]);
  await bob.comesBack();
  await expect(counts(asked)).toHaveText([/^1/, /^0/, /^1/]);
  await expect(bobs).not.toContainText('once there is a connection');

  await opensMenu(alice, 'Which days?');
  await expect(alice.page.getByRole('menuitem', { name: 'Edit' })).toHaveCount(0);
  await alice.page.getByRole('menuitem', { name: 'Delete for everyone' }).click();
  await alice.dialog('Delete for everyone?').getByRole('button', { name: 'Delete' }).click();
  await expect(bobs).toHaveCount(0);
  await expect(bob.log.getByText(/deleted a message/)).toBeVisible();
});

test.describe('on a phone', () => {
  test('polls are made and answered by touch', async ({ newPerson }) => {
    const phone = { context: { hasTouch: true } };
    const [alice, bob] = [await newPerson('alice', phone), await newPerson('bob', phone)];
    await Promise.all([alice.signsUp(), bob.signsUp()]);
    await alice.opensDirectWith('bob');
    await bob.opensDirectWith('alice');
    for (const { page } of [alice, bob]) await page.setViewportSize({ width: 390, height: 844 });
    await asks(alice, 'Now?', ['Yes', 'No']);
    const [asked, bobs] = [poll(alice, 'Now?'), poll(bob, 'Now?')];
    await bobs.getByText('No', { exact: true }).tap();
    await expect(counts(asked)).toHaveText([/^0/, /^1/]);
    await asked.getByText('Yes', { exact: true }).tap();
    await expect(counts(bobs)).toHaveText([/^1/, /^1/]);
    // Nothing stands out over the side.
    for (const card of [asked, bobs]) {
      const box = await card.boundingBox();
      expect(box && box.x >= 0 && box.x + box.width <= 390).toBe(true);
    }
    await asked.getByRole('button', { name: 'Who voted' }).tap();
    await expect(alice.dialog('Who voted')).toContainText('bob');
  });
});

// A link to one message, and a day to go to.

import type { Locator } from '@playwright/test';

import type { Person } from './people.ts';
import { expect, test } from './stage.ts';

/** The link of a message, as it was copied. */
async function copies(person: Person, text: string): Promise<string> {
  await person.context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await person.message(text).hover();
  await person.message(text).getByRole('button', { name: 'More' }).click();
  await person.page.getByRole('menuitem', { name: 'Copy link' }).click();
  await expect(person.page.getByText('Link copied')).toBeVisible();
  return person.page.evaluate(() => navigator.clipboard.readText());
}

/** What stands behind the address of the server, which is another one behind each cable. */
const fragmentOf = (link: string): string => link.slice(link.indexOf('#'));

test('a link to a message leads there whoever may read it, through signing in, and says so where it cannot', async ({
  signedUp,
  anotherBrowserOf,
}) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Sunday walk', ['bob']);
  await alice.says('the meeting point is the mill');
  for (let number = 0; number < 80; number += 1) await alice.says(`line ${number}`);
  await alice.hasSentEverything();
  await bob.opensToWrite('Sunday walk');
  await alice.goesToTheBeginning();
  const link = await copies(alice, 'the meeting point is the mill');
  expect(link).toMatch(/^http:\/\/[^/]+\/#m\.[\w-]{43}\.[\w-]{22}\.1$/);

  await bob.page.goto(`/${fragmentOf(link)}`);
  await expect(bob.message('the meeting point is the mill')).toBeFocused();
  // The address holds no link any more: a reload stays in the conversation.
  expect(new URL(bob.page.url()).hash).toBe('');

  // Through signing in.
  const elsewhere = await anotherBrowserOf(bob);
  await elsewhere.page.goto(`/${fragmentOf(link)}`);
  await elsewhere.page.getByLabel('Handle').fill('bob');
  await elsewhere.page.getByLabel('Password', { exact: true }).fill(elsewhere.password);
  await elsewhere.pressesSignIn();
  await elsewhere.isIn();
  await expect(elsewhere.message('the meeting point is the mill')).toBeFocused();

  // From a message, with no page loaded.
  await alice.page.getByRole('button', { name: 'Newest' }).click();
  await alice.says(`look: ${link}`);
  await alice.log.getByRole('link', { name: /#m\./ }).click();
  await expect(alice.message('the meeting point is the mill')).toBeFocused();

  // Cleo is not in the room, and nothing of it is hers to see.
  await cleo.page.goto(`/${fragmentOf(link)}`);
  await expect(cleo.page.getByText('This conversation is not here')).toBeVisible();
  // A number that is none.
  await bob.page.goto(`/${fragmentOf(link).replace(/1$/, '999')}`);
  await expect(bob.page.getByText('That message is not here.')).toBeVisible();
});

test('a day of a conversation is gone to from the menu and from the line between days', async ({ signedUp }) => {
  const [alice] = await signedUp('alice', 'bob');
  await alice.makesGroup('Sunday walk', ['bob']);
  await alice.says('first of all');
  for (let number = 0; number < 60; number += 1) await alice.says(`line ${number}`);
  await alice.hasSentEverything();
  await alice.chooses('More', 'Go to a date');
  const dialog = alice.dialog('Go to a date');
  await expect(dialog.getByLabel('Day')).toHaveValue(/^\d{4}-\d{2}-\d{2}$/);
  await dialog.getByLabel('Day').fill('2024-02-29');
  await dialog.getByRole('button', { name: 'Go there' }).click();
  await expect(dialog).toBeHidden();
  await expect(alice.log.locator('li:focus')).toHaveAttribute('data-flash', '');
  await expect(alice.message('first of all')).toBeInViewport();
  // No row changes its height when the pointer or the keyboard leaves it: the press meets the line.
  await alice.log.getByRole('button', { name: 'Today' }).click();
  await dialog.getByLabel('Day').fill('');
  await expect(dialog.getByRole('button', { name: 'Go there' })).toBeDisabled();
  await alice.page.keyboard.press('Escape');
});

test('a day is gone to by two people, and the one who came later finds the same first message', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.makesGroup('Sunday walk', ['bob']);
  await alice.says('first of all');
  for (let number = 0; number < 80; number += 1) await alice.says(`line ${number}`);
  await alice.hasSentEverything();
  await bob.opensToWrite('Sunday walk');
  await bob.sees('line 79');
  // One by the menu, the other by a command.
  await alice.chooses('More', 'Go to a date');
  await bob.composer.fill('/date');
  await bob.composer.press('Enter');
  for (const person of [alice, bob]) {
    const dialog = person.dialog('Go to a date');
    await dialog.getByLabel('Day').fill('2024-02-29');
    await dialog.getByRole('button', { name: 'Go there' }).click();
    await expect(dialog).toBeHidden();
    await expect(person.message('first of all')).toBeInViewport();
    await expect(person.message('line 79')).not.toBeInViewport();
  }
  await expect(bob.composer).toHaveValue('');
  // What is said there stands at the end, for both.
  await alice.page.getByRole('button', { name: 'Newest' }).click();
  await expect(alice.message('line 79')).toBeInViewport();
  await bob.says('I am at the beginning');
  await bob.sees('I am at the beginning');
  await alice.sees('I am at the beginning');
});

test('a link to a message in a channel leads into its space, and to nobody from a private one', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const { page } = alice;
  const channel = (person: Person, name: string): Locator => person.page.locator('.channel-row').getByRole('link', { name });
  await page.getByRole('button', { name: 'Create a space' }).click();
  const create = alice.dialog('Create a space');
  await create.getByLabel('Name', { exact: true }).fill('Harbour Makers');
  await create.getByRole('radio', { name: 'Community' }).check();
  await create.getByRole('button', { name: 'Create space' }).click();
  await page.getByRole('navigation', { name: 'Channels of Harbour Makers' }).getByRole('button', { name: 'Harbour Makers' }).click();
  await page.getByRole('menuitem', { name: 'Add people' }).click();
  const add = alice.dialog('Add people to Harbour Makers');
  await add.getByRole('textbox', { name: 'People' }).fill('bob');
  await add.getByRole('button', { name: 'Add', exact: true }).last().click();
  await expect(add).toBeHidden();
  const links: string[] = [];
  for (const [name, text] of [['questions', 'which paint for the keel?'], ['stewards', 'the key lies under the mat']] as const) {
    await channel(alice, name).click();
    await alice.canWriteTo(name);
    await alice.says(text);
    if (name === 'questions') for (let number = 0; number < 60; number += 1) await alice.says(`line ${number}`);
    await alice.hasSentEverything();
    await alice.goesToTheBeginning();
    links.push(await copies(alice, text));
  }
  const [open, hidden] = links.map(fragmentOf) as [string, string];
  expect(open).toMatch(/^#m\.[\w-]{43}\.[\w-]{22}\.\d+$/);
  // From among his messages.
  await bob.opensDirectWith('alice');
  await bob.page.goto(`/${open}`);
  await expect(bob.message('which paint for the keel?')).toBeFocused();
  await expect(bob.page).toHaveURL(/\/space\/[\w-]{43}\/[\w-]{22}$/);
  await expect(channel(bob, 'questions')).toHaveAttribute('aria-current', 'page');
  await bob.page.goto(`/${hidden}`);
  await expect(bob.page.getByText(/is not here/)).toBeVisible();
  await bob.seesNot('the key lies under the mat');
});

// A link to one message, and a day to go to.

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

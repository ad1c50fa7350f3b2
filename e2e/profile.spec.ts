// A name beside the handle: told where one writes, shown instead of the handle, and never where the handle is what counts.

import { expect, test } from './stage.ts';

const SIZES = [
  { width: 1280, height: 800 },
  { width: 390, height: 844 },
];

for (const viewport of SIZES) {
  test(`a name and a status reach the others, ${viewport.width} px`, async ({ signedUp, newPerson, anotherBrowserOf }) => {
    const [alice] = await signedUp('alice');
    const bob = await (await newPerson('bob', { context: { viewport } })).signsUp();
    await alice.makesGroup('Sunday walk', ['bob']);
    await alice.says('who comes?');
    await bob.opensToWrite('Sunday walk');
    await bob.sees('who comes?');
    await bob.says('me');
    await bob.hasSentEverything();
    await alice.page.goto('/settings/profile');
    const form = alice.page.getByRole('form', { name: 'Profile' });
    await form.getByLabel('Name').fill('Alice of the Bridge');
    await form.getByLabel('Status').fill('out walking');
    await form.getByRole('button', { name: 'Save' }).click();
    await expect(alice.page.getByText('People see it where you write next.')).toBeVisible();
    await alice.page.goto('/messages');
    await alice.opensToWrite('Sunday walk');
    const author = bob.log.getByRole('button', { name: 'Alice of the Bridge', includeHidden: true });
    await expect(author.first()).toBeVisible();
    await author.first().click();
    const card = bob.dialog('Profile');
    await expect(card.getByText('Alice of the Bridge')).toBeVisible();
    await expect(card.getByText('alice@')).toBeVisible();
    await expect(card.getByText('out walking')).toBeVisible();
    await expect(card.getByText('Owner')).toBeVisible();
    // The safety number is about the handle.
    await card.getByRole('button', { name: 'Safety number' }).click();
    await expect(bob.dialog('Safety number with alice')).toBeVisible();
    await bob.page.keyboard.press('Escape');
    const elsewhere = await anotherBrowserOf(alice);
    await elsewhere.signsIn();
    await elsewhere.page.goto('/settings/profile');
    await expect(elsewhere.page.getByRole('form', { name: 'Profile' }).getByLabel('Name')).toHaveValue('Alice of the Bridge');
    for (const person of [alice, bob]) {
      expect(person.wire.passed.filter(({ bytes }) => bytes.includes('Alice of the Bridge'))).toEqual([]);
    }
  });
}

test('a request says the handle beside the name', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.page.goto('/settings/profile');
  await alice.page.getByRole('form', { name: 'Profile' }).getByLabel('Name').fill('Your bank');
  await alice.page.getByRole('button', { name: 'Save' }).click();
  await alice.page.goto('/messages');
  await alice.opensDirectWith('bob');
  await alice.says('hello');
  await alice.hasSentEverything();
  await bob.column.getByRole('list', { name: 'Requests' }).getByRole('link').click();
  await expect(bob.page.getByRole('heading', { name: 'Your bank wants to talk with you' })).toBeVisible();
  await expect(bob.page.getByText('Their handle is alice.')).toBeVisible();
});

test('one’s own link leads to oneself and can be copied', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.page.goto('/settings/profile');
  await expect(alice.page.getByRole('img', { name: 'The link as a code' })).toBeVisible();
  const link = await alice.page.getByRole('textbox', { name: 'Your link' }).inputValue();
  expect(link).toMatch(/\/#c1\.[\w-]{43}\.alice$/);
  await bob.page.goto(link.slice(link.indexOf('/#')));
  await expect(bob.page.getByRole('heading', { name: 'alice' })).toBeVisible();
  await bob.page.getByRole('button', { name: 'Write a message' }).click();
  await bob.canWriteTo('alice');
});

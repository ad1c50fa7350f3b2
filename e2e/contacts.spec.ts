// Who writes for the first time waits; what was decided holds in every browser.

import { PHONE } from './people.ts';
import { expect, test } from './stage.ts';

for (const [width, options] of [[1280, {}], [390, PHONE]] as const) {
  test(`somebody who writes first waits until they are accepted, ${width} px`, async ({ signedUp, newPerson }) => {
    const [alice] = await signedUp('alice');
    const bob = await (await newPerson('bob', options)).signsUp();
    const { page } = bob;
    await alice.opensDirectWith('bob');
    await alice.says('hello, we met on Sunday');
    await alice.hasSentEverything();
    const requests = bob.column.getByRole('list', { name: 'Requests' });
    await expect(requests.getByRole('link')).toContainText('hello, we met on Sunday');
    await expect(bob.conversations.getByRole('link')).toHaveCount(0);
    // Nothing calls for it: no number, no title.
    await expect(requests.locator('.badge')).toHaveCount(0);
    expect(await page.title()).not.toMatch(/^\(/);
    await bob.presses(requests.getByRole('link'));
    await bob.sees('hello, we met on Sunday');
    await expect(page.getByRole('heading', { name: 'alice wants to talk with you' })).toBeVisible();
    await expect(bob.composer).toHaveCount(0);
    await expect(alice.readMark('hello, we met on Sunday')).toHaveCount(0);
    await bob.presses(page.getByRole('button', { name: 'Accept' }));
    await expect(bob.composer).toBeVisible();
    await expect(alice.readMark('hello, we met on Sunday')).toBeVisible();
    await bob.says('yes, on the bridge');
    await alice.sees('yes, on the bridge');
    for (const [person, other] of [[alice, 'bob'], [bob, 'alice']] as const) {
      await person.page.goto('/contacts');
      await expect(person.page.getByRole('main').getByRole('button', { name: other })).toBeVisible();
      await person.fits();
    }
  });
}

test('somebody who is blocked is not there any more, in any browser, until that is taken back', async ({ signedUp, anotherBrowserOf }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Sunday walk', ['bob', 'cleo']);
  await alice.says('in the group');
  await alice.opensDirectWith('bob');
  await alice.says('read this');
  await alice.hasSentEverything();
  await bob.column.getByRole('list', { name: 'Requests' }).getByRole('link').click();
  await bob.sees('read this');
  await bob.page.getByRole('button', { name: 'Block' }).click();
  await expect(bob.page.getByText('alice is blocked. They are not told.')).toBeVisible();
  await expect(bob.column.getByRole('list', { name: 'Requests' })).toHaveCount(0);
  await bob.opens('Sunday walk');
  await expect(bob.log.getByText('A message of somebody you blocked.')).toBeVisible();
  await bob.seesNot('in the group');
  await alice.says('and this');
  await alice.hasSentEverything();
  // Among others they call for nothing, and what others answer to them shows nothing of it.
  await bob.page.goto('/contacts');
  const walk = bob.conversations.getByRole('link').filter({ hasText: 'Sunday walk' });
  await alice.opens('Sunday walk');
  await alice.says('@bob look here');
  await alice.hasSentEverything();
  await cleo.opensToWrite('Sunday walk');
  const asked = cleo.message('@bob look here');
  await asked.hover();
  await asked.getByRole('button', { name: 'Reply' }).click();
  await cleo.says('so do I');
  await expect(walk).toContainText('so do I');
  await expect(bob.page).not.toHaveTitle(/^\(/);
  await alice.says('@bob and here');
  await expect(walk).toContainText('A message of somebody you blocked.');
  await expect(bob.page).not.toHaveTitle(/^\(/);
  await bob.opens('Sunday walk');
  await expect(bob.message('so do I').locator('.reply')).toHaveText('A message of somebody you blocked.');
  await bob.seesNot('look here');
  const elsewhere = await anotherBrowserOf(bob);
  await elsewhere.signsIn();
  await elsewhere.isOnline();
  await expect(elsewhere.conversations.getByRole('link')).toHaveCount(1);
  await expect(elsewhere.column.getByRole('list', { name: 'Requests' })).toHaveCount(0);
  await elsewhere.page.goto('/contacts/blocked');
  await elsewhere.page.getByRole('button', { name: 'Unblock' }).click();
  await expect(elsewhere.page.getByText('Nobody is blocked')).toBeVisible();
  await elsewhere.column.getByRole('list', { name: 'Requests' }).getByRole('link').click();
  await elsewhere.sees('and this');
});

test('a request that is cancelled goes on both sides, and can be made again', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const requests = bob.column.getByRole('list', { name: 'Requests' });
  await alice.page.goto('/contacts');
  await alice.page.getByLabel('Handle or link').fill('bob');
  await alice.page.getByRole('button', { name: 'Add contact' }).click();
  await alice.canWriteTo('bob');
  await alice.says('sent by mistake');
  await alice.hasSentEverything();
  await expect(requests.getByRole('link')).toContainText('sent by mistake');
  await alice.page.goto('/contacts/requests');
  await alice.page.getByRole('main').getByRole('button', { name: 'Cancel' }).click();
  await expect(alice.page.getByText('No requests')).toBeVisible();
  await expect(alice.conversations.getByRole('link')).toHaveCount(0);
  await expect(requests).toHaveCount(0);
  await alice.page.goto('/contacts/blocked');
  await expect(alice.page.getByText('Nobody is blocked')).toBeVisible();
  // It waits with what is new in it.
  await alice.opensDirectWith('bob');
  await expect(requests).toHaveCount(0);
  await alice.says('now I mean it');
  await requests.getByRole('link').click();
  await bob.sees('now I mean it');
  await bob.seesNot('sent by mistake');
  await bob.page.getByRole('button', { name: 'Accept' }).click();
  await bob.says('then yes');
  await alice.sees('then yes');
  // Out of the contacts again: what was said stays, and is no request.
  await bob.page.goto('/contacts');
  await bob.page.getByRole('main').getByRole('button', { name: 'alice' }).click();
  await bob.dialog('Profile').getByRole('button', { name: 'Remove contact' }).click();
  await expect(bob.dialog('Profile').getByText('One of your contacts')).toHaveCount(0);
  await bob.page.keyboard.press('Escape');
  await expect(bob.page.getByText('Nobody yet')).toBeVisible();
  await bob.opensToWrite('alice');
  await bob.sees('now I mean it');
  await expect(requests).toHaveCount(0);
});

test('a request that is declined goes quietly, and can be taken up again', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('may I?');
  await alice.hasSentEverything();
  await alice.page.goto('/contacts/requests');
  await expect(alice.page.getByRole('main').getByText('has not answered yet')).toBeVisible();
  await bob.page.goto('/contacts/requests');
  const request = bob.page.getByRole('main').getByRole('listitem').filter({ hasText: 'may I?' });
  await request.getByRole('button', { name: 'Look' }).click();
  await bob.page.getByRole('button', { name: 'Decline' }).click();
  await expect(bob.page.getByText('Declined. They are not told.')).toBeVisible();
  await expect(bob.column.getByRole('link').filter({ hasText: 'alice' })).toHaveCount(0);
  await bob.page.goto('/contacts/blocked');
  await bob.page.getByRole('button', { name: 'Let them ask again' }).click();
  await bob.page.goto('/contacts/requests');
  await request.getByRole('button', { name: 'Accept' }).click();
  await bob.opensToWrite('alice');
  await bob.sees('may I?');
});

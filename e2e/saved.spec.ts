// Messages put aside for later: a list of one's own, in every browser of the account. On a phone: phone.spec.ts.

import { expect, test } from './stage.ts';

test('a message is put aside, found again and taken out', async ({ signedUp, anotherBrowserOf }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.makesGroup('Garden', ['bob']);
  await bob.opensToWrite('Garden');
  await bob.says('the seeds are in the blue tin');
  await alice.sees('the seeds are in the blue tin');
  const row = alice.message('the seeds are in the blue tin');
  await row.hover();
  await row.getByRole('button', { name: 'More' }).click();
  await alice.page.getByRole('menuitem', { name: 'Save for later' }).click();
  await expect(alice.page.getByText('Saved for later')).toBeVisible();
  // What is said in passing lies over neither the newest message nor the place to write.
  const [said, newest] = [await alice.page.locator('.toast').boundingBox(), await row.boundingBox()];
  expect(said && newest && said.y + said.height <= newest.y).toBe(true);
  await alice.page.goto('/messages');

  await alice.page.getByRole('link', { name: 'Saved messages' }).click();
  await expect(alice.page).toHaveURL(/\/saved$/);
  const list = alice.page.getByRole('list', { name: 'Saved messages' });
  await expect(list.getByRole('listitem')).toHaveCount(1);
  await expect(list).toContainText('bob');
  await expect(list).toContainText('the seeds are in the blue tin');
  await expect(list).toContainText('Garden');
  await list.getByRole('button', { name: /the seeds/ }).click();
  await expect(row).toBeFocused();

  // The same elsewhere; taken out there, it is gone here.
  const other = await anotherBrowserOf(alice);
  await other.signsIn();
  // Looked for before its conversation is there.
  await other.page.goto('/saved');
  await expect(other.page.getByRole('list', { name: 'Saved messages' })).toContainText('the seeds are in the blue tin');
  await other.page.getByRole('button', { name: 'Remove from saved messages' }).click();
  await expect(other.page.getByText('Nothing is saved')).toBeVisible();
  await expect(async () => {
    await alice.page.goto('/saved');
    await expect(alice.page.getByText('Nothing is saved')).toBeVisible({ timeout: 2_000 });
  }).toPass();
});

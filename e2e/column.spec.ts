// The column makes room for the conversation, where there is room to make.

import { expect, test } from './stage.ts';

test('the column is hidden and shown again, and stays as it was left', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const { page } = alice;
  await alice.makesGroup('Sunday walk', ['bob']);
  const conversation = page.getByRole('main');
  const narrow = (await conversation.boundingBox())?.width ?? 0;
  await page.getByRole('button', { name: 'Hide the column' }).click();
  await expect(alice.conversations).toBeHidden();
  await expect.poll(async () => (await conversation.boundingBox())?.width ?? 0).toBeGreaterThan(narrow + 200);
  // One goes on writing, and around by the keys.
  await alice.says('more room');
  await bob.opensToWrite('Sunday walk');
  await bob.sees('more room');
  await alice.reloads();
  await alice.sees('more room');
  await expect(alice.conversations).toBeHidden();

  // Settings keep theirs, and where panes stand alone nothing is hidden.
  await page.goto('/settings/appearance');
  await expect(page.getByRole('navigation', { name: 'Settings' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Show the column' })).toBeHidden();
  await page.goto('/messages');
  await page.setViewportSize({ width: 390, height: 844 });
  await expect(alice.conversations.getByRole('link', { name: /Sunday walk/ })).toBeVisible();
  await page.setViewportSize({ width: 1280, height: 800 });
  await expect(alice.conversations).toBeHidden();

  await page.keyboard.press('Control+k');
  await alice.dialog('Jump to').getByRole('combobox').fill('show the col');
  await page.keyboard.press('Enter');
  await expect(alice.conversations.getByRole('link', { name: /Sunday walk/ })).toBeVisible();
  await alice.reloads();
  await expect(alice.conversations.getByRole('link', { name: /Sunday walk/ })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Hide the column' })).toBeVisible();
});

// The log of changes: the signed log of a room, in plain words, at an address of its own.

import { expect, test } from './stage.ts';

test('everybody reads who did what and why, by kind and by person', async ({ signedUp, anotherBrowserOf }) => {
  const [alice, bob] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Sunday walk', ['bob', 'cleo']);
  await bob.opensToWrite('Sunday walk');
  await bob.says('something rude');
  await alice.sees('something rude');
  await alice.message('something rude').hover();
  await alice.message('something rude').getByRole('button', { name: 'More' }).click();
  await alice.page.getByRole('menuitem', { name: 'Delete for everyone' }).click();
  const away = alice.dialog('Delete what bob wrote?');
  await away.getByRole('textbox', { name: /^Reason/ }).fill('be kind');
  await away.getByRole('button', { name: 'Delete' }).click();
  await expect(away).toBeHidden();
  await alice.removes('cleo');

  await bob.chooses('More', 'Log of changes');
  await expect(bob.page).toHaveURL(/\/changes$/);
  const list = bob.page.getByRole('list', { name: 'Changes, the newest first' });
  const said = async (): Promise<string[]> => list.getByRole('listitem').locator('p').allInnerTexts();
  await expect(bob.page.getByText('The server passes it on; it can add nothing to it')).toBeVisible();
  await expect.poll(said).toContain('alice deleted a message by you.');
  await expect.poll(said).toContain('Reason: be kind');
  await expect.poll(said).toContain('alice removed cleo.');
  await expect.poll(said).toContain('alice named this Sunday walk.');
  await expect(list.getByRole('listitem').last()).toContainText('Entry 0');
  await expect(list.getByRole('listitem').last()).toContainText('alice made the group.');
  // A reason is an entry of its own: no number is left out.
  await expect(list.getByRole('listitem').filter({ hasText: 'be kind' })).toContainText(/Entries \d+–\d+/);

  await bob.page.getByLabel('What').selectOption('Removals and time-outs');
  await expect(list.getByRole('listitem')).toHaveCount(1);
  await expect(list).toContainText('alice removed cleo.');
  await bob.page.getByLabel('What').selectOption('Everything');
  await bob.page.getByLabel('Who').selectOption('cleo');
  await expect(list.getByRole('listitem')).toHaveCount(2);

  // Each can show its number and its fingerprint: that of the entry everybody has.
  const entry = list.getByRole('listitem').first();
  await entry.getByText(/^Entry \d+$/).click();
  const proof = await entry.locator('code').innerText();
  expect(proof).toMatch(/^Entry \d+, fingerprint [\w-]{43}$/);
  await alice.page.goto(new URL(bob.page.url()).pathname);
  await alice.page.getByLabel('Who').selectOption('cleo');
  const hers = alice.page.getByRole('list', { name: 'Changes, the newest first' }).getByRole('listitem').first();
  await hers.getByText(/^Entry \d+$/).click();
  expect(await hers.locator('code').innerText()).toBe(proof);

  // It follows what happens meanwhile, and a browser that was never here reads the same.
  await bob.page.getByLabel('Who').selectOption('Everybody');
  await alice.page.getByRole('link', { name: 'Back to the conversation' }).click();
  await alice.addsPeople(['cleo']);
  await expect(list).toContainText('alice added cleo as member.');
  const other = await anotherBrowserOf(bob);
  await other.signsIn();
  await other.page.goto(new URL(bob.page.url()).pathname);
  await expect(other.page.getByText('alice added cleo as member.').first()).toBeVisible();
  await expect(other.page.getByText('Reason: be kind')).toBeVisible();
});

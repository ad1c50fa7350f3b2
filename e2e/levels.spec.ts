// How much a conversation may ask for attention: chosen once, the same in every browser.

import type { Locator } from '@playwright/test';

import type { Person } from './people.ts';
import { expect, test } from './stage.ts';

const row = (person: Person, title: string): Locator => person.conversations.getByRole('listitem').filter({ hasText: title });

async function opensNotifications(person: Person): Promise<Locator> {
  await person.chooses('More', 'Notifications …');
  return person.page.getByRole('dialog', { name: 'Notifications' });
}

test('a muted conversation is quiet in every browser of the account, until it is switched on', async ({ signedUp, anotherBrowserOf }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('here we are');
  await bob.opensToWrite('alice');
  const second = await anotherBrowserOf(alice);
  await second.signsIn();

  const dialog = await opensNotifications(alice);
  await dialog.getByRole('button', { name: '8 hours' }).click();
  await expect(dialog.getByText(/^Muted until /)).toBeVisible();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(alice.page.locator('.bar').getByRole('button', { name: 'Muted' })).toBeVisible();
  await expect(row(second, 'bob').getByText('Muted')).toBeAttached();

  await alice.page.goto('/messages');
  await bob.says('psst');
  for (const browser of [alice, second]) {
    await expect(row(browser, 'bob')).toContainText('psst');
    await expect(row(browser, 'bob').locator('.badge')).toHaveClass(/badge-quiet/);
    await expect(browser.page).not.toHaveTitle(/^\(/);
  }

  await second.opens('bob');
  await second.page.locator('.bar').getByRole('button', { name: 'Muted' }).click();
  await second.page.getByRole('dialog').getByRole('button', { name: 'Switch on' }).click();
  await second.page.getByRole('dialog').getByRole('button', { name: 'Done' }).click();
  await expect(second.page.locator('.bar').getByRole('button', { name: 'Muted' })).toHaveCount(0);
  await expect(row(alice, 'bob').getByText('Muted')).toHaveCount(0);
});

test('a level is chosen from the list with the keyboard, and stays over a reload', async ({ signedUp }) => {
  const [alice] = await signedUp('alice', 'bob');
  await alice.makesGroup('Garden', ['bob']);
  await alice.page.goto('/messages');
  const link = alice.conversations.getByRole('link').filter({ hasText: 'Garden' });
  await link.click({ button: 'right' });
  const dialog = alice.page.getByRole('dialog', { name: 'Notifications' });
  await expect(dialog.getByRole('radio', { name: 'As usual' })).toBeChecked();
  await dialog.getByRole('radio', { name: 'Nothing' }).check();
  await alice.page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await alice.reloads();
  await link.click({ button: 'right' });
  await expect(dialog.getByRole('radio', { name: 'Nothing' })).toBeChecked();
});

test('on a phone what is usual is chosen in the settings, and holds in the other browser', async ({ signedUp, anotherBrowserOf }) => {
  const [alice] = await signedUp('alice');
  await alice.page.setViewportSize({ width: 390, height: 844 });
  await alice.page.goto('/settings/notifications');
  await expect(alice.page.getByRole('heading', { name: 'Notifications', level: 1 })).toBeVisible();
  await alice.page.getByRole('switch', { name: 'Every message in a group' }).uncheck();
  const second = await anotherBrowserOf(alice);
  await second.signsIn();
  await second.page.goto('/settings/notifications');
  await expect(second.page.getByRole('switch', { name: 'Every message in a group' })).not.toBeChecked();
  await expect(second.page.getByRole('switch', { name: 'Direct messages' })).toBeChecked();
  await second.page.getByRole('switch', { name: 'Every message in a group' }).check();
  await expect(alice.page.getByRole('switch', { name: 'Every message in a group' })).toBeChecked();
});

// How much a conversation may ask for attention: chosen once, the same in every browser.

import type { Locator } from '@playwright/test';

import type { Person } from './people.ts';
import { expect, test } from './stage.ts';

const row = (person: Person, title: string): Locator => person.conversations.getByRole('listitem').filter({ hasText: title });

async function opensNotifications(person: Person): Promise<Locator> {
  await person.chooses('More', 'Notifications');
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
  await expect(dialog.getByRole('radio', { name: 'As in your settings' })).toBeChecked();
  await dialog.getByRole('radio', { name: 'Nothing' }).check();
  await alice.page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await alice.reloads();
  await link.click({ button: 'right' });
  await expect(dialog.getByRole('radio', { name: 'Nothing' })).toBeChecked();
});

test('what was chosen of one channel holds for it alone', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const channel = (person: Person, name: string): Locator => person.page.locator('.channel-row').getByRole('link', { name });
  await alice.page.getByRole('button', { name: 'Create a space' }).click();
  const create = alice.dialog('Create a space');
  await create.getByLabel('Name', { exact: true }).fill('Harbour Makers');
  await create.getByRole('radio', { name: 'Community' }).check();
  await create.getByRole('button', { name: 'Create space' }).click();
  await alice.page.getByRole('navigation', { name: 'Channels of Harbour Makers' }).getByRole('button', { name: 'Harbour Makers' }).click();
  await alice.page.getByRole('menuitem', { name: 'Add people' }).click();
  const add = alice.dialog('Add people to Harbour Makers');
  await add.getByRole('textbox', { name: 'People' }).fill('bob');
  await add.getByRole('button', { name: 'Add', exact: true }).last().click();
  await expect(add).toBeHidden();
  const space = bob.page.getByRole('list', { name: 'Spaces' }).getByRole('link', { name: /Harbour Makers/ });
  await space.click();
  for (const name of ['questions', 'off-topic', 'general']) {
    await channel(bob, name).click();
    await bob.canWriteTo(name);
  }
  const dialog = bob.dialog('Notifications');
  const asks = async (name: string): Promise<void> => {
    await channel(bob, name).click({ button: 'right' });
    await bob.page.getByRole('menuitem', { name: 'Notifications…' }).click();
    await expect(dialog).toContainText(name);
  };
  await asks('questions');
  await dialog.getByRole('button', { name: 'Until I switch it on' }).click();
  await expect(dialog.getByText('Muted until you switch it on.')).toBeVisible();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(channel(bob, 'questions')).toHaveClass(/channel-muted/);

  const writes = async (name: string, text: string): Promise<void> => {
    await channel(alice, name).click();
    await alice.canWriteTo(name);
    await alice.says(text);
    await alice.hasSentEverything();
  };
  await writes('questions', 'which paint, @bob, do you take?');
  await expect(channel(bob, 'questions').locator('.badge')).toHaveClass(/badge-quiet/);
  await expect(bob.page).not.toHaveTitle(/^\(/);
  await expect(bob.page.locator('link[rel=icon]')).toHaveAttribute('href', '/favicon.svg');
  await writes('off-topic', 'a fine day');
  await expect(channel(bob, 'off-topic')).toHaveClass(/channel-unread/);
  await expect(bob.page.locator('link[rel=icon]')).toHaveAttribute('href', '/favicon-unread.svg');
  await writes('off-topic', 'and for you, @bob, too');
  await expect(channel(bob, 'off-topic').locator('.badge')).not.toHaveClass(/badge-quiet/);
  await expect(bob.page).toHaveTitle(/^\(1\) /);
  await asks('off-topic');
  await expect(dialog.getByRole('radio', { name: 'As in your settings' })).toBeChecked();
  await expect(dialog.getByText(/^Muted/)).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Done' }).click();

  // Switched on again, what waits there counts.
  await asks('questions');
  await dialog.getByRole('button', { name: 'Switch on' }).click();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(bob.page).toHaveTitle(/^\(2\) /);
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

// In with a link and a name, talking like everybody, told that one is a guest; and kept under a handle, with all there was.

import type { Locator, Page } from '@playwright/test';

import { findings } from './axe.ts';
import { PHONE, type Person } from './people.ts';
import { Relay } from './relay.ts';
import { expect, test } from './stage.ts';

const LOOKS = [
  { width: 1280, options: {} },
  { width: 390, options: PHONE },
];
const NAME = 'Zoe of the Hill';
const PASSWORD = 'marble kettle between nine harbours';

/** On the conversation of a group: a link that lets in as a moderator. */
async function makesLink(person: Person): Promise<string> {
  await person.chooses('More', 'Invite by link');
  const dialog = person.dialog(/^Invite people/);
  await expect(dialog.getByText('guests too')).toHaveCount(0);
  await dialog.getByLabel('They become').selectOption('Moderator');
  await expect(dialog.getByText('Whoever has the link gets this role, guests too.')).toBeVisible();
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  const link = await dialog.getByRole('textbox', { name: 'Link' }).inputValue();
  await dialog.locator('.dialog-foot').getByRole('button', { name: 'Close' }).click();
  await expect(dialog).toBeHidden();
  return link.slice(link.indexOf('/#'));
}

async function passesAxe(page: Page, screen: string): Promise<void> {
  for (const colorScheme of ['dark', 'light'] as const) {
    expect.soft(await findings(page, colorScheme), `${screen}, ${colorScheme}`).toEqual([]);
  }
}

/** By keys alone. */
async function comesIn({ page }: Person, link: string): Promise<void> {
  await page.goto(link);
  await page.getByRole('button', { name: 'Come in as a guest' }).press('Enter');
  const name = page.getByLabel('Your name');
  await expect(name).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByText('Enter a name for the others to see.')).toBeVisible();
  await page.keyboard.type(NAME);
  await page.keyboard.press('Enter');
}

function banner(page: Page): Locator {
  return page.getByRole('status').filter({ hasText: 'You are here as a guest.' }).filter({ visible: true }).first();
}

for (const { width, options } of LOOKS) {
  test(`a guest comes in, talks, and stays, ${width} px`, async ({ signedUp, newPerson, anotherBrowserOf }) => {
    const [alice] = await signedUp('alice');
    await alice.makesGroup('Sunday walk', []);
    await alice.says('before you came');
    await alice.hasSentEverything();
    const link = await makesLink(alice);
    const zoe = await newPerson('zoe', { ...options, password: PASSWORD });
    const { page } = zoe;
    await comesIn(zoe, link);
    // Without another press; what nobody has looked at before is said.
    await expect(page.getByText('You came in as moderator.')).toBeVisible({ timeout: 20_000 });
    await expect(zoe.composer).toBeVisible();
    await zoe.sees('before you came');
    await zoe.says('hello from a guest');
    await alice.sees('hello from a guest');
    const head = alice.message('hello from a guest').locator('.message-head');
    await expect(head).toContainText(NAME);
    await expect(head.getByText('Guest', { exact: true })).toBeVisible();
    await passesAxe(alice.page, 'a guest among others');
    await passesAxe(page, 'as a guest');
    await alice.chooses('More', 'Log of changes');
    await expect(alice.page.locator('.changes-body')).toContainText(`${NAME} (guest-`);
    await alice.page.getByRole('link', { name: 'Back to the conversation' }).click();
    await alice.page.getByRole('button', { name: /^Members/ }).click();
    const panel = alice.page.getByRole('complementary', { name: 'Members' });
    await expect(panel.getByText(NAME)).toBeVisible();
    await expect(panel.getByText('Guest', { exact: true })).toBeVisible();
    await zoe.reloads();
    await zoe.sees('hello from a guest');

    await zoe.presses(banner(page).getByRole('button', { name: 'Keep this account' }));
    const dialog = zoe.dialog('Keep this account');
    await expect(dialog.getByRole('list', { name: 'Password' }).getByRole('listitem').first()).not.toBeEmpty();
    await passesAxe(page, 'keep this account');
    await zoe.presses(dialog.getByRole('button', { name: 'Use my own' }));
    await dialog.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await zoe.ticks(dialog.getByRole('checkbox', { name: /^I saved/ }));
    const act = dialog.getByRole('button', { name: 'Keep this account' });
    await dialog.getByLabel('Handle').fill('guest-zoe');
    await zoe.presses(act);
    await expect(dialog.getByText(/but not with “guest-”/)).toBeVisible({ timeout: 20_000 });
    await dialog.getByLabel('Handle').fill('alice');
    await zoe.presses(act);
    await expect(dialog.getByText('alice is taken.')).toBeVisible({ timeout: 20_000 });
    await dialog.getByLabel('Handle').fill('zoe');
    await zoe.presses(act);
    await expect(dialog.getByText(/^You are zoe@/)).toBeVisible({ timeout: 20_000 });
    await expect(dialog.getByRole('button', { name: 'Make a recovery key' })).toBeFocused();
    await zoe.presses(dialog.getByRole('button', { name: 'Later' }));
    await expect(banner(page)).toHaveCount(0);
    await zoe.says('now to stay');
    await alice.sees('now to stay');
    await expect(panel.getByText('Guest', { exact: true })).toHaveCount(0);
    await expect(panel.getByText('zoe', { exact: true })).toBeVisible();

    const elsewhere = await anotherBrowserOf(zoe);
    await elsewhere.signsIn();
    await elsewhere.opensToWrite('Sunday walk');
    await elsewhere.comesToSeeExactly(['before you came', 'hello from a guest', 'now to stay']);
    await elsewhere.presses(elsewhere.page.getByRole('button', { name: /^Members/ }));
    const moderators = elsewhere.page.getByRole('complementary', { name: 'Members' });
    await expect(moderators.getByText('Moderators')).toBeVisible();
    for (const person of [alice, zoe, elsewhere]) {
      expect(person.wire.passed.filter(({ bytes }) => bytes.includes(NAME))).toEqual([]);
    }
  });
}

test('who leaves as a guest is warned, and then nobody', async ({ signedUp, newPerson }) => {
  const [alice] = await signedUp('alice');
  await alice.makesGroup('Sunday walk', []);
  const link = await makesLink(alice);
  const zoe = await newPerson('zoe');
  await comesIn(zoe, link);
  await expect(zoe.composer).toBeVisible({ timeout: 20_000 });
  const { page } = zoe;
  await expect(page.getByRole('button', { name: 'Create a space' })).toHaveCount(0);
  await page.goto('/settings/account');
  await expect(page.getByRole('button', { name: 'Change the password' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Sign out of this browser' }).click();
  const dialog = zoe.dialog('Leave for good?');
  await expect(dialog.getByText(/nobody can sign in to this account again/)).toBeVisible();
  await dialog.getByRole('button', { name: 'Stay' }).click();
  await expect(dialog).toBeHidden();
  await page.getByRole('button', { name: 'Leave for good' }).click();
  await dialog.getByRole('button', { name: 'Leave for good' }).click();
  await expect(page.getByText('You left. What you wrote stays')).toBeVisible({ timeout: 20_000 });
  await alice.page.getByRole('button', { name: /^Members/ }).click();
  const panel = alice.page.getByRole('complementary', { name: 'Members' });
  await expect(panel.getByText(NAME)).toHaveCount(0);
});

const closed = test.extend({
  // eslint-disable-next-line no-empty-pattern
  relay: async ({}, use) => {
    const relay = await Relay.start({ env: { SOTTO_GUESTS: '0' } });
    await use(relay);
    await relay.remove();
  },
});

closed('a relay that takes no guests offers nobody to be one', async ({ signedUp, newPerson }) => {
  const [alice] = await signedUp('alice');
  await alice.makesGroup('Sunday walk', []);
  const link = await makesLink(alice);
  const zoe = await newPerson('zoe');
  await zoe.page.goto(link);
  await expect(zoe.page.getByRole('heading', { name: 'Sunday walk' })).toBeVisible();
  await expect(zoe.page.getByRole('button', { name: 'Create account' })).toBeVisible();
  await expect(zoe.page.getByRole('button', { name: 'Come in as a guest' })).toHaveCount(0);
});

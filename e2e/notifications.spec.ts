// Notifications of the browser: asked for by a press, one for each conversation, none of what is on screen or muted, and gone
// when it was read.

import type { Locator, Page } from '@playwright/test';

import type { Person } from './people.ts';
import { expect, test } from './stage.ts';

interface Told {
  title: string;
  body: string;
  tag: string;
  closed: boolean;
}

/** From the next load on the page notes what it asks the browser to show; the browser still does. */
async function watches(person: Person, granted = true): Promise<void> {
  if (granted) await person.context.grantPermissions(['notifications']);
  await person.page.addInitScript(() => {
    const told: Told[] = [];
    const shown: Notification[] = [];
    const Real = window.Notification;
    class Watched extends Real {
      constructor(title: string, options?: NotificationOptions) {
        super(title, options);
        const note = { title, body: options?.body ?? '', tag: options?.tag ?? '', closed: false };
        told.push(note);
        shown.push(this);
        const close = this.close.bind(this);
        this.close = () => {
          note.closed = true;
          close();
        };
      }
    }
    Object.assign(window, { Notification: Watched, told, shown });
  });
  await person.page.reload();
  await person.isIn();
  await person.isOnline();
}

const told = (page: Page): Promise<Told[]> => page.evaluate(() => (window as unknown as { told: Told[] }).told);
const open = async (page: Page): Promise<string[]> => (await told(page)).filter((note) => !note.closed).map((note) => `${note.title}: ${note.body}`);

async function turnsOn(person: Person, shows = 'Everything'): Promise<void> {
  await person.page.goto('/settings/notifications');
  await person.page.getByRole('button', { name: 'Turn on' }).click();
  await expect(person.page.getByText('Notifications are on in this browser')).toBeVisible();
  await person.page.getByRole('radio', { name: shows }).check({ force: true });
  await person.page.getByRole('link', { name: 'Back to messages' }).click();
}

test('nobody is asked before a press, and nothing is shown without one', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await watches(bob, false);
  await alice.hasBeenWrittenToBy(bob);
  await alice.says('hello');
  await expect(bob.conversations.getByRole('link').filter({ hasText: 'alice' })).toContainText('1 unread');
  expect(await told(bob.page)).toEqual([]);
  await bob.page.goto('/settings/notifications');
  await expect(bob.page.getByRole('img', { name: 'Preview: oona in Garden. The beans are in. Who waters on Sunday?' })).toBeVisible();
});

test('a message is told once, replaced by the next, and taken away when it was read', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await watches(bob);
  await turnsOn(bob);
  await alice.hasBeenWrittenToBy(bob);
  await alice.says('first');
  await expect.poll(() => open(bob.page)).toEqual(['alice: first']);
  await alice.says('second');
  await expect.poll(() => open(bob.page)).toEqual(['alice: second']);
  const all = await told(bob.page);
  expect(new Set(all.map((note) => note.tag)).size).toBe(1);
  await bob.opens('alice');
  await expect.poll(() => open(bob.page)).toEqual([]);
  // What is before one's eyes is not told.
  await alice.says('third');
  await bob.sees('third');
  expect((await told(bob.page)).length).toBe(all.length);
});

test('a press leads to the message, and a message that is taken away takes its notification with it', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await watches(bob);
  await turnsOn(bob);
  await alice.makesGroup('Garden', ['bob']);
  await alice.says('look at this');
  await expect.poll(() => open(bob.page)).toEqual(['alice in Garden: look at this']);
  await alice.message('look at this').hover();
  await alice.message('look at this').getByRole('button', { name: 'More' }).click();
  await alice.page.getByRole('menuitem', { name: 'Delete for everyone' }).click();
  await alice.page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect.poll(() => open(bob.page)).toEqual([]);
  await alice.says('and at that');
  await expect.poll(() => open(bob.page)).toEqual(['alice in Garden: and at that']);
  await bob.page.evaluate(() => {
    const { shown } = window as unknown as { shown: Notification[] };
    shown.at(-1)?.onclick?.(new Event('click'));
  });
  await bob.sees('and at that');
  await expect(bob.message('and at that')).toBeFocused();
  await expect.poll(() => open(bob.page)).toEqual([]);
});

test('a muted conversation and one whose level is nothing are not told, and of others as much as was chosen', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await watches(bob);
  await turnsOn(bob, 'Sender only');
  await alice.makesGroup('Garden', ['bob']);
  await alice.says('one');
  await expect.poll(() => open(bob.page)).toEqual(['alice in Garden: New message']);
  const garden = bob.conversations.getByRole('link').filter({ hasText: 'Garden' });
  const toTheList = (): Promise<void> =>
    bob.page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: /^Messages/ }).click();
  const asks = async (choose: (dialog: Locator) => Promise<void>): Promise<void> => {
    await bob.opens('Garden');
    await bob.chooses('More', 'Notifications');
    await choose(bob.dialog('Notifications'));
    await bob.dialog('Notifications').getByRole('button', { name: 'Done' }).click();
    await toTheList();
  };
  await asks((dialog) => dialog.getByRole('button', { name: 'Until I switch it on' }).click());
  const before = (await told(bob.page)).length;
  await alice.says('two');
  await expect(garden).toContainText('two');
  await alice.hasBeenWrittenToBy(bob);
  await alice.says('three');
  await expect.poll(() => open(bob.page)).toEqual(['alice: New message']);
  expect((await told(bob.page)).length).toBe(before + 1);

  // Nothing: not even what calls him. It is unread all the same.
  await asks(async (dialog) => {
    await dialog.getByRole('button', { name: 'Switch on' }).click();
    await dialog.getByRole('radio', { name: 'Nothing' }).check();
  });
  await alice.opens('Garden');
  await alice.says('four, @bob, for you');
  await expect(garden).toContainText('1 unread');
  await expect(garden.locator('.badge')).toContainText('1');
  // What comes later elsewhere is told: this was not on its way.
  await alice.opens('bob');
  await alice.says('five');
  await expect.poll(async () => (await told(bob.page)).length).toBe(before + 2);
  await expect.poll(() => open(bob.page)).toEqual(['alice: New message']);

  // Mentions: what calls him and nothing else.
  await asks((dialog) => dialog.getByRole('radio', { name: 'Mentions' }).check());
  await alice.opens('Garden');
  await alice.says('six, for everybody');
  await expect(garden).toContainText('1 unread');
  await alice.says('seven, @bob, for you');
  await expect.poll(() => open(bob.page)).toContain('alice in Garden: New message');
  expect((await told(bob.page)).length).toBe(before + 3);
});

test('a notification that is to say nothing says that there is something, and no name', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await watches(bob);
  await turnsOn(bob, 'Nothing');
  await alice.makesGroup('Garden', ['bob']);
  await alice.says('the beans are in');
  await expect.poll(() => open(bob.page)).toEqual(['Sotto: There is something new']);
  expect(JSON.stringify(await told(bob.page))).not.toMatch(/alice|Garden|beans/);
});

test('of several tabs one tells', async ({ signedUp, anotherTabOf }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await watches(bob);
  await turnsOn(bob);
  const tab = await anotherTabOf(bob);
  await tab.page.goto('/messages');
  await watches(tab);
  await alice.hasBeenWrittenToBy(bob);
  await alice.says('hello');
  for (const view of [bob, tab]) await expect(view.conversations.getByRole('link').filter({ hasText: 'alice' })).toContainText('1 unread');
  await expect.poll(async () => [...(await open(bob.page)), ...(await open(tab.page))]).toEqual(['alice: hello']);
  await tab.opens('alice');
  await expect.poll(async () => [...(await open(bob.page)), ...(await open(tab.page))]).toEqual([]);
});

test('whoever signs in after somebody signed out is told', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  const { page } = bob;
  await alice.hasBeenWrittenToBy(bob);
  await watches(bob);
  // The page is not loaded anew between the two: who of several tabs tells is not settled by that.
  await bob.column.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Sign out of this browser' }).click();
  await bob.dialog('Sign out of this browser?').getByRole('button', { name: 'Sign out' }).click();
  const form = page.getByRole('form', { name: 'Sign in' });
  await form.getByLabel('Handle').fill('bob');
  await form.getByLabel('Password', { exact: true }).fill(bob.password);
  await form.getByRole('button', { name: 'Sign in' }).click();
  await bob.isIn();
  await bob.isOnline();
  await bob.column.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('navigation', { name: 'Settings' }).getByRole('link', { name: 'Notifications' }).click();
  await page.getByRole('button', { name: 'Turn on' }).click();
  await expect(page.getByText('Notifications are on in this browser')).toBeVisible();
  await page.getByRole('link', { name: 'Back to messages' }).click();
  await alice.says('hello again');
  await expect.poll(() => open(page)).toEqual(['alice: hello again']);
});

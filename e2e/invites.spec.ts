// Coming in by a link: looked at before there is an account, kept over signing up and reloads, and used once.

import type { Locator } from '@playwright/test';

import { PHONE, type Person } from './people.ts';
import { expect, test } from './stage.ts';

const DAY = 86_400_000;

interface Terms {
  approval?: boolean;
  ends?: string;
  uses?: string;
}

/** On the conversation of a group: makes a link, and gives what stands behind the address of the page. */
async function makesLink(person: Person, terms: Terms = {}): Promise<string> {
  await person.chooses('More', 'Invite by link');
  const dialog = person.dialog(/^Invite people/);
  if (terms.approval) await dialog.getByRole('checkbox', { name: 'Ask first' }).check();
  if (terms.ends) await dialog.getByLabel('Ends').selectOption(terms.ends);
  if (terms.uses) await dialog.getByLabel('Good for').selectOption(terms.uses);
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  await expect(dialog.getByRole('img', { name: 'The link as a code' })).toBeVisible();
  const link = await dialog.getByRole('textbox', { name: 'Link' }).inputValue();
  await dialog.locator('.dialog-foot').getByRole('button', { name: 'Close' }).click();
  await expect(dialog).toBeHidden();
  expect(link).toContain('/#i1.');
  return link.slice(link.indexOf('/#'));
}

/** The desk of invites of the group on screen. */
async function opensInvites(person: Person): Promise<Locator> {
  await person.chooses('More', 'Invite by link');
  return person.dialog(/^Invite people/);
}

for (const [width, options] of [[1280, {}], [390, PHONE]] as const) {
  test(`a link leads somebody without an account into the group, ${width} px`, async ({ signedUp, newPerson }) => {
    const [alice] = await signedUp('alice');
    await alice.makesGroup('Sunday walk', []);
    await alice.says('before you came');
    await alice.hasSentEverything();
    const link = await makesLink(alice);
    const bob = await newPerson('bob', options);
    const { page } = bob;
    await page.goto(link);
    await expect(page).toHaveURL(/\/link$/);
    await expect(page.getByRole('heading', { name: 'Sunday walk' })).toBeVisible();
    await expect(page.getByText('alice invites you to')).toBeVisible();
    await expect(page.getByText('1 member')).toBeVisible();
    // It survives a reload, and the way to the account.
    await bob.reloads();
    await expect(page.getByRole('heading', { name: 'Sunday walk' })).toBeVisible();
    await bob.presses(page.getByRole('button', { name: 'Create account' }));
    await expect(page.getByText('Your link opens as soon as you are in.')).toBeVisible();
    await bob.fillsSignUp();
    await bob.presses(page.getByRole('button', { name: 'Create account' }));
    const join = page.getByRole('button', { name: 'Join Sunday walk' });
    await expect(join).toBeVisible({ timeout: 20_000 });
    await bob.presses(join);
    await bob.canWriteTo('Sunday walk');
    await bob.sees('before you came');
    await expect(alice.log.getByText('bob joined by an invite of you.')).toBeVisible();
    await bob.says('thank you');
    await alice.sees('thank you');
    // It was used: nothing of it is left in this tab, and it never was in any request.
    expect(await page.evaluate(() => Object.keys(sessionStorage))).toEqual([]);
    const secret = link.split('.')[2] ?? '';
    expect(secret.length).toBeGreaterThan(40);
    for (const person of [alice, bob]) {
      expect(person.wire.passed.filter(({ bytes }) => bytes.includes(secret))).toEqual([]);
    }
    // Whoever is in already is led there.
    await page.goto(link);
    await bob.canWriteTo('Sunday walk');
  });
}

test('whoever has to ask waits on a page that goes on by itself', async ({ signedUp }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  await alice.makesGroup('Sunday walk', []);
  const link = await makesLink(alice, { approval: true });
  for (const person of [bob, cleo]) {
    await person.page.goto(link);
    await person.page.getByRole('button', { name: 'Ask to join' }).click();
    await expect(person.page.getByText('You asked to be let in.')).toBeVisible();
  }
  await bob.reloads();
  await expect(bob.page.getByText('You asked to be let in.')).toBeVisible();
  await expect(alice.log.getByText('bob asks to be let in, by an invite of you.')).toBeVisible();
  await expect(alice.page.getByRole('button', { name: '2 people ask to be let in' })).toBeVisible();
  await alice.page.getByRole('button', { name: /^Members/ }).click();
  const panel = alice.page.getByRole('complementary', { name: 'Members' });
  await expect(panel.getByText('2 people ask to be let in.')).toBeVisible();
  await panel.getByRole('button', { name: 'Look' }).click();
  const dialog = alice.dialog(/^Invite people/);
  const row = (handle: string): Locator => dialog.getByRole('listitem').filter({ hasText: handle });
  await row('bob').getByRole('button', { name: 'Let in' }).click();
  await expect(row('bob')).toBeHidden();
  await row('cleo').getByRole('button', { name: 'Send away' }).click();
  await expect(row('cleo')).toBeHidden();
  await alice.page.keyboard.press('Escape');
  await bob.canWriteTo('Sunday walk');
  await expect(cleo.page.getByRole('heading', { name: 'Sunday walk did not let you in' })).toBeVisible({ timeout: 30_000 });
});

test('a link that does not lead in says why, with and without an account', async ({ signedUp, newPerson, anotherBrowserOf }) => {
  const [alice, bob, cleo] = await signedUp('alice', 'bob', 'cleo');
  const dan = await newPerson('dan');
  await alice.makesGroup('Sunday walk', []);
  const once = await makesLink(alice, { uses: '1 person' });
  const revoked = await makesLink(alice);
  // Where it was opened signed out, it waits until its reader has signed in.
  const elsewhere = await anotherBrowserOf(bob);
  await elsewhere.page.goto(once);
  await elsewhere.page.getByRole('button', { name: 'Sign in' }).click();
  await expect(elsewhere.page.getByText('Your link opens as soon as you are in.')).toBeVisible();
  await elsewhere.page.getByLabel('Handle').fill('bob');
  await elsewhere.page.getByLabel('Password', { exact: true }).fill(bob.password);
  await elsewhere.pressesSignIn();
  await elsewhere.page.getByRole('button', { name: 'Join Sunday walk' }).click({ timeout: 20_000 });
  await elsewhere.canWriteTo('Sunday walk');
  const desk = await opensInvites(alice);
  const open = desk.getByRole('list').getByRole('listitem').filter({ hasText: 'Made by you' });
  await expect(open).toHaveCount(1);
  await expect(open).toContainText('0 of 10 used, ends in');
  await open.getByRole('button', { name: 'Take back' }).click();
  await open.getByRole('button', { name: 'Take back for good' }).click();
  await expect(desk.getByText('No link is open now.')).toBeVisible();
  // One that is on screen goes with its invite.
  await desk.getByRole('button', { name: 'Make a link' }).click();
  await expect(desk.getByRole('img', { name: 'The link as a code' })).toBeVisible();
  await open.getByRole('button', { name: 'Take back' }).click();
  await open.getByRole('button', { name: 'Take back for good' }).click();
  await expect(desk.getByRole('button', { name: 'Make a link' })).toBeVisible();
  await alice.page.keyboard.press('Escape');
  // By a clock that is slow: what is to hold a day is over in a few seconds.
  await alice.page.clock.setFixedTime(Date.now() - DAY + 4_000);
  const ended = await makesLink(alice, { ends: 'In 1 day' });
  const wrong = `${revoked.slice(0, -3)}${revoked.endsWith('AAA') ? 'QQA' : 'AAA'}`;
  for (const person of [cleo, dan]) {
    person.expectsTrouble();
    for (const [link, title] of [
      [once, 'This invite is used up'],
      [revoked, 'This invite was taken back'],
      [wrong, 'There is no such invite'],
      [revoked.slice(0, -8), 'This link is damaged'],
      [ended, 'This invite has ended'],
    ] as const) {
      await expect(async () => {
        await person.page.goto('/link');
        await person.page.goto(link);
        await expect(person.page.getByRole('heading', { name: title })).toBeVisible({ timeout: 3_000 });
      }).toPass();
    }
    await person.page.getByRole('button', { name: 'Forget this link' }).click();
    expect(await person.page.evaluate(() => Object.keys(sessionStorage))).toEqual([]);
  }
  // Put away, it does not come back.
  await expect(dan.page.getByRole('form', { name: 'Sign in' })).toBeVisible();
  await dan.page.goto('/link');
  await expect(dan.page.getByRole('heading', { name: 'No link is open here' })).toBeVisible();
  // Signed in, one can be pasted.
  await cleo.page.goto('/link');
  await cleo.page.getByRole('textbox', { name: 'Link' }).fill(`https://sotto.example${once}`);
  await cleo.page.getByRole('button', { name: 'Look where it leads' }).click();
  await expect(cleo.page.getByRole('heading', { name: 'This invite is used up' })).toBeVisible();
});

test('a contact link leads to the person it names and to nobody else', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('hello');
  const ids = alice.wire.passed.map(({ bytes }) => /"user_id":"([\w-]{43})","handle":"bob"/.exec(bytes.toString())?.[1]);
  const user = ids.find((id) => id);
  expect(user).toBeDefined();
  await alice.page.goto(`/#c1.${user}.bob`);
  await expect(alice.page).toHaveURL(/\/link$/);
  await expect(alice.page.getByRole('heading', { name: 'bob' })).toBeVisible();
  await alice.page.getByRole('button', { name: 'Write a message' }).click();
  await alice.canWriteTo('bob');
  // The same id under another name: the server knows somebody else by it.
  await bob.page.goto(`/#c1.${user}.alice`);
  await expect(bob.page.getByRole('heading', { name: 'Somebody else answers under this name' })).toBeVisible();
});

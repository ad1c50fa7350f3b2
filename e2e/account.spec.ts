// What belongs to an account alone: its password, its recovery key, its browsers and its end.

import type { Locator } from '@playwright/test';

import { Evil } from './evil.ts';
import { Person } from './people.ts';
import { expect, test } from './stage.ts';

const WRONG_PASSWORD = 'Handle and password do not belong together.';
const NEW = 'kettle orbit ninety plain 4417';

/** Somebody who was at work here a moment ago stands in front of the door, within a second. */
async function isOut(person: Person): Promise<void> {
  await expect.poll(() => person.page.getByRole('form', { name: 'Sign in' }).isVisible(), { timeout: 1_000, intervals: [50] }).toBe(true);
  await expect(person.log).toHaveCount(0);
}

async function gives(dialog: Locator, person: Person, press: string): Promise<void> {
  await dialog.getByLabel('Your password', { exact: true }).fill(person.password);
  await dialog.getByRole('button', { name: press }).click();
}

test('another password ends the other browsers, and what waits there to be sent is kept', async ({ signedUp, anotherBrowserOf }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('begin');
  const [online, away] = [await anotherBrowserOf(alice), await anotherBrowserOf(alice)];
  for (const other of [online, away]) {
    other.expectsTrouble();
    await other.signsIn();
    await other.opensToWrite('bob');
    await other.sees('begin');
  }
  await online.isOnline();
  away.goesOffline();
  await away.says('kept for later');

  const old = alice.password;
  alice.expectsTrouble();
  await alice.page.goto('/settings/account');
  await alice.page.getByRole('button', { name: 'Change the password' }).click();
  const dialog = alice.dialog('Change the password');
  const current = dialog.getByLabel('Current password', { exact: true });
  // The keyboard is in the first field; what is wrong is said there, and takes it again.
  await expect(current).toBeFocused();
  await current.fill('not this one at all');
  await alice.choosesPassword(dialog, NEW);
  await current.press('Enter');
  await expect(dialog.getByText('That is not your password.')).toBeVisible();
  await expect(current).toBeFocused();
  await current.fill(old);
  await current.press('Enter');
  await expect(dialog).toBeHidden({ timeout: 20_000 });
  await isOut(online);
  await expect(alice.page.getByText('Your password is changed.')).toBeVisible();

  // This browser goes on.
  await alice.page.goto('/messages');
  await alice.opensToWrite('bob');
  await alice.says('still here');
  await bob.opensToWrite('alice');
  await bob.sees('still here');

  await online.triesToSignIn(old);
  await expect(online.page.getByText(WRONG_PASSWORD)).toBeVisible();
  away.wire.mend();
  await expect(away.page.getByRole('form', { name: 'Sign in' })).toBeVisible({ timeout: 30_000 });
  away.password = NEW;
  await away.signsIn();
  await bob.sees('kept for later');
  await bob.readsEverything();
});

test('a recovery key opens the account when the password is lost', async ({ signedUp, newPerson, anotherBrowserOf }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  alice.expectsTrouble();
  await alice.says('written before');
  await alice.hasSentEverything();
  await alice.page.goto('/settings/account');
  await expect(alice.page.getByText('You have no recovery key')).toBeVisible();
  const groups = await alice.makesRecoveryKey(async (dialog) => {
    for (const field of await dialog.getByRole('textbox').all()) await field.fill('0000');
    await dialog.getByRole('textbox').last().press('Enter');
    await expect(dialog.getByText('These are not the two groups.')).toBeVisible();
    await expect(dialog.getByRole('textbox').first()).toBeFocused();
  });
  await expect(alice.page.getByText('You have a recovery key')).toBeVisible();

  const old = alice.password;
  const third = await anotherBrowserOf(alice);
  third.expectsTrouble();
  await third.page.goto('/');
  await third.page.getByRole('link', { name: 'Forgot the password?' }).click();
  const form = third.page.getByRole('form', { name: 'Recover your account' });
  await form.getByLabel('Handle').fill('alice');
  const key = form.getByRole('textbox', { name: 'Recovery key' });
  await key.fill([...groups.slice(0, 2), 'UUUU', ...groups.slice(3)].join('-'));
  await expect(form.getByText('Group 3 cannot be right.')).toBeVisible();
  await key.fill(groups.join('').toLowerCase());
  await expect(form.getByText('Typed without a slip.')).toBeVisible();
  await third.choosesPassword(form, NEW);
  await form.getByRole('button', { name: 'Recover account' }).click();
  await third.isIn();
  await isOut(alice);
  await third.opensToWrite('bob');
  await third.sees('written before');
  await third.says('back again');
  await bob.opensToWrite('alice');
  await bob.sees('back again');

  const fourth = await newPerson('alice');
  fourth.expectsTrouble();
  await fourth.triesToSignIn(old);
  await expect(fourth.page.getByText(WRONG_PASSWORD)).toBeVisible();
  fourth.password = NEW;
  await fourth.signsIn();

  // The key is still good after that, and gone with another password.
  await third.page.goto('/settings/account');
  await expect(third.page.getByText('You have a recovery key')).toBeVisible();
  third.password = NEW;
  await third.changesPassword(`${NEW} again`);
  const dialog = third.dialog('Change the password');
  await expect(dialog.getByText('it opens nothing any more')).toBeVisible({ timeout: 20_000 });
  await dialog.getByRole('button', { name: 'Make a recovery key' }).click();
  await expect(third.dialog('Make a recovery key')).toBeVisible();
  await third.page.keyboard.press('Escape');
  await expect(third.page.getByText('You have no recovery key')).toBeVisible();
});

test('only the recovery key goes to the printer, and it can be removed', async ({ signedUp }) => {
  const [alice] = await signedUp('alice');
  await alice.page.goto('/settings/account');
  await alice.makesRecoveryKey(async (dialog) => {
    await dialog.getByRole('button', { name: 'Show the key again' }).click();
    await alice.page.emulateMedia({ media: 'print' });
    await expect(dialog.getByText('Recovery key of alice@')).toBeVisible();
    await expect(alice.page.locator('.paper-groups li')).toHaveCount(14);
    for (const other of [dialog.getByRole('button'), dialog.getByText('Print it or write it down'), alice.page.locator('.shell')]) {
      await expect(other.filter({ visible: true })).toHaveCount(0);
    }
    await alice.page.emulateMedia({ media: 'screen' });
    await dialog.getByRole('button', { name: 'I have it on paper' }).click();
  });
  await alice.page.getByRole('button', { name: 'Remove', exact: true }).click();
  await gives(alice.dialog('Remove the recovery key?'), alice, 'Remove');
  await expect(alice.page.getByText('You have no recovery key')).toBeVisible({ timeout: 20_000 });
});

test('a browser that is taken away is out within a second and reads nothing more', async ({ signedUp, anotherBrowserOf }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('before');
  const lost = await anotherBrowserOf(alice);
  lost.expectsTrouble();
  await lost.signsIn();
  await lost.opensToWrite('bob');
  await lost.sees('before');
  await lost.isOnline();

  alice.expectsTrouble();
  await alice.page.goto('/settings/devices');
  const browsers = alice.page.getByRole('main').getByRole('listitem');
  await expect(browsers).toHaveCount(2);
  await alice.page.getByRole('button', { name: /^Take away/ }).click();
  const dialog = alice.dialog('Take this browser away?');
  await dialog.getByLabel('Your password', { exact: true }).fill('not this one at all');
  await dialog.getByRole('button', { name: 'Take away' }).click();
  await expect(dialog.getByText('That is not your password.')).toBeVisible({ timeout: 20_000 });
  await gives(dialog, alice, 'Take away');
  await expect(dialog).toBeHidden({ timeout: 20_000 });
  await isOut(lost);
  await expect(browsers).toHaveCount(1);

  await bob.opensToWrite('alice');
  await bob.says('after');
  await alice.page.goto('/messages');
  await alice.opensToWrite('bob');
  await alice.sees('after');
  await lost.reloads();
  await expect(lost.page.getByRole('form', { name: 'Sign in' })).toBeVisible();
  await expect(lost.page.getByText('after', { exact: true })).toHaveCount(0);
});

test('an account that is deleted is gone for everybody, and its handle stays empty', async ({ signedUp, newPerson }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  alice.expectsTrouble();
  await alice.opensDirectWith('bob');
  await alice.says('a word that stays');
  await alice.makesGroup('Sunday walk', ['bob']);
  await alice.hasSentEverything();
  await bob.opensToWrite('alice');
  await bob.sees('a word that stays');

  await alice.page.goto('/settings/account');
  await alice.page.getByRole('button', { name: 'Delete the account' }).click();
  const dialog = alice.dialog('Delete this account?');
  await expect(dialog.getByText('You own Sunday walk.')).toBeVisible();
  await dialog.getByLabel('Type alice to confirm').fill('alicia');
  await gives(dialog, alice, 'Delete for good');
  await expect(dialog.getByText('the handle that is to be deleted')).toBeVisible();
  await dialog.getByLabel('Type alice to confirm').fill('@Alice');
  await gives(dialog, alice, 'Delete for good');
  await expect(alice.page.getByRole('form', { name: 'Sign in' })).toBeVisible({ timeout: 30_000 });
  await expect(alice.page.getByText('Your account is deleted.')).toContainText('Without an owner now: Sunday walk.');
  expect(new URL(alice.page.url()).pathname).toBe('/');

  await expect(bob.page.getByText('This account is closed.')).toBeVisible();
  await bob.sees('a word that stays');
  const next = await newPerson('alice');
  next.expectsTrouble();
  await next.fillsSignUp();
  await next.page.getByRole('button', { name: 'Create account' }).click();
  await expect(next.page.getByText('alice is taken.')).toBeVisible({ timeout: 20_000 });
  await alice.triesToSignIn(alice.password);
  await expect(alice.page.getByText(WRONG_PASSWORD)).toBeVisible();
});

test('when the server has lost what the password opens, one starts over under the same name', async ({ signedUp, browser, relay, people }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  alice.expectsTrouble();
  await alice.opensDirectWith('bob');
  await alice.says('before');
  await bob.opensToWrite('alice');
  await bob.sees('before');

  const evil = await Evil.before(relay);
  const elsewhere = await Person.arrives(browser, evil, 'alice', { password: alice.password });
  people.push(elsewhere);
  evil.plays({
    reply: (path, _, body) => {
      if (path === 'sign-in/prove') body.items = [];
    },
  });
  await elsewhere.triesToSignIn(alice.password);
  await expect(elsewhere.page.getByText('what the server sent does not hold up (the vault)')).toBeVisible({ timeout: 20_000 });
  await elsewhere.page.getByRole('button', { name: 'Start over under the same name' }).click();
  const dialog = elsewhere.dialog('Start over as alice?');
  await expect(dialog.getByText('lost for good')).toBeVisible();
  await dialog.getByRole('button', { name: 'Start over' }).click();
  await elsewhere.isIn();
  await expect(elsewhere.conversations.getByRole('link')).toHaveCount(0);
  await expect(alice.page.getByRole('form', { name: 'Sign in' })).toBeVisible();
  // To others it is somebody else with that name.
  await elsewhere.opensDirectWith('bob');
  await elsewhere.says('it is me');
  await bob.opens('alice (another account)');
  await expect(bob.page.getByText(/ is another account now than the one you knew/)).toBeVisible();
  await expect(bob.composer).toHaveCount(0);
  await bob.page.getByRole('button', { name: 'Take the new account' }).click();
  await bob.canWriteTo('alice');
  await bob.says('welcome back');
  await elsewhere.sees('welcome back');
  await evil.remove();
});

test('an older vault is told for as long as the server shows it', async ({ browser, relay, people }) => {
  const evil = await Evil.before(relay);
  const alice = await Person.arrives(browser, evil, 'alice');
  people.push(alice);
  await alice.signsUp();
  await alice.isOnline();
  evil.plays({
    reply: (path, _, body) => {
      if (path === 'vault/get') body.items.pop();
    },
  });
  await alice.reloads();
  const told = alice.page.getByRole('alert').filter({ hasText: 'The server shows an older state of your keys and contacts.' });
  await expect(told).toBeVisible();
  await expect(told.getByRole('button')).toHaveCount(0);
  expect(evil.lies).toContain('answer vault/get');
  evil.plays({});
  await alice.reloads();
  await alice.isOnline();
  await expect(told).toBeHidden();
  await evil.remove();
});

// Without a pointer: nothing here is pressed or filled but by keys, and every step begins where the last one left off.

import type { Locator } from '@playwright/test';

import type { Person } from './people.ts';
import { expect, test } from './stage.ts';

/** Goes on from where the keyboard is until it stands on this. */
async function goesTo(person: Person, target: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  await expect(target).toBeVisible();
  for (let step = 0; step < 40; step += 1) {
    if (await target.evaluate((element) => element === document.activeElement)) {
      // And one can see that it does.
      const shows = await target.evaluate((element) => {
        // Where one writes, the caret does.
        return element.matches('input:not([type=checkbox]), textarea') || getComputedStyle(element).outlineStyle !== 'none';
      });
      expect(shows, `nothing shows that the keyboard stands on ${target}`).toBe(true);
      return;
    }
    await person.page.keyboard.press(key);
  }
  throw new Error(`forty times ${key} do not lead to ${target}`);
}

async function presses(person: Person, target: Locator): Promise<void> {
  await goesTo(person, target);
  await person.page.keyboard.press('Enter');
}

async function signsUp(person: Person): Promise<void> {
  const { page } = person;
  await page.goto('/sign-up');
  await goesTo(person, page.getByLabel('Handle'));
  await page.keyboard.type(person.handle);
  await presses(person, page.getByRole('button', { name: 'Use my own' }));
  await goesTo(person, page.getByLabel('Password', { exact: true }));
  await page.keyboard.type(person.password);
  await goesTo(person, page.getByRole('checkbox', { name: /^I saved/ }));
  await page.keyboard.press('Space');
  await presses(person, page.getByRole('button', { name: 'Create account' }));
  await person.isIn();
}

test('from signing up to a message that was sent, answered and reacted to', async ({ newPerson }) => {
  const [alice, bob] = [await newPerson('alice'), await newPerson('bob')];
  await Promise.all([signsUp(alice), signsUp(bob)]);

  // To somebody by their handle.
  await presses(alice, alice.page.getByRole('button', { name: 'New conversation' }));
  await expect(alice.page.getByRole('menuitem', { name: 'New message' })).toBeFocused();
  await alice.page.keyboard.press('Enter');
  await expect(alice.dialog('New message').getByLabel('Handle')).toBeFocused();
  await alice.page.keyboard.type('bob');
  await alice.page.keyboard.press('Enter');
  await expect(alice.page.getByRole('textbox', { name: 'Message bob' })).toBeFocused();
  await alice.page.keyboard.type('hello without a mouse');
  await alice.page.keyboard.press('Enter');
  await alice.sees('hello without a mouse');

  await presses(bob, bob.column.getByRole('list', { name: 'Requests' }).getByRole('link'));
  await presses(bob, bob.page.getByRole('button', { name: 'Accept', exact: true }));
  await goesTo(bob, bob.page.getByRole('textbox', { name: 'Message alice' }));
  await bob.page.keyboard.type('hello back');
  await bob.page.keyboard.press('Enter');
  await alice.sees('hello back');

  // Up among the messages, and what can be done with one.
  await goesTo(alice, alice.log, 'Shift+Tab');
  await alice.page.keyboard.press('ArrowUp');
  await expect(alice.message('hello back')).toBeFocused();
  await alice.page.keyboard.press('Enter');
  await expect(alice.page.getByRole('menuitem', { name: 'React…' })).toBeFocused();
  await alice.page.keyboard.press('Enter');
  await expect(alice.dialog('React').getByRole('searchbox')).toBeFocused();
  await alice.page.keyboard.type('anchor');
  await alice.page.keyboard.press('Enter');
  await expect(bob.message('hello back').locator('.reaction')).toHaveAccessibleName('⚓ 1 from alice');
  await expect(alice.message('hello back')).toBeFocused();
  await alice.page.keyboard.press('Enter');
  await expect(alice.page.getByRole('menuitem', { name: 'React…' })).toBeFocused();
  await alice.page.keyboard.press('ArrowDown');
  await expect(alice.page.getByRole('menuitem', { name: 'Reply' })).toBeFocused();
  await alice.page.keyboard.press('Enter');
  await expect(alice.composer).toBeFocused();
  await alice.page.keyboard.type('good to see you');
  await alice.page.keyboard.press('Enter');
  await expect(bob.log.locator('.reply')).toHaveText('bobhello back');

  // Around: the switcher, the sheet of keys, and out of both.
  await alice.page.keyboard.press('Control+k');
  await expect(alice.dialog('Jump to').getByRole('combobox')).toBeFocused();
  await alice.page.keyboard.press('Escape');
  await expect(alice.composer).toBeFocused();
  await alice.page.keyboard.press('Control+/');
  await expect(alice.dialog('Keyboard')).toBeVisible();
  await alice.page.keyboard.press('Escape');
  await expect(alice.composer).toBeFocused();
});

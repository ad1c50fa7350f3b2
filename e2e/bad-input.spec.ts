// What people get wrong, and what goes wrong around them: each has one sentence and one thing to do.

import { expect, test } from './stage.ts';

test('a wrong password says so, and the right one still works', async ({ signedUp, anotherBrowserOf }) => {
  const [alice] = await signedUp('alice');
  const elsewhere = await anotherBrowserOf(alice);
  elsewhere.expectsTrouble();
  await elsewhere.triesToSignIn('not the password at all');
  await expect(elsewhere.page.getByText('Handle and password do not belong together.')).toBeVisible();
  await elsewhere.signsIn();
});

test('an unknown handle and a wrong password look the same from outside', async ({ newPerson }) => {
  const nobody = await newPerson('nobody-here');
  nobody.expectsTrouble();
  await nobody.triesToSignIn('some password of mine');
  await expect(nobody.page.getByText('Handle and password do not belong together.')).toBeVisible();
});

test('a handle that is taken is refused, and another one goes through', async ({ signedUp, newPerson }) => {
  await signedUp('alice');
  const other = await newPerson('alice');
  other.expectsTrouble();
  await other.fillsSignUp();
  await other.page.getByRole('button', { name: 'Create account' }).click();
  await expect(other.page.getByText('alice is taken. Choose another handle.')).toBeVisible();
  // What was typed is still there.
  await expect(other.page.getByLabel('Password', { exact: true })).toHaveValue(other.password);
  await other.page.getByLabel('Handle').fill('alice2');
  await other.page.getByRole('button', { name: 'Create account' }).click();
  await expect(other.column.getByText('alice2', { exact: true })).toBeVisible({ timeout: 20_000 });
});

test('a malformed handle is explained before anything is sent', async ({ newPerson }) => {
  const person = await newPerson('al');
  await person.fillsSignUp();
  for (const handle of ['al', '1alice', 'alice smith', 'älice', 'a'.repeat(33)]) {
    await person.page.getByLabel('Handle').fill(handle);
    await person.page.getByRole('button', { name: 'Create account' }).click();
    await expect(person.page.getByText('A handle has 3 to 32 of a–z')).toBeVisible();
    await person.page.getByLabel('Handle').fill('');
  }
});

test('pressing the button at once, before the password was rated, is no problem', async ({ newPerson }) => {
  const person = await newPerson('alice');
  await person.page.goto('/sign-up');
  await person.page.getByLabel('Handle').fill('alice');
  await person.page.getByRole('button', { name: 'Use my own' }).click();
  await person.page.getByRole('checkbox', { name: /^I saved/ }).check();
  await person.page.getByLabel('Password', { exact: true }).fill(person.password);
  await person.page.getByLabel('Password', { exact: true }).press('Enter');
  await person.isIn();
  await person.isOnline();
});

test('a weak password is refused with advice', async ({ newPerson }) => {
  const person = await newPerson('alice', { password: 'password123456' });
  await person.fillsSignUp();
  await person.page.getByRole('button', { name: 'Create account' }).click();
  await expect(person.page.getByText(/Too easy to guess/)).toBeVisible();
});

test('six words are offered, and they open the account', async ({ newPerson, anotherBrowserOf }) => {
  const person = await newPerson('alice');
  await person.page.goto('/sign-up');
  await person.page.getByLabel('Handle').fill('alice');
  const words = person.page.getByRole('list', { name: 'Password' }).getByRole('listitem');
  await expect(words).toHaveCount(6);
  await expect(words.first()).not.toBeEmpty();
  const passphrase = (await words.allInnerTexts()).join(' ');
  // Unticked, nothing happens: they are the only way in.
  await person.page.getByRole('button', { name: 'Create account' }).click();
  await expect(person.page.getByText('Save the six words, then tick the box.')).toBeVisible();
  await person.page.getByRole('checkbox', { name: /^I saved/ }).check();
  await person.page.getByRole('button', { name: 'Create account' }).click();
  await person.isIn();

  const elsewhere = await anotherBrowserOf(person);
  await elsewhere.triesToSignIn(passphrase);
  await elsewhere.isIn();
});

test('nobody of that name, and oneself, cannot be written to', async ({ signedUp }) => {
  const [alice] = await signedUp('alice');
  alice.expectsTrouble();
  await alice.chooses('New conversation', 'New message');
  const dialog = alice.dialog('New message');
  for (const [handle, answer] of [['nobody-here', 'Nobody here is called nobody-here.'], ['alice', 'That is you.']] as const) {
    await dialog.getByLabel('Handle').fill(handle);
    await dialog.getByRole('button', { name: 'Write' }).click();
    await expect(dialog.getByText(answer)).toBeVisible();
  }
});

test('a message that is too long is given back, to be shortened', async ({ signedUp }) => {
  const [alice] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  const long = 'a'.repeat(40_000);
  await alice.says(long);
  await expect(alice.page.getByText(/Too long to send/)).toBeVisible();
  await expect(alice.composer).toHaveValue(long);
  await alice.says('short');
  await alice.comesToSeeExactly(['short']);
});

test('a message with very many different reactions shows some of them, and goes on', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  await alice.says('what a day');
  await bob.opensToWrite('alice');
  const row = bob.message('what a day');
  const signs = [
    'anchor', 'sailboat', 'pear', 'kiwi fruit', 'melon', 'lemon', 'banana', 'pineapple', 'mango', 'cherries', 'peach', 'coconut',
    'avocado', 'eggplant', 'broccoli', 'mushroom', 'peanuts', 'chestnut', 'bread', 'croissant', 'pretzel', 'pancakes',
  ];
  for (const [at, name] of signs.entries()) {
    await row.hover();
    await row.getByRole('button', { name: 'Add a reaction' }).first().click();
    const picker = row.getByRole('dialog', { name: 'Add a reaction' });
    await picker.getByRole('searchbox').fill(name);
    await picker.getByRole('button', { name, exact: true }).click();
    await expect(alice.message('what a day').locator('.reaction')).toHaveCount(Math.min(at + 1, 20));
  }
  await expect(row.locator('.reaction')).toHaveCount(20);
  // One that goes makes room for the next.
  await row.locator('.reaction').first().click();
  await expect(alice.message('what a day').locator('.reaction').last()).toHaveAccessibleName(/^🥨 /);
  await expect(row.locator('.reaction')).toHaveCount(20);
  await bob.says('indeed');
  await alice.sees('indeed');
});

test('a name or a topic that is too long says so where it stands', async ({ signedUp }) => {
  const [alice] = await signedUp('alice');
  const { page } = alice;
  const field = (label: string) => page.getByRole('dialog').locator('.field').filter({ has: page.getByLabel(label, { exact: true }) });
  const long = 'Too long. Make it shorter.';
  await page.getByRole('button', { name: 'Create a space' }).click();
  await alice.dialog('Create a space').getByRole('radio', { name: 'Empty' }).check();
  await page.getByRole('button', { name: 'Create space' }).click();
  await expect(field('Name').getByLabel('Name')).toBeFocused();
  await field('Name').getByLabel('Name').fill('ä'.repeat(101));
  await page.getByRole('button', { name: 'Create space' }).click();
  await expect(field('Name').getByText(long)).toBeVisible();
  await field('Name').getByLabel('Name').fill('ä'.repeat(100));
  await page.getByRole('button', { name: 'Create space' }).click();
  await expect(page.getByRole('dialog')).toBeHidden({ timeout: 20_000 });
  await page.keyboard.press('Control+k');
  await page.keyboard.type('>new channel');
  await page.keyboard.press('Enter');
  await field('Name').getByLabel('Name').fill('tea');
  // What was typed is not lost by Esc, however often.
  for (let at = 0; at < 3; at += 1) await page.keyboard.press('Escape');
  await expect(field('Name').getByLabel('Name')).toHaveValue('tea');
  await field('Topic').getByLabel('Topic').fill('a'.repeat(1_001));
  await page.getByRole('button', { name: 'Create channel' }).click();
  await expect(field('Topic').getByText(long)).toBeVisible();
  await expect(field('Name').getByText(long)).toHaveCount(0);
});

test('names of groups, roles, headings and guests that are too long say so where they stand', async ({ signedUp, newPerson }) => {
  const [alice] = await signedUp('alice');
  const { page } = alice;
  const dialog = page.getByRole('dialog');
  const refuses = async (press: string): Promise<void> => {
    const field = dialog.locator('.field').filter({ has: page.getByLabel('Name', { exact: true }) });
    await field.getByLabel('Name').fill('ä'.repeat(101));
    await dialog.getByRole('button', { name: press }).click();
    await expect(field.getByText('Too long. Make it shorter.')).toBeVisible();
    await field.getByLabel('Name').fill('short');
    await dialog.getByRole('button', { name: press }).click();
    await expect(dialog).toBeHidden();
  };
  await alice.chooses('New conversation', 'New group');
  await refuses('Create group');
  await alice.canWriteTo('short');
  await alice.chooses('More', 'Rename');
  await refuses('Rename');

  await alice.chooses('More', 'Invite by link');
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  const link = await dialog.getByRole('textbox', { name: 'Link' }).inputValue();
  await dialog.locator('.dialog-foot').getByRole('button', { name: 'Close' }).click();
  const guest = await newPerson('guest');
  await guest.page.goto(link.slice(link.indexOf('/#')));
  await guest.page.getByRole('button', { name: 'Come in as a guest' }).click();
  await guest.page.getByLabel('Your name').fill('ä'.repeat(101));
  await guest.page.getByRole('button', { name: 'Come in', exact: true }).click();
  await expect(guest.page.getByText('Too long. Make it shorter.')).toBeVisible();
  await guest.page.getByLabel('Your name').fill('Zoe');
  await guest.page.getByRole('button', { name: 'Come in', exact: true }).click();
  await guest.canWriteTo('short');

  await page.getByRole('button', { name: 'Create a space' }).click();
  await dialog.getByLabel('Name', { exact: true }).fill('Harbour');
  await dialog.getByRole('radio', { name: 'Empty' }).check();
  await dialog.getByRole('button', { name: 'Create space' }).click();
  await expect(dialog).toBeHidden();
  const menu = page.getByRole('navigation', { name: 'Channels of Harbour' }).getByRole('button', { name: 'Harbour' });
  await menu.click();
  await page.getByRole('menuitem', { name: 'New heading' }).click();
  await refuses('Add heading');
  await menu.click();
  await page.getByRole('menuitem', { name: 'Space settings' }).click();
  await page.getByRole('link', { name: 'Roles' }).click();
  await page.getByRole('button', { name: 'New role' }).click();
  await refuses('Create role');
});

test('what nests without end is drawn, and the page goes on', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  const nested = ['>', '> ', '- ', '1. ', '**a ', '~~a ', '_a ', '||a ', '[a](', '![', '`a '].map((sign) => `${sign.repeat(2_000)}deep`);
  for (const text of nested) await alice.says(text);
  await alice.says('the last one');
  await alice.hasSentEverything();
  await bob.opensToWrite('alice');
  await bob.sees('the last one');
  for (const person of [alice, bob]) {
    await person.goesToTheBeginning();
    const drawn = person.log.locator('[data-message-state] .message-body').filter({ hasText: 'deep' });
    await expect(drawn).toHaveCount(nested.length);
    // However deep it was meant, it ends.
    const depth = await drawn.evaluateAll((bodies) => {
      const depthOf = (element: Element): number => 1 + Math.max(0, ...[...element.children].map(depthOf));
      return Math.max(...bodies.map(depthOf));
    });
    expect(depth).toBeGreaterThan(3);
    expect(depth).toBeLessThan(100);
  }
  await bob.says('I read on');
  await alice.page.getByRole('button', { name: /^Newest$|^1 new message$/ }).click();
  await alice.sees('I read on');
  await bob.reloads();
  await bob.sees('I read on');
});

test('with the server stopped, signing in says so and keeps what was typed', async ({ signedUp, anotherBrowserOf, relay }) => {
  const [alice] = await signedUp('alice');
  alice.expectsTrouble();
  const elsewhere = await anotherBrowserOf(alice);
  elsewhere.expectsTrouble();
  await elsewhere.page.goto('/');
  await expect(elsewhere.page.getByLabel('Handle')).toBeVisible();
  await relay.kill();
  await elsewhere.page.getByLabel('Handle').fill('alice');
  await elsewhere.page.getByLabel('Password', { exact: true }).fill(alice.password);
  await elsewhere.page.getByRole('button', { name: 'Sign in' }).click();
  await expect(elsewhere.page.getByText('No answer from the server.')).toBeVisible({ timeout: 20_000 });
  await expect(elsewhere.page.getByLabel('Handle')).toHaveValue('alice');

  await relay.restart();
  await elsewhere.page.getByRole('button', { name: 'Sign in' }).click();
  await elsewhere.isIn();
});

test('an address that is not there leads back to the messages', async ({ signedUp }) => {
  const [alice] = await signedUp('alice');
  await alice.page.goto(`/messages/${'A'.repeat(43)}`);
  await expect(alice.page.getByText('This conversation is not here')).toBeVisible();
  await alice.page.getByRole('main').getByRole('link', { name: 'All messages' }).click();
  await expect(alice.page.getByText('Begin with one person')).toBeVisible();
});

// Code in messages has colours, which a worker of its own finds: whatever it is given, the page goes on.

import { expect, test } from './stage.ts';

test('code has colours for both, and a text that would take too long has none', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.opensDirectWith('bob');
  const text = '// né 🙂 <b>\nfn main() { let s = "hi"; }';
  // Rules take the square of the length for this one.
  for (const code of [`\`\`\`ts\n${'a'.repeat(19_900)}\n\`\`\``, `\`\`\`rs\n${text}\n\`\`\``, '```nolanguage\nlet a = 1;\n```']) {
    await alice.composer.fill(code);
    await alice.composer.press('Enter');
    await expect(alice.composer).toHaveValue('');
  }
  await alice.hasSentEverything();
  await bob.opensToWrite('alice');
  for (const { log } of [alice, bob]) {
    const rust = log.locator('code').filter({ hasText: 'fn main' });
    await expect(rust.locator('.code-word')).toHaveText(['fn', 'let']);
    await expect(rust.locator('.code-remark')).toHaveText('// né 🙂 <b>');
    await expect(rust.locator('.code-text')).toHaveText('"hi"');
    expect(await rust.textContent()).toBe(text);
    await expect(log.locator('code').filter({ hasText: 'let a' }).locator('span')).toHaveCount(0);
    await expect(log.locator('code').filter({ hasText: 'aaaa' }).locator('span')).toHaveCount(0);
  }
  // What is copied is what was written.
  await bob.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  const block = bob.log.locator('.code').filter({ hasText: 'fn main' });
  await block.getByRole('button', { name: 'Copy code' }).click();
  await expect(block.getByRole('button', { name: 'Copied' })).toBeVisible();
  expect(await bob.page.evaluate(() => navigator.clipboard.readText())).toBe(text);
});

// Whatever somebody types or is sent stays text.

import type { Locator, Page } from '@playwright/test';

import { expect, test } from './stage.ts';
import { LETTERS, LINKS, MARKUP, shown } from './xss.ts';

/** What a row of the timeline is made of. */
const ROW_PARTS = new Set(['A', 'BDI', 'BR', 'BUTTON', 'DIV', 'H3', 'I', 'LI', 'P', 'PATH', 'SPAN', 'SVG', 'TIME', 'B', 'CIRCLE', 'G', 'RECT', 'ELLIPSE', 'POLYGON', 'CLIPPATH', 'DEFS', 'BLOCKQUOTE', 'CODE', 'EM', 'OL', 'PRE', 'S', 'STRONG', 'UL']);

class Watch {
  private readonly seen: string[] = [];
  private constructor(private readonly page: Page) {}

  static async over(page: Page): Promise<Watch> {
    const watch = new Watch(page);
    page.on('dialog', (dialog) => {
      watch.seen.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (protocol !== 'blob:' && hostname !== '127.0.0.1' && hostname !== 'localhost') watch.seen.push(`request ${request.url()}`);
    });
    await page.exposeFunction('hit', () => watch.seen.push('a script ran'));
    return watch;
  }

  async sawNothing(): Promise<void> {
    expect(this.seen).toEqual([]);
    await expect(this.page.locator('iframe, object, embed, base, meta[http-equiv=refresh], [onerror], [onload]')).toHaveCount(0);
  }

  forget(): string[] {
    return this.seen.splice(0);
  }
}

const tags = (rows: Locator): Promise<string[]> =>
  rows.evaluateAll((all) => [...new Set(all.flatMap((row) => [...row.querySelectorAll('*')].map(({ tagName }) => tagName.toUpperCase())))]);

test('the watch notices a script, a foreign request and markup from text', async ({ newPerson }) => {
  const alice = await newPerson('alice');
  const watch = await Watch.over(alice.page);
  await alice.page.goto('/');
  alice.expectsTrouble(/Content Security Policy|TrustedHTML|Failed to load resource|net::ERR/);
  await alice.page.evaluate(() => (globalThis as unknown as { hit: () => void }).hit());
  expect(watch.forget()).toEqual(['a script ran']);
  // The policy refuses it before it leaves, and says so: that is a complaint, and would fail a test.
  await alice.page.evaluate(() => fetch('https://elsewhere.invalid/').catch(() => undefined));
  await expect.poll(() => alice.complaints.some((complaint) => /Content Security Policy/.test(complaint))).toBe(true);
  // The same in the worker.
  const said = alice.complaints.length;
  await expect.poll(() => alice.page.workers().length).toBe(1);
  await alice.page.workers()[0]?.evaluate(() => fetch('https://elsewhere.invalid/').catch(() => undefined));
  await expect.poll(() => alice.complaints.slice(said).some((complaint) => /Content Security Policy/.test(complaint))).toBe(true);
  expect(await alice.page.evaluate(() => {
    try {
      document.createElement('p').innerHTML = '<b>text</b>';
      return 'taken';
    } catch (error) {
      return (error as Error).name;
    }
  })).toBe('TypeError');
});

test('messages, names and drafts of every kind stay text', async ({ signedUp }) => {
  test.slow();
  const [alice, bob] = await signedUp('alice', 'bob');
  const watches = [await Watch.over(alice.page), await Watch.over(bob.page)];
  await alice.opensDirectWith('bob');
  await bob.opensToWrite('alice');
  const all = [...MARKUP, ...LINKS, ...LETTERS];
  for (const text of all) await alice.says(text);
  await bob.comesToSeeExactly(all.map(shown), 60_000);
  for (const person of [alice, bob]) {
    const rows = person.log.getByRole('listitem');
    expect((await tags(rows)).filter((tag) => !ROW_PARTS.has(tag))).toEqual([]);
    for (const link of await rows.locator('a').all()) expect(await link.getAttribute('href')).toMatch(/^https?:\/\//);
  }
  for (const typed of [MARKUP[5], MARKUP[9], LETTERS[0]] as string[]) {
    // What turns the text beside it does not get into a name at all.
    const name = typed.replace('\u202e', '');
    await alice.makesGroup(typed, ['bob'], name);
    await expect(alice.page).toHaveTitle(`${name} · Sotto`);
    await expect(bob.conversations.getByText(name, { exact: true })).toBeVisible();
    await alice.composer.fill(typed);
    await alice.reloads();
    await expect(alice.composer).toHaveValue(typed);
  }
  for (const watch of watches) await watch.sawNothing();
});

test('addresses of every kind lead nowhere', async ({ newPerson }) => {
  test.slow();
  const alice = await newPerson('alice');
  const watch = await Watch.over(alice.page);
  alice.expectsTrouble();
  for (const text of [...MARKUP, ...LINKS]) {
    // With a dot it would be the address of a file.
    const spelt = encodeURIComponent(text).replaceAll('.', '%2E');
    await alice.page.goto(`/messages/${spelt.slice(0, 600)}?q=${spelt}#${spelt}`);
    await expect(alice.page.getByRole('main')).toBeVisible();
  }
  await watch.sawNothing();
});

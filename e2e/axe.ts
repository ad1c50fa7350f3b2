// What axe (WCAG 2.2 A and AA) has to say about a screen.

import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** Each finding with the elements it is about. Nothing is the wish. */
export async function findings(page: Page, colorScheme: 'dark' | 'light'): Promise<string[]> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  // Even a change that takes no time is drawn with the next frame only: until then a button has the other theme's colours.
  await page.evaluate(async () => {
    for (let at = 0; at < 2; at += 1) await new Promise((drawn) => requestAnimationFrame(drawn));
  });
  const { violations } = await new AxeBuilder({ page }).options({ runOnly: RULES, resultTypes: ['violations'] }).setLegacyMode().analyze();
  return violations.map(({ id, help, nodes }) => {
    const where = nodes.map(({ html, any }) => `    ${html} ${any.map(({ message }) => message).join(', ')}`);
    return [`${id}: ${help}`, ...where].join('\n');
  });
}

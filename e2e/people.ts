// People, as a test speaks of them: `await alice.says('hi')`, `await bob.sees('hi')`.
//
// A person here is one browser profile of an account, with a cable of its own to the relay. The same account in another
// browser is another person object: `await bob.onAnotherBrowser()`.

import { randomBytes } from 'node:crypto';

import { type Browser, type BrowserContext, type BrowserContextOptions, type Locator, type Page, expect } from '@playwright/test';

import type { Relay } from './relay.ts';
import { Wire } from './wire.ts';

/** What Chromium itself writes to the console when an address does not answer, or answers with a refusal. */
const NETWORK_TROUBLE = /Failed to load resource|WebSocket connection to .* failed|net::ERR_/;

/** A phone in somebody's hand. */
export const PHONE: PersonOptions = { context: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } };

export interface PersonOptions {
  password?: string;
  context?: BrowserContextOptions;
}

export class Person {
  password: string;
  /** What went wrong in the page, the worker, or the policy since the last look; a test fails when any is left. */
  readonly complaints: string[] = [];
  private readonly tolerated: RegExp[] = [];
  /** In the room on screen, last. */
  private said?: string;

  private constructor(
    readonly handle: string,
    private readonly browser: Browser,
    private readonly relay: Pick<Relay, 'port'>,
    private readonly options: PersonOptions,
    readonly context: BrowserContext,
    readonly wire: Wire,
    public page: Page,
  ) {
    this.password = options.password ?? `correct horse ${randomBytes(6).toString('hex')} staple`;
  }

  static async arrives(browser: Browser, relay: Pick<Relay, 'port'>, handle: string, options: PersonOptions = {}): Promise<Person> {
    const wire = await Wire.to(relay);
    const context = await browser.newContext({ baseURL: wire.url, ...options.context });
    const person = new Person(handle, browser, relay, options, context, wire, await context.newPage());
    person.listens(person.page);
    return person;
  }

  /** The same account, a browser that has never been here. */
  async onAnotherBrowser(): Promise<Person> {
    return Person.arrives(this.browser, this.relay, this.handle, { ...this.options, password: this.password });
  }

  /** The same browser, one more tab. The same person object goes on in the first one. */
  async inAnotherTab(): Promise<Person> {
    const tab = new Person(
      this.handle, this.browser, this.relay, { ...this.options, password: this.password }, this.context, this.wire, await this.context.newPage(),
    );
    tab.listens(tab.page);
    return tab;
  }

  async leaves(): Promise<void> {
    await this.context.close();
    await this.wire.remove();
  }

  // ---- Hands --------------------------------------------------------------------------------------------------------

  private get hasTouch(): boolean {
    return this.options.context?.hasTouch ?? false;
  }

  /** A finger on a phone, elsewhere the pointer. What a finger is to meet is large enough for it. */
  async presses(target: Locator): Promise<void> {
    if (!this.hasTouch) return target.click();
    await expect(target).toBeVisible();
    const { width, height, what } = await target.evaluate((element) => {
      // The words beside a box belong to it.
      const { width, height } = (element.closest('label') ?? element).getBoundingClientRect();
      return { width, height, what: element.outerHTML.slice(0, 200) };
    });
    expect.soft(Math.min(width, height), `${what} is too small for a finger`).toBeGreaterThanOrEqual(24);
    await this.fits();
    await target.tap();
  }

  /** Makes a cross in a box that has none. */
  async ticks(box: Locator): Promise<void> {
    if (this.hasTouch) await this.presses(box);
    else await box.check();
    await expect(box).toBeChecked();
  }

  /** Nothing stands out over the side of the screen. */
  async fits(): Promise<void> {
    // By the screen, not by the window: a phone's grows with what is too wide for it.
    const wide = await this.page.evaluate(() => document.scrollingElement?.scrollWidth ?? 0);
    expect.soft(wide, `${this.page.url()} is wider than the screen`).toBeLessThanOrEqual(this.page.viewportSize()?.width ?? 0);
  }

  /** Rests a finger on something until its sheet opens, as the one of a message does. */
  async holds(target: Locator, sheet = this.dialog('Message')): Promise<Locator> {
    await target.scrollIntoViewIfNeeded();
    const box = await target.boundingBox();
    if (!box) throw new Error('what is to be held is not on screen');
    const touch = await this.context.newCDPSession(this.page);
    const touchPoints = [{ x: box.x + 20, y: box.y + box.height / 2 }];
    await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints });
    await expect(sheet).toBeVisible();
    await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
    await touch.detach();
    await expect(sheet).toBeVisible();
    return sheet;
  }

  // ---- The front door -----------------------------------------------------------------------------------------------

  async signsUp(): Promise<this> {
    await this.fillsSignUp();
    await this.presses(this.page.getByRole('button', { name: 'Create account' }));
    await this.isIn();
    return this;
  }

  /** Everything but the last press. */
  async fillsSignUp(): Promise<void> {
    await this.page.goto('/sign-up');
    await this.page.getByLabel('Handle').fill(this.handle);
    await this.presses(this.page.getByRole('button', { name: 'Use my own' }));
    await this.page.getByLabel('Password', { exact: true }).fill(this.password);
    await this.ticks(this.page.getByRole('checkbox', { name: /^I saved/ }));
    // The meter has had its say.
    await expect(this.page.getByRole('img', { name: /guess|strong/i })).toBeVisible();
  }

  async signsIn(): Promise<this> {
    await this.triesToSignIn(this.password);
    await this.isIn();
    return this;
  }

  async triesToSignIn(password: string): Promise<void> {
    await this.fillsSignIn(password);
    await this.pressesSignIn();
  }

  /** Everything but the press. */
  async fillsSignIn(password: string): Promise<void> {
    await this.page.goto('/');
    await this.page.getByLabel('Handle').fill(this.handle);
    await this.page.getByLabel('Password', { exact: true }).fill(password);
  }

  async pressesSignIn(): Promise<void> {
    await this.presses(this.page.getByRole('button', { name: 'Sign in' }));
  }

  async isIn(): Promise<void> {
    // On a phone there is no room for the handle beside the tabs.
    const isPhone = (this.page.viewportSize()?.width ?? 1280) < 900;
    const sign = isPhone ? this.page.getByRole('link', { name: 'You', exact: true }) : this.column.getByText(this.handle, { exact: true });
    await expect(sign).toBeVisible({ timeout: 20_000 });
  }

  /** Once the connection stands. */
  async isOnline(): Promise<void> {
    await expect(this.column.getByText('Online')).toBeVisible();
  }

  // ---- The account --------------------------------------------------------------------------------------------------

  /** A password of one's own, where a new one is asked for. */
  async choosesPassword(form: Locator, password: string): Promise<void> {
    await this.presses(form.getByRole('button', { name: 'Use my own' }));
    await form.getByLabel('New password', { exact: true }).fill(password);
    await this.ticks(form.getByRole('checkbox', { name: /^I saved/ }));
  }

  /** On the page of the account; what is said afterwards is the test's. */
  async changesPassword(password: string): Promise<void> {
    await this.presses(this.page.getByRole('button', { name: 'Change the password' }));
    const dialog = this.dialog('Change the password');
    await dialog.getByLabel('Current password', { exact: true }).fill(this.password);
    await this.choosesPassword(dialog, password);
    await this.presses(dialog.getByRole('button', { name: 'Change the password' }));
    this.password = password;
  }

  /** On the page of the account. `meanwhile` happens where the two groups are asked for. */
  async makesRecoveryKey(meanwhile?: (dialog: Locator) => Promise<void>): Promise<string[]> {
    await this.presses(this.page.getByRole('button', { name: 'Make a recovery key' }));
    const dialog = this.dialog('Make a recovery key');
    await dialog.getByLabel('Your password', { exact: true }).fill(this.password);
    await this.presses(dialog.getByRole('button', { name: 'Show the key' }));
    const shown = dialog.locator('.paper-groups li');
    await expect(shown).toHaveCount(14, { timeout: 20_000 });
    const groups = await shown.allInnerTexts();
    await this.presses(dialog.getByRole('button', { name: 'I have it on paper' }));
    const asked = dialog.locator('label', { hasText: /^Group \d+$/ });
    await expect(asked).toHaveCount(2);
    await meanwhile?.(dialog);
    for (const label of await asked.allInnerTexts()) {
      const number = Number(/^Group (\d+)$/.exec(label)?.[1]);
      await dialog.getByLabel(label, { exact: true }).fill(groups[number - 1]?.toLowerCase() ?? '');
    }
    await this.presses(dialog.getByRole('button', { name: 'Done' }));
    await expect(dialog).toBeHidden();
    return groups;
  }

  // ---- Where things are ---------------------------------------------------------------------------------------------

  get column(): Locator {
    return this.page.getByRole('navigation', { name: 'Messages' });
  }

  get members(): Locator {
    return this.page.getByRole('complementary', { name: 'Members' });
  }

  /** Somebody in the list of members, whether or not they are there now. */
  member(handle: string): Locator {
    return this.members.getByRole('button', { name: new RegExp(`^${handle}( |$)`) });
  }

  get conversations(): Locator {
    return this.column.getByRole('list', { name: 'Conversations' });
  }

  get log(): Locator {
    return this.page.getByRole('log');
  }

  get composer(): Locator {
    return this.page.getByRole('textbox', { name: /^Message / });
  }

  dialog(name: string | RegExp): Locator {
    return this.page.getByRole('dialog', { name });
  }

  /** The row of a message with exactly this text. */
  message(text: string): Locator {
    return this.log.getByRole('listitem').filter({ has: this.page.getByText(text, { exact: true }) });
  }

  // ---- Rooms --------------------------------------------------------------------------------------------------------

  async opensDirectWith(handle: string): Promise<void> {
    await this.chooses('New conversation', 'New message');
    const dialog = this.dialog('New message');
    await dialog.getByLabel('Handle').fill(handle);
    await this.presses(dialog.getByRole('button', { name: 'Write' }));
    await this.canWriteTo(handle);
  }

  /** A direct message that both began, so that nobody is asked about it; this one has it open, the other their list. */
  async hasBeenWrittenToBy(other: Person): Promise<void> {
    await other.opensDirectWith(this.handle);
    await other.presses(other.page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: /^Messages/ }));
    await this.opensDirectWith(other.handle);
  }

  /** `shown` is what becomes of the name. */
  async makesGroup(name: string, handles: string[], shown = name): Promise<void> {
    await this.chooses('New conversation', 'New group');
    const dialog = this.dialog('New group');
    await dialog.getByLabel('Name').fill(name);
    await this.picks(dialog, handles);
    await this.presses(dialog.getByRole('button', { name: 'Create group' }));
    await this.canWriteTo(shown);
  }

  /** Opens a conversation from the list, by its title. */
  async opens(title: string): Promise<void> {
    // By the title alone: a preview may name somebody too.
    const row = this.column.getByRole('link').filter({ has: this.page.locator('.talk-name', { hasText: title }) });
    delete this.said;
    await this.presses(row);
    await expect(this.page.getByRole('region', { name: title }).getByRole('log')).toBeVisible();
  }

  /** Opens a conversation and waits until its key is there. */
  async opensToWrite(title: string): Promise<void> {
    await this.opens(title);
    await this.canWriteTo(title);
  }

  /** Accepts first, where somebody asks. */
  async canWriteTo(title: string): Promise<void> {
    delete this.said;
    const text = this.page.getByRole('textbox', { name: `Message ${title}` });
    const accept = this.page.getByRole('button', { name: 'Accept', exact: true });
    await expect(text.or(accept)).toBeVisible();
    if (await accept.isVisible()) await this.presses(accept);
    await expect(text).toBeVisible();
  }

  async addsPeople(handles: string[]): Promise<void> {
    await this.chooses('More', 'Add people');
    const dialog = this.dialog(/^Add people/);
    await this.picks(dialog, handles);
    await this.presses(dialog.getByRole('button', { name: 'Add', exact: true }).last());
    await expect(dialog).toBeHidden();
  }

  async removes(handle: string): Promise<void> {
    if (!(await this.members.isVisible())) await this.presses(this.page.getByRole('button', { name: /^Members/ }));
    await this.presses(this.member(handle));
    await this.presses(this.page.getByRole('menuitem', { name: 'Remove' }));
    const dialog = this.dialog(new RegExp(`^Remove ${handle}`));
    await this.presses(dialog.getByRole('button', { name: 'Remove' }));
    await expect(dialog).toBeHidden();
  }

  /** Opens a menu by the name of its button and takes an entry. */
  async chooses(menu: string, entry: string): Promise<void> {
    // A message under the pointer has one of that name, too; it comes later.
    await this.presses(this.page.getByRole('button', { name: menu, exact: true }).first());
    await this.presses(this.page.getByRole('menuitem', { name: entry }));
  }

  private async picks(dialog: Locator, handles: string[]): Promise<void> {
    for (const handle of handles) {
      await dialog.getByRole('textbox', { name: 'People' }).fill(handle);
      await dialog.getByRole('textbox', { name: 'People' }).press('Enter');
      await expect(dialog.getByRole('list', { name: 'Chosen people' }).getByText(handle, { exact: true })).toBeVisible();
    }
  }

  // ---- Messages -----------------------------------------------------------------------------------------------------

  /** Writes and presses Enter; on a phone, where that makes a line, the button. Returns when that was, by the clock of the page. */
  async says(text: string): Promise<number> {
    this.said = text;
    await this.composer.fill(text);
    const pressed = await this.page.evaluate(() => Date.now());
    if (this.hasTouch) await this.page.getByRole('form', { name: 'Write a message' }).getByRole('button', { name: 'Send', exact: true }).tap();
    else await this.composer.press('Enter');
    return pressed;
  }

  async sees(text: string): Promise<void> {
    await expect(this.message(text)).toBeVisible();
  }

  /** The mark under one's own message that others have read it. */
  readMark(text: string): Locator {
    return this.message(text).locator('[data-read]');
  }

  async seesNot(text: string): Promise<void> {
    await expect(this.log.getByText(text)).toHaveCount(0);
  }

  /** Scrolls up until the first row of the conversation stands in the page. */
  async goesToTheBeginning(): Promise<void> {
    const beginning = this.log.getByRole('heading');
    await expect
      .poll(async () => {
        await this.log.evaluate((log) => log.scrollTo({ top: -log.scrollHeight }));
        return beginning.count();
      }, { timeout: 20_000 })
      .toBeGreaterThan(0);
  }

  /** Resolves to the moment at which the text came to stand in the timeline, as the page itself saw it. Call it before it comes. */
  async noticesWhen(text: string): Promise<() => Promise<number>> {
    const seen = await this.page.evaluateHandle(
      (wanted) => ({
        at: new Promise<number>((noticed) => {
          const look = (): boolean =>
            [...document.querySelectorAll('[role=log] li')].some((row) => row.textContent?.includes(wanted) ?? false);
          const watch = new MutationObserver(() => {
            if (!look()) return;
            watch.disconnect();
            noticed(Date.now());
          });
          if (look()) noticed(Date.now());
          else watch.observe(document.body, { childList: true, subtree: true, characterData: true });
        }),
      }),
      text,
    );
    return async () => seen.evaluate(({ at }) => at);
  }

  /** Every message in the timeline, from top to bottom. */
  async messages(): Promise<string[]> {
    return this.log.locator('[data-message-state] .message-body').allTextContents();
  }

  /** The timeline comes to hold exactly these, in this order. */
  async comesToSeeExactly(texts: string[], within = 15_000): Promise<void> {
    await expect.poll(() => this.messages(), { timeout: within }).toEqual(texts);
  }

  /** Nothing waits any more: every message was taken by the relay. */
  async hasSentEverything(within = 15_000): Promise<void> {
    // What was just said may not stand there yet.
    if (this.said) await this.sees(this.said);
    delete this.said;
    await expect(this.log.locator('[data-message-state]:not([data-message-state=sent])')).toHaveCount(0, { timeout: within });
  }

  /** No row says that something is missing, damaged or still locked. */
  async readsEverything(): Promise<void> {
    await expect(this.log.getByText(/Messages are missing here|does not fit its signature|room key is still on the way/)).toHaveCount(0);
    await expect(this.page.getByText('This room is stopped')).toHaveCount(0);
  }

  // ---- The world ----------------------------------------------------------------------------------------------------

  async reloads(): Promise<void> {
    await this.page.reload();
  }

  /** The cable is out. The page's own files still come, as from a cache. */
  goesOffline(): void {
    this.expectsTrouble(NETWORK_TROUBLE);
    this.wire.cut();
  }

  /** The cable is in again; presses "Try now" where it is offered, so that no test waits for a timer. */
  async comesBack(): Promise<void> {
    this.wire.mend();
    const retry = this.page.getByRole('button', { name: 'Try now' }).first();
    const online = this.column.getByText('Online');
    await expect(retry.or(online).first()).toBeVisible();
    if (await retry.isVisible()) await retry.click({ timeout: 2_000 }).catch(() => undefined);
    await expect(online).toBeVisible({ timeout: 20_000 });
  }

  /** Complaints of this kind are part of the story. */
  expectsTrouble(kind: RegExp = NETWORK_TROUBLE): void {
    this.tolerated.push(kind);
  }

  /** What nobody expected. */
  unexpected(): string[] {
    return this.complaints.filter((complaint) => !this.tolerated.some((kind) => kind.test(complaint)));
  }

  private listens(page: Page): void {
    // Chromium reports a broken policy (CSP, Trusted Types) of a page as an error on the console.
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(`${this.handle}, console: ${message.text()} (${message.location().url})`);
    });
    // Of what its policy forbids a worker, it does not.
    page.on('worker', (worker) => {
      worker
        .evaluate(() =>
          addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
            console.error(`Content Security Policy of the worker: ${violatedDirective} ${blockedURI}`),
          ),
        )
        // One that ended at once.
        .catch(() => undefined);
    });
    page.on('pageerror', (error) => this.complaints.push(`${this.handle}, uncaught: ${error.stack ?? error.message}`));
    page.on('crash', () => this.complaints.push(`${this.handle}: the page crashed`));
  }
}

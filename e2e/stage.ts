// What a test starts with: a relay of its own, and people who can arrive. Import `test` and `expect` from here.

import { test as base, expect } from '@playwright/test';

import { Person, type PersonOptions } from './people.ts';
import { Relay } from './relay.ts';

interface Stage {
  /** Settings of the relay beside the usual ones, by the names of .env.example. */
  settings: Record<string, string>;
  relay: Relay;
  /** A person at a new browser, in front of the closed door. */
  newPerson: (handle: string, options?: PersonOptions) => Promise<Person>;
  /** People who have just signed up, each at a browser of their own. */
  signedUp: <Handles extends string[]>(...handles: Handles) => Promise<{ [Each in keyof Handles]: Person }>;
  /** A second browser of the same account. */
  anotherBrowserOf: (person: Person) => Promise<Person>;
  /** A second tab in the same browser. */
  anotherTabOf: (person: Person) => Promise<Person>;
}

interface Inner {
  people: Person[];
}

export const test = base.extend<Stage & Inner>({
  settings: [{}, { option: true }],

  relay: async ({ settings }, use, info) => {
    const relay = await Relay.start({ env: settings });
    await use(relay);
    if (info.status !== info.expectedStatus) {
      await info.attach('relay.log', { body: relay.log().slice(-200_000), contentType: 'text/plain' });
    }
    await relay.remove();
  },

  people: async ({ relay: _ }, use) => {
    const people: Person[] = [];
    await use(people);
    // The end of every test: nothing may have gone wrong behind the page.
    const unexpected = [...new Set(people.flatMap((person) => person.unexpected()))];
    for (const person of people) await person.leaves();
    expect(unexpected, 'errors on the console, uncaught, or against the policy').toEqual([]);
  },

  newPerson: async ({ browser, relay, people }, use) => {
    await use(async (handle, options) => {
      const person = await Person.arrives(browser, relay, handle, options);
      people.push(person);
      return person;
    });
  },

  signedUp: async ({ newPerson }, use) => {
    await use(async (...handles) => {
      const all = await Promise.all(handles.map(async (handle) => (await newPerson(handle)).signsUp()));
      return all as { [Each in keyof typeof handles]: Person };
    });
  },

  anotherBrowserOf: async ({ people }, use) => {
    await use(async (person) => {
      const other = await person.onAnotherBrowser();
      people.push(other);
      return other;
    });
  },

  anotherTabOf: async ({ people }, use) => {
    await use(async (person) => {
      const tab = await person.inAnotherTab();
      people.push(tab);
      return tab;
    });
  },
});

export { expect };

// A name beside the handle: told where one writes, shown instead of the handle, and never where the handle is what counts.
// A picture in the place of the mark.

import type { Locator, Page } from '@playwright/test';

import { PHONE } from './people.ts';
import { expect, test } from './stage.ts';

for (const [width, options] of [[1280, {}], [390, PHONE]] as const) {
  test(`a name and a status reach the others, ${width} px`, async ({ signedUp, newPerson, anotherBrowserOf }) => {
    const [alice] = await signedUp('alice');
    const bob = await (await newPerson('bob', options)).signsUp();
    await alice.makesGroup('Sunday walk', ['bob']);
    await alice.says('who comes?');
    await bob.opensToWrite('Sunday walk');
    await bob.sees('who comes?');
    await bob.says('me');
    await bob.hasSentEverything();
    await alice.page.goto('/settings/profile');
    const form = alice.page.getByRole('form', { name: 'Profile' });
    await expect(form.getByRole('button', { name: 'Save' })).toBeDisabled();
    await form.getByLabel('Name').fill('Alice of the Bridge');
    await form.getByLabel('Status').fill('out walking');
    await form.getByRole('button', { name: 'Save' }).click();
    await expect(alice.page.getByText('People see it where you write next.')).toBeVisible();
    await alice.page.goto('/messages');
    await alice.opensToWrite('Sunday walk');
    const author = bob.log.getByRole('button', { name: 'Alice of the Bridge', includeHidden: true });
    await expect(author.first()).toBeVisible();
    await bob.presses(author.first());
    const card = bob.dialog('Profile');
    await expect(card.getByText('Alice of the Bridge')).toBeVisible();
    await expect(card.getByText('alice@')).toBeVisible();
    await expect(card.getByText('out walking')).toBeVisible();
    await expect(card.getByText('Owner')).toBeVisible();
    // The safety number is about the handle.
    await bob.presses(card.getByRole('button', { name: 'Safety number' }));
    await expect(bob.dialog('Safety number with alice')).toBeVisible();
    await bob.page.keyboard.press('Escape');
    // Spoken of by the name, and found by both.
    await alice.composer.pressSequentially('hm');
    await expect(bob.page.getByText('Alice of the Bridge is writing')).toBeVisible();
    await alice.composer.fill('');
    for (const typed of ['@brid', '@ali']) {
      await bob.composer.pressSequentially(typed);
      await expect(bob.page.getByRole('listbox', { name: 'People' }).getByRole('option')).toHaveText(/^Alice of the Bridge\s*alice$/);
      await bob.composer.press('Enter');
      await expect(bob.composer).toHaveValue('@alice ');
      await bob.composer.fill('');
    }
    await bob.page.keyboard.press('Control+k');
    const jump = bob.dialog('Jump to');
    for (const typed of ['bridge', 'alice']) {
      await jump.getByRole('combobox').fill(typed);
      await expect(jump.getByRole('option', { name: /Alice of the Bridge/ })).toBeVisible();
      await expect(jump.getByText('Somebody new')).toHaveCount(typed === 'alice' ? 0 : 1);
    }
    await bob.page.keyboard.press('Escape');
    const elsewhere = await anotherBrowserOf(alice);
    await elsewhere.signsIn();
    await elsewhere.page.goto('/settings/profile');
    await expect(elsewhere.page.getByRole('form', { name: 'Profile' }).getByLabel('Name')).toHaveValue('Alice of the Bridge');
    for (const person of [alice, bob]) {
      expect(person.wire.passed.filter(({ bytes }) => bytes.includes('Alice of the Bridge'))).toEqual([]);
    }
  });
}

test('a request says the handle beside the name', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.page.goto('/settings/profile');
  await alice.page.getByRole('form', { name: 'Profile' }).getByLabel('Name').fill('Your bank');
  await alice.page.getByRole('button', { name: 'Save' }).click();
  await alice.page.goto('/messages');
  await alice.opensDirectWith('bob');
  await alice.says('hello');
  await alice.hasSentEverything();
  await bob.column.getByRole('list', { name: 'Requests' }).getByRole('link').click();
  await expect(bob.page.getByRole('heading', { name: 'Your bank wants to talk with you' })).toBeVisible();
  await expect(bob.page.getByText('Their handle is alice.')).toBeVisible();
});

test('one’s own link leads to oneself and can be copied', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.page.goto('/settings/profile');
  await expect(alice.page.getByRole('img', { name: 'The link as a code' })).toBeVisible();
  const link = await alice.page.getByRole('textbox', { name: 'Your link' }).inputValue();
  expect(link).toMatch(/\/#c1\.[\w-]{43}\.alice$/);
  await bob.page.goto(link.slice(link.indexOf('/#')));
  await expect(bob.page.getByRole('heading', { name: 'alice' })).toBeVisible();
  await bob.page.getByRole('button', { name: 'Write a message' }).click();
  await bob.canWriteTo('alice');
});

/** A file as a camera might make one: wide, and red in the middle. */
const redPicture = async (page: Page): Promise<Buffer> => {
  const url = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 600, height: 300 });
    const context = canvas.getContext('2d');
    if (context) {
      context.fillStyle = '#0a0';
      context.fillRect(0, 0, 600, 300);
      context.fillStyle = '#d00';
      context.fillRect(150, 0, 300, 300);
    }
    return canvas.toDataURL('image/png');
  });
  return Buffer.from(url.slice(url.indexOf(',') + 1), 'base64');
};

/** What stands in the middle of an image, and how large it is. */
const looked = async (image: Locator): Promise<{ size: number[]; isRed: boolean }> =>
  image.evaluate(async (element) => {
    const image = element as HTMLImageElement;
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), { width: 128, height: 128 });
    const context = canvas.getContext('2d');
    context?.drawImage(image, 0, 0);
    const dot = (x: number): number[] => [...(context?.getImageData(x, 64, 1, 1).data ?? [])];
    const isRed = [2, 64, 125].map(dot).every(([red = 0, green = 0]) => red > 180 && green < 60);
    return { size: [image.naturalWidth, image.naturalHeight], isRed };
  });

test('a picture stands beside what one writes until it is taken away', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  await alice.makesGroup('Sunday walk', ['bob']);
  await alice.says('who comes?');
  await alice.hasSentEverything();
  await bob.opensToWrite('Sunday walk');
  await bob.sees('who comes?');
  await bob.page.getByRole('button', { name: /^Members/ }).click();
  const shown = [bob.log.locator('.message .mark img').first(), bob.member('alice').locator('img')];

  await alice.page.goto('/settings/profile');
  const own = alice.page.getByRole('region', { name: 'Your picture' });
  const chooses = async (name: string, mimeType: string, buffer: Buffer): Promise<void> => {
    const opens = alice.page.waitForEvent('filechooser');
    await own.getByRole('button', { name: 'Choose a picture' }).click();
    await (await opens).setFiles({ name, mimeType, buffer });
  };
  const markup = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>');
  for (const [name, type, bytes] of [['list.txt', 'text/plain', Buffer.from('milk')], ['drawn.svg', 'image/svg+xml', markup]] as const) {
    await chooses(name, type, bytes);
    await expect(own.getByRole('alert')).toHaveText('That file is not a picture this browser can open. Choose a JPEG, PNG or WebP.');
  }
  const red = (await redPicture(alice.page)).toString('base64');
  await alice.page.evaluate(async (red) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(red), (sign) => sign.charCodeAt(0))], 'image.png', { type: 'image/png' }));
    document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
  }, red);
  await expect(own.getByRole('button', { name: 'Save picture' })).toBeVisible();
  expect((await looked(own.locator('img'))).isRed).toBe(true);
  await own.getByRole('button', { name: 'Discard' }).click();
  await chooses('camera.png', 'image/png', await redPicture(alice.page));
  await expect(own.getByText('not a picture')).toHaveCount(0);
  await own.getByRole('button', { name: 'Save picture' }).click();
  await expect(own.getByRole('button', { name: 'Remove picture' })).toBeVisible();
  await expect(own.locator('img')).toBeVisible();

  await alice.page.goto('/messages');
  await alice.opensToWrite('Sunday walk');
  for (const image of shown) {
    await expect(image).toBeVisible();
    expect(await looked(image)).toEqual({ size: [128, 128], isRed: true });
  }
  // What went out is no image to anybody on the way.
  const put = alice.wire.passed.find(({ what }) => what.endsWith('/pictures/put, body'));
  const sealed = Buffer.from((JSON.parse(put?.bytes.toString() ?? '{}') as { sealed: string }).sealed, 'base64url');
  expect([sealed.length, sealed.includes('WEBP'), sealed.includes('JFIF')]).toEqual([12_360, false, false]);

  // Kept: bob's browser asks the server for it once.
  await bob.page.reload();
  await expect(bob.log.locator('.message .mark img').first()).toBeVisible();
  expect(bob.wire.passed.filter(({ what }) => what === 'POST /api/v1/pictures/get, body')).toHaveLength(1);

  await alice.page.goto('/settings/profile');
  await own.getByRole('button', { name: 'Remove picture' }).click();
  await expect(own.locator('img')).toHaveCount(0);
  await expect(bob.log.locator('.message .mark svg').first()).toBeVisible();
  await expect(bob.page.locator('.mark img')).toHaveCount(0);
});

test('a picture that is dropped, in a browser that writes no WebP, is a JPEG', async ({ signedUp }) => {
  const [alice, bob] = await signedUp('alice', 'bob');
  // Such a browser writes PNG in its place, as the standard says.
  await alice.page.addInitScript(() => {
    const writes = HTMLCanvasElement.prototype.toBlob;
    HTMLCanvasElement.prototype.toBlob = function (done, type, quality) {
      const told: BlobCallback = (blob) => {
        document.documentElement.dataset.wrote = blob?.type;
        done(blob);
      };
      writes.call(this, told, type === 'image/webp' ? 'image/png' : type, quality as number | undefined);
    };
  });
  await alice.opensDirectWith('bob');
  await alice.says('hello');
  await alice.hasSentEverything();
  await alice.page.goto('/settings/profile');
  const own = alice.page.getByRole('region', { name: 'Your picture' });
  await expect(own.getByRole('button', { name: 'Choose a picture' })).toBeVisible();
  const red = (await redPicture(alice.page)).toString('base64');
  const data = await alice.page.evaluateHandle((red) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(red), (sign) => sign.charCodeAt(0))], 'image.png', { type: 'image/png' }));
    return data;
  }, red);
  const place = own.locator('.profile-head');
  await place.dispatchEvent('dragover', { dataTransfer: data });
  await expect(place).toHaveAttribute('data-over', 'true');
  await place.dispatchEvent('drop', { dataTransfer: data });
  await own.getByRole('button', { name: 'Save picture' }).click();
  await expect(place).not.toHaveAttribute('data-over');
  await expect(own.getByRole('button', { name: 'Remove picture' })).toBeVisible();
  expect(await alice.page.evaluate(() => document.documentElement.dataset.wrote)).toBe('image/jpeg');

  await alice.page.goto('/messages');
  await alice.opensToWrite('bob');
  await alice.says('how do I look?');
  await bob.opensDirectWith('alice');
  const shown = bob.log.locator('.message .mark img').first();
  await expect(shown).toBeVisible();
  expect(await looked(shown)).toEqual({ size: [128, 128], isRed: true });
});

// The scanner must find what it is there to find: a scanner that finds nothing proves nothing.

import { expect, test } from '@playwright/test';

import { canary, forms, scan } from './canary.ts';
import { Frames } from './wire.ts';

const SECRET = 'the quick brown fox: żółw ✓';

function hits(bytes: Buffer | string): number {
  return scan({ fox: SECRET }, [{ what: 'here', bytes: Buffer.from(bytes) }]).length;
}

test('a secret is found in every form, whatever stands around it', () => {
  const plain = Buffer.from(SECRET);
  for (let before = 0; before < 7; before++) {
    for (let after = 0; after < 4; after++) {
      const within = Buffer.concat([Buffer.alloc(before, 0xa7), plain, Buffer.alloc(after, 0x5b)]);
      expect(hits(within), 'plain').toBeGreaterThan(0);
      expect(hits(within.toString('hex')), 'hex').toBeGreaterThan(0);
      expect(hits(within.toString('hex').toUpperCase()), 'HEX').toBeGreaterThan(0);
      expect(hits(within.toString('base64')), `base64 ${before} ${after}`).toBeGreaterThan(0);
      expect(hits(within.toString('base64url')), `base64url ${before} ${after}`).toBeGreaterThan(0);
      expect(hits(JSON.stringify([...within])), 'numbers').toBeGreaterThan(0);
    }
  }
});

test('a secret is found in JSON, addresses, forms and wide text', () => {
  expect(hits(JSON.stringify({ text: SECRET }))).toBeGreaterThan(0);
  expect(hits(`/find?q=${encodeURIComponent(SECRET)}`)).toBeGreaterThan(0);
  expect(hits(new URLSearchParams({ q: SECRET }).toString())).toBeGreaterThan(0);
  expect(hits(Buffer.from(SECRET, 'utf16le'))).toBeGreaterThan(0);
  expect(hits(SECRET.toUpperCase())).toBeGreaterThan(0);
});

test('what is not there is not found', () => {
  const noise = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 2_654_435_761) >>> 24));
  expect(hits(noise)).toBe(0);
  expect(hits(SECRET.slice(0, -1))).toBe(0);
  expect(scan({ a: canary('a') }, [{ what: 'b', bytes: Buffer.from(canary('b')) }])).toEqual([]);
});

test('it says whose secret was found where', () => {
  const [found] = scan({ fox: SECRET }, [
    { what: 'empty', bytes: Buffer.alloc(0) },
    { what: 'sotto.db-wal', bytes: Buffer.from(`--${SECRET}`) },
  ]);
  expect(found).toEqual({ secret: 'fox', form: 'plain', where: 'sotto.db-wal', at: 2 });
});

test('a secret that could stand somewhere by chance is refused', () => {
  expect(() => forms('hello')).toThrow(/too short/);
});

test('frames are read through their mask, however the bytes arrive', () => {
  const text = Buffer.from(SECRET.repeat(10));
  const mask = Buffer.from([1, 2, 3, 4]);
  const masked = Buffer.from(text.map((byte, i) => byte ^ (mask[i % 4] ?? 0)));
  const head = Buffer.from([0x82, 0x80 | 126, text.length >> 8, text.length & 255]);
  const frame = Buffer.concat([head, mask, masked]);
  const short = Buffer.from([0x81, 2, 0x68, 0x69]);
  for (const step of [1, 3, 1000]) {
    const found: Buffer[] = [];
    const frames = new Frames((payload) => found.push(payload), true);
    const stream = Buffer.concat([Buffer.from('HTTP/1.1 101 Switching Protocols\r\n\r\n'), frame, short, frame]);
    for (let at = 0; at < stream.length; at += step) frames.take(stream.subarray(at, at + step));
    expect(found.map(String)).toEqual([String(text), 'hi', String(text)]);
  }
});

// The scanner must find what it is there to find: a scanner that finds nothing proves nothing.

import { createHash } from 'node:crypto';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

import { expect, test } from '@playwright/test';

import { canary, forms, scan } from './canary.ts';
import { Frames } from './wire.ts';

const SECRET = 'the quick brown fox: żółw ✓ & "friends" <3';
// Leaves of another forest, for the space around a secret.
const NOISE = Buffer.from(Array.from({ length: 64 }, (_, i) => (i * 97 + 13) & 0xff));

function found(bytes: Buffer | string, secret = SECRET): string[] {
  return scan({ fox: secret }, [{ what: 'here', bytes: Buffer.from(bytes as string) }]).map(({ form }) => form);
}

function hits(bytes: Buffer | string): number {
  return found(bytes).length;
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

// Each spelt here by other means than the scanner's own, or by hand.
const SPELT: Record<string, [text: string, leak: string | Buffer]> = {
  'plain': [SECRET, SECRET],
  'plain, upper case': [SECRET, 'THE QUICK BROWN FOX: ŻÓŁW ✓ & "FRIENDS" <3'],
  'plain, lower case': ['The Quick Brown FOX', 'the quick brown fox'],
  'plain, decomposed': ['a turtle is a żółw', 'a turtle is a z\u0307o\u0301łw'],
  'plain, composed for comparing': ['the ﬁrst ﬂoor of it', 'the first floor of it'],
  'utf-16, low byte first': ['as Windows has it', Buffer.from('a\0s\0 \0W\0i\0n\0d\0o\0w\0s\0 \0h\0a\0s\0 \0i\0t\0', 'latin1')],
  'utf-16, high byte first': ['as Java writes it', Buffer.from('\0a\0s\0 \0J\0a\0v\0a\0 \0w\0r\0i\0t\0e\0s\0 \0i\0t', 'latin1')],
  'backwards, by letters': ['a żółw, backwards', 'sdrawkcab ,włóż a'],
  'backwards, by bytes': ['a żółw, backwards', Buffer.concat([Buffer.from('sdrawkcab ,w'), Buffer.from([0x82, 0xc5, 0xb3, 0xc3, 0xbc, 0xc5]), Buffer.from(' a')])],
  'in JSON': ['he said "no"\nand went', 'he said \\"no\\"\\nand went'],
  'in JSON, ASCII alone': ['slow as a żółw', 'slow as a \\u017c\\u00f3\\u0142w'],
  'in JSON, every letter escaped': ['a few letters', [...'a few letters'].map((letter) => `\\u00${letter.charCodeAt(0).toString(16)}`).join('')],
  'in JSON, twice': ['he said "no", twice', 'he said \\\\\\"no\\\\\\", twice'],
  'in an address': ['a slow żółw & co', 'a%20slow%20%C5%BC%C3%B3%C5%82w%20%26%20co'],
  'in an address, lower case': ['a slow żółw & co', 'a%20slow%20%c5%bc%c3%b3%c5%82w%20%26%20co'],
  'in an address, twice': ['a slow żółw & co', 'a%2520slow%2520%25C5%25BC%25C3%25B3%25C5%2582w%2520%2526%2520co'],
  'in an address, every letter escaped': ['fifteen letters', '%66%69%66%74%65%65%6E%20%6C%65%74%74%65%72%73'],
  'in a form': ['a slow żółw & co', 'a+slow+%C5%BC%C3%B3%C5%82w+%26+co'],
  'in a form, twice': ['a slow żółw & co', 'a%2Bslow%2B%25C5%25BC%25C3%25B3%25C5%2582w%2B%2526%2Bco'],
  'in HTML': ['"fish" & <chips>', '&quot;fish&quot; &amp; &lt;chips&gt;'],
  'in HTML, by numbers': ['"żółw" & <chips>', '&quot;&#380;&#243;&#322;w&quot; &amp; &lt;chips&gt;'],
  'in HTML, by hex numbers': ['"żółw" & <chips>', '&quot;&#x17c;&#xf3;&#x142;w&quot; &amp; &lt;chips&gt;'],
  'in HTML, every letter by its number': ['abc abc abc abc', '&#97;&#98;&#99;&#32;'.repeat(4).slice(0, -5)],
  'in HTML, every letter by its hex number': ['abc abc abc abc', '&#x61;&#x62;&#x63;&#x20;'.repeat(4).slice(0, -6)],
  'as escaped bytes': ['a żółw in a log', 'a \\xc5\\xbc\\xc3\\xb3\\xc5\\x82w in a log'],
  'as a list of numbers': ['abc abc abc abc', '97,98,99,32,97,98,99,32,97,98,99,32,97,98,99'],
  'as a list of numbers with spaces': ['abc abc abc abc', '[97, 98, 99, 32, 97, 98, 99, 32, 97, 98, 99, 32, 97, 98, 99]'],
  'hex': ['jkl jkl jkl jkl', '6a6b6c206a6b6c206a6b6c206a6b6c'],
  'hex, upper case': ['jkl jkl jkl jkl', '6A6B6C206A6B6C206A6B6C206A6B6C'],
  // By coreutils: printf '' / 'x' / 'xy' … | base64, base32
  'base64, after 0 bytes': ['secret subject?', 'c2VjcmV0IHN1YmplY3Q/'],
  'base64, after 1 bytes': ['secret subject?', 'eHNlY3JldCBzdWJqZWN0Pw=='],
  'base64, after 2 bytes': ['secret subject?', 'eHlzZWNyZXQgc3ViamVjdD8='],
  'base64url, after 0 bytes': ['secret subject?', 'c2VjcmV0IHN1YmplY3Q_'],
  'base64url, after 1 bytes': ['??>??>??>??>', 'eD8_Pj8_Pj8_Pj8_Pg'],
  'base64url, after 2 bytes': ['??>??>??>??>', 'eHk_Pz4_Pz4_Pz4_Pz4'],
  'base32, after 0 bytes': ['secret subject?', 'ONSWG4TFOQQHG5LCNJSWG5B7'],
  'base32, after 1 bytes': ['secret subject?', 'PBZWKY3SMV2CA43VMJVGKY3UH4======'],
  'base32, after 2 bytes': ['secret subject?', 'PB4XGZLDOJSXIIDTOVRGUZLDOQ7Q===='],
  'base32, after 3 bytes': ['secret subject?', 'PB4XU43FMNZGK5BAON2WE2TFMN2D6==='],
  'base32, after 4 bytes': ['secret subject?', 'PB4XU6DTMVRXEZLUEBZXKYTKMVRXIPY='],
  'base32, lower case, after 0 bytes': ['secret subject?', 'onswg4tfoqqhg5lcnjswg5b7'],
};

for (const [form, [text, leak]] of Object.entries(SPELT)) {
  test(`a secret is found ${form}`, () => {
    expect(found(leak, text)).toContain(form);
    const within = Buffer.concat([NOISE, Buffer.from(leak as string), NOISE]);
    expect(scan({ it: text }, [{ what: 'here', bytes: within }]).find((one) => one.form === form)?.at).toBeGreaterThanOrEqual(NOISE.length);
  });
}

test('a secret is found hashed, raw and in letters, as typed and in lower case', () => {
  for (const name of ['md5', 'sha1', 'sha256', 'sha512']) {
    for (const [spelling, text] of [['', SECRET], [' of it in lower case', SECRET.toLowerCase()]] as const) {
      const raw = createHash(name).update(text).digest();
      for (const [how, leak] of [
        ['raw', Buffer.concat([NOISE, raw, NOISE])],
        ['hex', `-${raw.toString('hex')}-`],
        ['hex, upper case', raw.toString('hex').toUpperCase()],
        ['base64', `"${raw.toString('base64')}"`],
      ] as const) {
        expect(found(leak, SECRET)[0], `${name}${spelling}, ${how}`).toMatch(new RegExp(`^${name}.*, ${how}`));
      }
      const url = found(raw.toString('base64url'), SECRET)[0];
      expect(url, `${name}, base64url`).toMatch(new RegExp(`^${name}.*, base64`));
    }
  }
  // As a table of hashed passwords would have it, with a known answer (RFC 1321, A.5).
  expect(found('57edf4a22be3c955ac49da2e2107b67a', '12345678901234567890123456789012345678901234567890123456789012345678901234567890')).toContain('md5, hex');
});

test('a secret is found inside compressed streams, wherever those that say how they begin do', () => {
  const page = Buffer.from(`${'And then somebody wrote: '.repeat(40)}${SECRET}. That was all of it.`);
  const named = Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]), Buffer.from('page.html\0'), gzipSync(page).subarray(10)]);
  for (const [kind, bytes] of [['gzip', gzipSync(page)], ['gzip, with a name', named], ['zlib', deflateSync(page)]] as const) {
    expect(hits(bytes), kind).toBeGreaterThan(0);
    expect(hits(Buffer.concat([NOISE, bytes, NOISE])), `${kind} in the midst of others`).toBeGreaterThan(0);
    expect(hits(bytes.subarray(0, -8)), `${kind}, cut`).toBeGreaterThan(0);
    expect(hits(JSON.stringify({ blob: bytes.toString('base64') })), `${kind} in base64`).toBeGreaterThan(0);
  }
  for (const [kind, bytes] of [['deflate', deflateRawSync(page)], ['brotli', brotliCompressSync(page)]] as const) {
    expect(hits(bytes), kind).toBeGreaterThan(0);
    expect(hits(Buffer.concat([bytes, NOISE])), `${kind}, and more behind it`).toBeGreaterThan(0);
    expect(hits(`INSERT INTO t VALUES ('\\x${bytes.toString('hex')}');`), `${kind} in a dumped row`).toBeGreaterThan(0);
    expect(hits(JSON.stringify({ blob: bytes.toString('base64url') })), `${kind} in base64`).toBeGreaterThan(0);
  }
  const nested = gzipSync(JSON.stringify({ body: brotliCompressSync(page).toString('base64') }));
  expect(scan({ fox: SECRET }, [{ what: 'backup', bytes: nested }])[0]?.where).toMatch(/^backup › gzip at 0 › base64 at \d+ › brotli at 0$/);
});

test('one long word of a canary is enough', () => {
  const secret = canary('draft');
  const word = secret.split(' ').at(-1) ?? '';
  expect(word).toMatch(/^[0-9a-f]{24}$/);
  expect(found(`…"${word.toUpperCase()}"…`, secret)).toContain('its word, plain, upper case');
  expect(found(createHash('sha256').update(word).digest(), secret)).toContain('its word, sha256, raw');
});

test('what is not there is not found', () => {
  const noise = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 2_654_435_761) >>> 24));
  expect(hits(noise)).toBe(0);
  expect(hits(SECRET.slice(0, -1))).toBe(0);
  expect(scan({ a: canary('a') }, [{ what: 'b', bytes: Buffer.from(canary('b')) }])).toEqual([]);
});

test('it says whose secret was found where', () => {
  const [one] = scan({ fox: SECRET }, [
    { what: 'empty', bytes: Buffer.alloc(0) },
    { what: 'sotto.db-wal', bytes: Buffer.from(`--${SECRET}`) },
  ]);
  expect(one).toEqual({ secret: 'fox', form: 'plain', where: 'sotto.db-wal', at: 2 });
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
    const payloads: Buffer[] = [];
    const frames = new Frames((payload) => payloads.push(payload), true);
    const stream = Buffer.concat([Buffer.from('HTTP/1.1 101 Switching Protocols\r\n\r\n'), frame, short, frame]);
    for (let at = 0; at < stream.length; at += step) frames.take(stream.subarray(at, at + step));
    expect(payloads.map(String)).toEqual([String(text), 'hi', String(text)]);
  }
});

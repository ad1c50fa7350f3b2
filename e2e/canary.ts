// A canary is a secret put in on purpose, long and random, so that it stands nowhere by chance. The scanner looks for it in
// bytes that the relay kept or that went over the wire, in every form a leak is likely to take: spelt in many ways, hashed,
// and inside whatever is compressed or spelt in letters there.

import { createHash, randomBytes } from 'node:crypto';
import { brotliDecompressSync, constants, inflateRawSync } from 'node:zlib';

/** Shorter ones would be found by chance in some base64. */
const SHORTEST = 12;
/** A word of this length inside a canary is looked for by itself: a leak may cut the text into words. */
const LONG_WORD = 16;
/** Compressed, then spelt in letters, then inside something spelt in letters: no deeper. */
const DEEPEST = 3;
const LARGEST_STREAM = 16 << 20;
/** Files and images beyond this are searched for streams that say how they begin, and not also for those that do not. */
const LARGE = 4 << 20;

export interface Place {
  what: string;
  bytes: Buffer;
}

export interface Found {
  /** Whose secret it was, as the caller named it. */
  secret: string;
  form: string;
  /** Where: the name of the searched bytes, what was opened in them, and the offset. */
  where: string;
  at: number;
}

interface Form {
  form: string;
  bytes: Buffer;
}

/** A text that stands nowhere else in the world, with letters that most forms spell in another way. */
export function canary(kind: string): string {
  return `${kind} ż&"+ ${randomBytes(12).toString('hex')}`;
}

/** Looks for each secret (by its name) in each of the places: whatever form it takes, once in every layer of a place. */
export function scan(secrets: Record<string, string>, places: Place[]): Found[] {
  const all = Object.entries(secrets).flatMap(([secret, text]) => forms(text).map((form) => ({ secret, ...form })));
  const needles = new Needles(all);
  const found: Found[] = [];
  for (const place of places) {
    for (const layer of layers(place)) found.push(...needles.in(layer));
  }
  return found;
}

// ---- Forms ------------------------------------------------------------------------------------------------------------

/** Every form in which a text is looked for. */
export function forms(text: string): Form[] {
  if (text.length < SHORTEST) throw new Error(`"${text}" is too short to be looked for: it may stand somewhere by chance`);
  const word = (text.match(/[\p{L}\p{N}]+/gu) ?? []).reduce((longest, one) => (one.length > longest.length ? one : longest), '');
  const all = [...spellings(text), ...hashes(text)];
  if (word.length >= LONG_WORD) all.push(...[...spellings(word), ...hashes(word)].map(({ form, bytes }) => ({ form: `its word, ${form}`, bytes })));
  const seen = new Set<string>();
  return all.filter(({ bytes }) => !seen.has(bytes.toString('latin1')) && seen.add(bytes.toString('latin1')));
}

function spellings(text: string): Form[] {
  const plain = Buffer.from(text, 'utf8');
  const letters = [...text];
  const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  const point = (letter: string): number => letter.codePointAt(0) ?? 0;
  const ascii = (letter: string): boolean => point(letter) < 128;
  const backslashed = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;
  const json = JSON.stringify(text).slice(1, -1);
  const jsonAscii = json.replace(/[^\0-\x7f]/g, (letter) => backslashed(letter.charCodeAt(0)));
  const url = encodeURIComponent(text);
  const query = new URLSearchParams({ x: text }).toString().slice(2);
  const named: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  const html = (other: (letter: string) => string): string => letters.map((letter) => named[letter] ?? (ascii(letter) ? letter : other(letter))).join('');
  const hex = plain.toString('hex');
  const octets = [...plain];
  const spelt: [string, string | Buffer][] = [
    ['plain', plain],
    ['plain, upper case', text.toUpperCase()],
    ['plain, lower case', text.toLowerCase()],
    ['plain, composed', text.normalize('NFC')],
    ['plain, decomposed', text.normalize('NFD')],
    ['plain, composed for comparing', text.normalize('NFKC')],
    ['plain, decomposed for comparing', text.normalize('NFKD')],
    ['utf-16, low byte first', Buffer.from(text, 'utf16le')],
    ['utf-16, high byte first', Buffer.from(text, 'utf16le').swap16()],
    ['backwards, by letters', letters.toReversed().join('')],
    ['backwards, by bytes', Buffer.from(octets.toReversed())],
    ['in JSON', json],
    ['in JSON, ASCII alone', jsonAscii],
    ['in JSON, every letter escaped', units.map(backslashed).join('')],
    ['in JSON, twice', JSON.stringify(json).slice(1, -1)],
    ['in an address', url],
    ['in an address, lower case', url.replace(/%../g, (code) => code.toLowerCase())],
    ['in an address, twice', encodeURIComponent(url)],
    ['in an address, every letter escaped', octets.map((octet) => `%${octet.toString(16).padStart(2, '0').toUpperCase()}`).join('')],
    ['in a form', query],
    ['in a form, twice', encodeURIComponent(query)],
    ['in HTML', html((letter) => letter)],
    ['in HTML, by numbers', html((letter) => `&#${point(letter)};`)],
    ['in HTML, by hex numbers', html((letter) => `&#x${point(letter).toString(16)};`)],
    ['in HTML, every letter by its number', letters.map((letter) => `&#${point(letter)};`).join('')],
    ['in HTML, every letter by its hex number', letters.map((letter) => `&#x${point(letter).toString(16)};`).join('')],
    ['as escaped bytes', octets.map((octet) => (octet < 128 ? String.fromCharCode(octet) : `\\x${octet.toString(16)}`)).join('')],
    ['as a list of numbers', octets.join(',')],
    ['as a list of numbers with spaces', octets.join(', ')],
    ['hex', hex],
    ['hex, upper case', hex.toUpperCase()],
  ];
  for (const before of [0, 1, 2]) {
    for (const alphabet of ['base64', 'base64url'] as const) {
      const letters64 = Buffer.concat([Buffer.alloc(before), plain]).toString(alphabet);
      spelt.push([`${alphabet}, after ${before} bytes`, ownLetters(letters64, before, plain.length, 6)]);
    }
  }
  for (const before of [0, 1, 2, 3, 4]) {
    const letters32 = ownLetters(base32(Buffer.concat([Buffer.alloc(before), plain])), before, plain.length, 5);
    spelt.push([`base32, after ${before} bytes`, letters32], [`base32, lower case, after ${before} bytes`, letters32.toLowerCase()]);
  }
  return spelt.map(([form, bytes]) => ({ form, bytes: Buffer.from(bytes as string) }));
}

/** A hash of what is secret is not secret for long: there are few words that people type. */
function hashes(text: string): Form[] {
  const found: Form[] = [];
  for (const [spelling, typed] of [['', text], [' of it in lower case', text.toLowerCase()]] as const) {
    for (const name of ['md5', 'sha1', 'sha256', 'sha512']) {
      const raw = createHash(name).update(typed).digest();
      const hex = raw.toString('hex');
      const form = `${name}${spelling}`;
      found.push(
        { form: `${form}, raw`, bytes: raw },
        { form: `${form}, hex`, bytes: Buffer.from(hex) },
        { form: `${form}, hex, upper case`, bytes: Buffer.from(hex.toUpperCase()) },
        // Without the padding, and without the letter that hangs on what comes behind.
        { form: `${form}, base64`, bytes: Buffer.from(ownLetters(raw.toString('base64'), 0, raw.length, 6)) },
        { form: `${form}, base64url`, bytes: Buffer.from(ownLetters(raw.toString('base64url'), 0, raw.length, 6)) },
      );
    }
  }
  return found;
}

/** Of letters that carry some bits each, those that depend on `length` bytes alone when `before` other bytes stand in front. */
function ownLetters(letters: string, before: number, length: number, bits: number): string {
  return letters.slice(Math.ceil((before * 8) / bits), Math.floor(((before + length) * 8) / bits));
}

/** RFC 4648 §6, without padding. */
function base32(bytes: Buffer): string {
  const bits = [...bytes].map((octet) => octet.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? []).map((five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[parseInt(five.padEnd(5, '0'), 2)]).join('');
}

// ---- Searching --------------------------------------------------------------------------------------------------------

/** Some thousand byte strings, looked for in one pass: an image of a process is large. */
class Needles {
  private readonly byStart = new Map<number, (Form & { secret: string })[]>();
  /** A bit for every three bytes that some needle has at 1…3. */
  private readonly maybe = new Uint8Array(1 << 21);

  constructor(needles: (Form & { secret: string })[]) {
    for (const needle of needles) {
      const start = needle.bytes.readUInt32BE(0);
      this.byStart.set(start, [...(this.byStart.get(start) ?? []), needle]);
      const three = start & 0xffffff;
      this.maybe[three >>> 3] = (this.maybe[three >>> 3] ?? 0) | (1 << (three & 7));
    }
  }

  in(place: Place): Found[] {
    const { maybe } = this;
    const { bytes } = place;
    const found = new Map<Form, Found>();
    let last = 0;
    for (let i = 0; i < bytes.length; i++) {
      last = (last << 8) | (bytes[i] as number);
      const three = last & 0xffffff;
      if (((maybe[three >>> 3] as number) & (1 << (three & 7))) === 0 || i < 3) continue;
      for (const needle of this.byStart.get(last >>> 0) ?? []) {
        const at = i - 3;
        if (!found.has(needle) && needle.bytes.equals(bytes.subarray(at, at + needle.bytes.length))) {
          found.set(needle, { secret: needle.secret, form: needle.form, where: place.what, at });
        }
      }
    }
    return [...found.values()];
  }
}

// ---- Opening ----------------------------------------------------------------------------------------------------------

/** A place, and what can be opened in it, and what can be opened in that. */
function* layers(place: Place, depth = DEEPEST, guessing = place.bytes.length < LARGE): Generator<Place> {
  yield place;
  if (depth === 0 || place.bytes.length < SHORTEST) return;
  for (const part of [...streams(place.bytes, guessing), ...decoded(place.bytes)]) {
    yield* layers({ what: `${place.what} › ${part.what}`, bytes: part.bytes }, depth - 1, guessing);
  }
}

/** Compressed streams. Gzip and zlib say how they begin; the others are tried where a row, a body or a frame begins. */
function streams(bytes: Buffer, guessing: boolean): Place[] {
  const found: Place[] = [];
  const settings = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: LARGEST_STREAM, chunkSize: 2048 };
  const open = (what: string, at: number, how: () => Buffer): void => {
    // Most are no streams; nobody reads where each of those errors came from.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      const inner = how();
      if (inner.length >= SHORTEST) found.push({ what: `${what} at ${at}`, bytes: inner });
    } catch {
      // Not a stream, then.
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  };
  // What is inside is opened without its frame: whatever stands behind a stream, or is missing of it, is no hindrance.
  const inflate = (what: string, at: number, from: number): void => {
    // RFC 1951 §3.2.3: there is no fourth kind of block.
    if (((bytes[from] ?? 0) & 6) !== 6) open(what, at, () => inflateRawSync(bytes.subarray(from), settings));
  };
  const gzip = Buffer.from([0x1f, 0x8b, 8]);
  for (let at = bytes.indexOf(gzip); at >= 0; at = bytes.indexOf(gzip, at + 1)) inflate('gzip', at, afterGzipHeader(bytes, at));
  for (let at = bytes.indexOf(0x78); at >= 0; at = bytes.indexOf(0x78, at + 1)) {
    // RFC 1950 §2.2: the two bytes are a multiple of 31, and no dictionary is asked for.
    const second = bytes[at + 1] ?? 0;
    if ((0x7800 + second) % 31 === 0 && (second & 0x20) === 0) inflate('zlib', at, at + 2);
  }
  if (guessing) {
    inflate('deflate', 0, 0);
    open('brotli', 0, () => brotliDecompressSync(bytes, { ...settings, finishFlush: constants.BROTLI_OPERATION_FLUSH }));
  }
  return found;
}

/** RFC 1952 §2.3: ten bytes, and what their flags announce. */
function afterGzipHeader(bytes: Buffer, start: number): number {
  const flags = bytes[start + 3] ?? 0;
  const afterZero = (from: number): number => {
    const zero = bytes.indexOf(0, from);
    return zero < 0 ? bytes.length : zero + 1;
  };
  let at = start + 10;
  if (flags & 4) at += 2 + (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);
  if (flags & 8) at = afterZero(at);
  if (flags & 16) at = afterZero(at);
  return flags & 2 ? at + 2 : at;
}

/** Long runs of letters that may be bytes. Short texts are found in base64 and hex by their forms; this is for what is behind. */
function decoded(bytes: Buffer): Place[] {
  const text = bytes.toString('latin1');
  const runs = (what: 'hex' | 'base64', pattern: RegExp): Place[] =>
    [...text.matchAll(pattern)].map((run) => ({ what: `${what} at ${run.index}`, bytes: Buffer.from(run[0], what) }));
  return [...runs('hex', /(?:[0-9a-fA-F]{2}){16,}/g), ...runs('base64', /[A-Za-z0-9+/_-]{32,}/g)];
}

// A canary is a secret put in on purpose, long and random, so that it stands nowhere by chance. The scanner looks for it in
// bytes that the relay kept or that went over the wire, in every form a leak is likely to take.

import { randomBytes } from 'node:crypto';

/** Shorter ones would be found by chance in some base64. */
const SHORTEST = 12;

export interface Found {
  /** Whose secret it was, as the caller named it. */
  secret: string;
  form: string;
  /** Where: the name of the searched bytes, and the offset. */
  where: string;
  at: number;
}

/** A text that stands nowhere else in the world. */
export function canary(kind: string): string {
  return `${kind}-canary-${randomBytes(12).toString('hex')}`;
}

/** Looks for each secret (by its name) in each of the places. */
export function scan(secrets: Record<string, string>, places: { what: string; bytes: Buffer }[]): Found[] {
  const found: Found[] = [];
  for (const [secret, text] of Object.entries(secrets)) {
    for (const { form, bytes } of forms(text)) {
      for (const place of places) {
        const at = place.bytes.indexOf(bytes);
        if (at >= 0) found.push({ secret, form, where: place.what, at });
      }
    }
  }
  return found;
}

/** Every form in which a text is looked for. */
export function forms(text: string): { form: string; bytes: Buffer }[] {
  if (text.length < SHORTEST) throw new Error(`"${text}" is too short to be looked for: it may stand somewhere by chance`);
  const plain = Buffer.from(text, 'utf8');
  const hex = plain.toString('hex');
  const all = [
    { form: 'plain', bytes: plain },
    { form: 'plain, upper case', bytes: Buffer.from(text.toUpperCase()) },
    { form: 'plain, lower case', bytes: Buffer.from(text.toLowerCase()) },
    { form: 'utf-16', bytes: Buffer.from(text, 'utf16le') },
    { form: 'in JSON', bytes: Buffer.from(JSON.stringify(text).slice(1, -1)) },
    { form: 'in a query', bytes: Buffer.from(encodeURIComponent(text)) },
    { form: 'in a form', bytes: Buffer.from(new URLSearchParams({ x: text }).toString().slice(2)) },
    { form: 'as a list of numbers', bytes: Buffer.from([...plain].join(',')) },
    { form: 'hex', bytes: Buffer.from(hex) },
    { form: 'hex, upper case', bytes: Buffer.from(hex.toUpperCase()) },
    ...[0, 1, 2].flatMap((before) => [
      { form: `base64, after ${before} bytes`, bytes: Buffer.from(base64(plain, before, 'base64')) },
      { form: `base64url, after ${before} bytes`, bytes: Buffer.from(base64(plain, before, 'base64url')) },
    ]),
  ];
  const seen = new Set<string>();
  return all.filter(({ bytes }) => !seen.has(bytes.toString('latin1')) && seen.add(bytes.toString('latin1')));
}

/** The letters of base64 that depend on these bytes alone, when `before` other bytes (modulo 3) stand in front of them. */
function base64(bytes: Buffer, before: number, alphabet: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString(alphabet);
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
}

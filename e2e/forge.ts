// What somebody can make who has keys of their own and the relay's help, and no engine: accounts, log entries, wrapped room
// keys, sealed messages. Written after docs/protocol.md, sections 2, 3, 7, 8, 10 and 15.

import {
  type KeyObject, createCipheriv, createECDH, createHash, createHmac, createPrivateKey, randomBytes, sign,
} from 'node:crypto';
import { connect } from 'node:net';

import { type Body, type Evil, type Frame, type Heard, type Outgoing, type Wrap, ask } from './evil.ts';
import type { Relay } from './relay.ts';
import { Frames, frame } from './wire.ts';

const REALM = 'localhost';
const NONE: Buffer = Buffer.alloc(0);
export const MAIN: Buffer = Buffer.alloc(16);
/** Of what there is nothing: a head that no log has, a room that nobody made. */
export const NOWHERE: Buffer = Buffer.alloc(32, 7);

// ---- Encoding -------------------------------------------------------------------------------------------------------

export const b64 = (bytes: Buffer): string => bytes.toString('base64url');
export const raw = (text: string): Buffer => Buffer.from(text, 'base64url');

const whole = (bytes: number) => (value: number | bigint): Buffer => Buffer.from(BigInt(value).toString(16).padStart(2 * bytes, '0'), 'hex');
const [u8, u16, u32, u64] = [whole(1), whole(2), whole(4), whole(8)];
const data = (bytes: Buffer): Buffer => Buffer.concat([u32(bytes.length), bytes]);
const text = (letters: string): Buffer => data(Buffer.from(letters));
const join = (...parts: Buffer[]): Buffer => Buffer.concat(parts);
const record = (tag: number, ...fields: Buffer[]): Buffer => join(u16(tag), u8(1), ...fields);

/** Signed bytes as they travel. */
export const blob = (body: Buffer, sig: Buffer): Buffer => join(data(body), sig);
export const bodyOf = (signed: Buffer): Buffer => signed.subarray(4, signed.length - 64);

// ---- Keys -----------------------------------------------------------------------------------------------------------

const label = (name: string): Buffer => join(u8(`sotto/1/${name}`.length), Buffer.from(`sotto/1/${name}`));
export const hash = (name: string, ...parts: Buffer[]): Buffer => createHash('sha256').update(join(label(name), ...parts)).digest();
const hmac = (algorithm: string, key: Buffer, ...parts: Buffer[]): Buffer => createHmac(algorithm, key).update(join(...parts)).digest();

function expand(algorithm: string, key: Buffer, info: Buffer, length: number): Buffer {
  let [block, out]: [Buffer, Buffer] = [NONE, NONE];
  for (let i = 1; out.length < length; i++) {
    block = hmac(algorithm, key, block, info, u8(i));
    out = join(out, block);
  }
  return out.subarray(0, length);
}

const kdf = (key: Buffer, name: string, ...context: Buffer[]): Buffer => expand('sha256', key, join(label(name), ...context), 32);

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

export class Key {
  readonly public: Buffer;
  private readonly pair = createECDH('prime256v1');
  private readonly signer: KeyObject;

  constructor() {
    this.public = this.pair.generateKeys();
    const [x, y, d] = [this.public.subarray(1, 33), this.public.subarray(33), join(Buffer.alloc(32), this.pair.getPrivateKey()).subarray(-32)];
    this.signer = createPrivateKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x: b64(x), y: b64(y), d: b64(d) } });
  }

  get id(): Buffer {
    return hash('key-id', this.public);
  }

  /** With the low one of the two values that s may have. */
  sign(name: string, message: Buffer): Buffer {
    const sig = sign('sha256', join(Buffer.from('sotto-sig\0'), label(name), message), { key: this.signer, dsaEncoding: 'ieee-p1363' });
    const s = BigInt(`0x${sig.subarray(32).toString('hex')}`);
    return s * 2n > ORDER ? join(sig.subarray(0, 32), whole(32)(ORDER - s)) : sig;
  }

  agree(other: Buffer): Buffer {
    return this.pair.computeSecret(other);
  }
}

// ---- Sealing --------------------------------------------------------------------------------------------------------

const SUITE = { kem: join(Buffer.from('KEM'), u16(0x10)), hpke: join(Buffer.from('HPKE'), u16(0x10), u16(1), u16(2)) };

function gcm(key: Buffer, nonce: Buffer, plain: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  return join(cipher.update(plain), cipher.final(), cipher.getAuthTag());
}

/** RFC 9180, base mode: key and nonce of the one message, from what both sides agree on. */
function hpke(dh: Buffer, enc: Buffer, recipient: Buffer, info: Buffer): { key: Buffer; nonce: Buffer } {
  const extract = (suite: Buffer, salt: Buffer, name: string, ikm: Buffer): Buffer =>
    hmac('sha256', salt, Buffer.from('HPKE-v1'), suite, Buffer.from(name), ikm);
  const open = (suite: Buffer, prk: Buffer, name: string, context: Buffer, length: number): Buffer =>
    expand('sha256', prk, join(u16(length), Buffer.from('HPKE-v1'), suite, Buffer.from(name), context), length);
  const shared = open(SUITE.kem, extract(SUITE.kem, NONE, 'eae_prk', dh), 'shared_secret', join(enc, recipient), 32);
  const context = join(u8(0), extract(SUITE.hpke, NONE, 'psk_id_hash', NONE), extract(SUITE.hpke, NONE, 'info_hash', info));
  const secret = extract(SUITE.hpke, shared, 'secret', NONE);
  return { key: open(SUITE.hpke, secret, 'key', context, 32), nonce: open(SUITE.hpke, secret, 'base_nonce', context, 12) };
}

export interface WrapInfo {
  room: Buffer;
  n: number;
  user: Buffer;
  g: number;
  commit: Buffer;
}

const wrapInfo = ({ room, n, user, g, commit }: WrapInfo): Buffer =>
  join(label('wrap'), record(0x0301, room, MAIN, u32(n), user, u32(g), commit));

/** Wraps a room key for a public key, in order in every way. */
export function wrap(recipient: Buffer, info: WrapInfo, secret: Buffer): Wrap {
  const once = new Key();
  const { key, nonce } = hpke(once.agree(recipient), once.public, recipient, wrapInfo(info));
  return { channel: b64(MAIN), n: info.n, user_id: b64(info.user), g: info.g, enc: b64(once.public), ct: b64(gcm(key, nonce, secret)) };
}

/** The room key in a wrap, for who has the key; nothing if it does not open. */
export function unwrap(key: Key, info: WrapInfo, wrapped: Wrap): Buffer | undefined {
  const [enc, ct] = [raw(wrapped.enc), raw(wrapped.ct)];
  const opened = hpke(key.agree(enc), enc, key.public, wrapInfo(info));
  // GCM is its own inverse but for the tag, which is compared.
  const plain = gcm(opened.key, opened.nonce, ct.subarray(0, -16)).subarray(0, ct.length - 16);
  return gcm(opened.key, opened.nonce, plain).equals(ct) ? plain : undefined;
}

/** Cobblestone-256 of less than one chunk. */
function seal(key: Buffer, context: Buffer, plain: Buffer): Buffer {
  const salt = randomBytes(24);
  const info = join(Buffer.from('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0'), salt, context);
  const keys = expand('sha512', key, info, 76);
  return join(salt, keys.subarray(44), gcm(keys.subarray(0, 32), keys.subarray(32, 44), plain));
}

// ---- Logs -----------------------------------------------------------------------------------------------------------

/** A room's log as the relay has it, and what comes of it. */
export interface RoomLog {
  room: Buffer;
  entries: string[];
  seq: number;
  head: Buffer;
  /** The room keys that it names, the newest last. */
  epochs: { n: number; commit: Buffer }[];
}

export function roomLog(room: string, entries: string[]): RoomLog {
  const bodies = entries.map((entry) => bodyOf(raw(entry)));
  const epochs = bodies.filter((body) => body.readUInt16BE(0) === 0x0202 && body[147] === BODY.epoch);
  return {
    room: raw(room),
    entries,
    seq: entries.length - 1,
    head: hash('entry', bodies.at(-1) ?? NONE),
    epochs: epochs.map((body) => ({ n: body.readUInt32BE(148), commit: body.subarray(154, 186) })),
  };
}

/** The whole log of a room, read in the name of whoever sits behind this relay. */
export async function logOf(evil: Evil, room: string): Promise<RoomLog> {
  const { entries } = await evil.asks('rooms/log', { room_id: room, from_seq: 0 });
  return roomLog(room, entries as string[]);
}

export const BODY = { addMember: 1, unban: 4, setPolicy: 6, epoch: 8, userUpdate: 9 } as const;
export const ROLE = { member: 1, moderator: 2, owner: 3 } as const;

/** Where a person's log stands, as a room names it. */
export interface Point {
  user: Buffer;
  seq: number;
  head: Buffer;
}

const point = ({ user, seq, head }: Point): Buffer => join(user, u64(seq), head);

export const addMember = (member: Point, role: number): Buffer => join(u8(BODY.addMember), point(member), u8(role));
export const userUpdate = (member: Point): Buffer => join(u8(BODY.userUpdate), point(member), u16(0));
export const setPolicy = (suite: number, history: number): Buffer => join(u8(BODY.setPolicy), u16(suite), u8(history));
export const unban = (user: Buffer): Buffer => join(u8(BODY.unban), user);
export const remove = (user: Buffer, ban: boolean): Buffer => join(u8(3), user, u8(Number(ban)), u16(0));
export const setRole = (user: Buffer, role: number): Buffer => join(u8(5), user, u8(role));
export const redact = (target: Buffer): Buffer => join(u8(20), target, u16(0));
/** A public channel, with something for its sealed name. */
export const createChannel = (id: Buffer): Buffer => join(u8(16), id, u8(1), u16(0), u32(1), data(Buffer.alloc(300, 1)));
export const timeOut = (user: Buffer, until: number): Buffer => join(u8(31), user, u64(until));
export const pin = (target: Buffer): Buffer => join(u8(25), MAIN, target, u8(1));
export const slowMode = (seconds: number): Buffer => join(u8(32), MAIN, u32(seconds));
export const epoch = (n: number, suite: number, roster: Buffer): Buffer =>
  join(u8(BODY.epoch), u32(n), u16(suite), Buffer.alloc(32, 1), roster, u8(4), data(Buffer.alloc(104, 1)));

/** The id of the invite with this key. */
export const inviteOf = (key: Key): Buffer => hash('invite-id', key.public).subarray(0, 16);
/** Somebody comes by an invite, with a word by this key that they hold it. */
export function comes(room: Buffer, invite: Buffer, key: Key, member: Point): Buffer {
  const nonce = randomBytes(16);
  return join(u8(13), invite, point(member), nonce, key.sign('join', join(room, invite, member.user, nonce)));
}

export interface Actor {
  user: Buffer;
  device: Buffer;
}

/** The entry that comes next in a room. */
export const entry = (log: RoomLog, actor: Actor, body: Buffer): Buffer =>
  record(0x0202, log.room, u64(log.seq + 1), log.head, u64(Date.now()), actor.user, actor.device, body);

/** A direct message of these two. */
export const directGenesis = (creator: Point, device: Buffer, other: Point, suite: number): Buffer =>
  record(0x0201, u8(1), point(creator), device, u16(1), point(other), u16(suite), u8(1), u64(Date.now()), randomBytes(16));

const userGenesis = (ik: Buffer, kk: Buffer): Buffer => record(0x0101, text(REALM), ik, kk, u64(Date.now()), randomBytes(16));

const userEntry = (at: Point, body: Buffer): Buffer => record(0x0102, at.user, u64(at.seq + 1), at.head, u64(Date.now()), body);
const rotateKem = (g: number, kk: Buffer): Buffer => join(u8(3), u32(g), kk);
const addDevice = (user: Buffer, device: Key): Buffer =>
  join(u8(1), device.public, device.sign('device-pop', join(user, device.public)), data(NONE));

/** A person's log as the relay tells it. */
export interface UserLog {
  user_id: string;
  handle: string;
  genesis: string;
  entries: string[];
}

export function pointOf(log: UserLog): Point {
  const newest = log.entries.at(-1);
  const head = hash('user-entry', newest === undefined ? raw(log.genesis) : bodyOf(raw(newest)));
  return { user: raw(log.user_id), seq: log.entries.length, head };
}

const KK_AT = 3 + 4 + REALM.length + 65;

/** The key for wraps that somebody's log begins with. */
export const kkOf = (log: UserLog): Buffer => raw(log.genesis).subarray(KK_AT, KK_AT + 65);

/** To whom a room key is wrapped: these people, with the keys that their logs begin with. */
export const rosterHash = (logs: UserLog[]): Buffer =>
  hash('roster', ...logs.map((log) => join(raw(log.user_id), u32(1), kkOf(log))).sort(Buffer.compare));

/** The same genesis with another key for wraps in it. */
export const withKk = (genesis: string, kk: Buffer): string =>
  b64(join(raw(genesis).subarray(0, KK_AT), kk, raw(genesis).subarray(KK_AT + 65)));

// ---- Messages -------------------------------------------------------------------------------------------------------

/** Where the fields of a header stand. */
export const HEADER = { tag: 0, version: 2, suite: 3, kind: 5, room: 6, channel: 38, n: 54, id: 58, ttl: 74, deletion: 75, size: 107 } as const;

export const epochOf = (header: string): number => raw(header).readUInt32BE(HEADER.n);

/** The same bytes with others from this place on. */
export const edited = (bytes: Buffer, at: number, other: Buffer): Buffer => join(bytes.subarray(0, at), other, bytes.subarray(at + other.length));

/** The same bytes with one bit turned. */
export const flipped = (bytes: Buffer, at: number): Buffer => edited(bytes, at, u8((bytes.at(at) ?? 0) ^ 0x10));

/** Where a sender's chain of messages stands. */
export interface Lane {
  name: Buffer;
  ctr: number;
  prev: Buffer;
}

export interface Content {
  user: Buffer;
  device: Buffer;
  log: { seq: number; head: Buffer };
  seen: { seq: number; t: Buffer };
  text: string;
  n: number;
  suite: number;
  /** In the place of the text. */
  body?: Buffer;
  /** Not a message: what lies in a slot. */
  slot?: boolean;
}

export const hashOf = ({ header, envelope }: Outgoing): Buffer => hash('env', raw(header), raw(envelope));
export const edits = (target: Buffer, words: string): Buffer => join(u8(3), target, text(words));
export const deletes = (target: Buffer): Buffer => join(u8(4), target, u16(0));
export const receipt = (read: number): Buffer => join(u8(17), u64(read));
export const profile = (name: string, status: string): Buffer => join(u8(20), text(name), text(status));

// ---- Strangers ------------------------------------------------------------------------------------------------------

/** An account that the relay made for itself, or whose keys it was given: in order, but nobody sits there. */
export class Stranger {
  readonly identity = new Key();
  readonly device = new Key();
  readonly kem = [new Key()];
  readonly log: UserLog;
  private readonly signIn = new Key();
  private token = '';

  private constructor(
    readonly handle: string,
    private readonly relay: Relay,
  ) {
    const genesis = userGenesis(this.identity.public, this.kem[0]?.public ?? NONE);
    this.log = { user_id: b64(hash('user-id', genesis)), handle, genesis: b64(genesis), entries: [] };
    this.grows(addDevice(this.user, this.device));
  }

  static async arrives(relay: Relay, handle: string): Promise<Stranger> {
    const stranger = new Stranger(handle, relay);
    await stranger.signsUp();
    return stranger;
  }

  get user(): Buffer {
    return raw(this.log.user_id);
  }

  get actor(): Actor {
    return { user: this.user, device: this.device.id };
  }

  /** Hands in messages as fast as the relay takes them. */
  async sends(messages: Iterable<Outgoing>): Promise<void> {
    const socket = connect(this.relay.port, '127.0.0.1');
    let [sent, taken, wake]: [number, number, () => void] = [0, 0, () => undefined];
    let refused: unknown;
    const frames = new Frames((payload) => {
      const said = JSON.parse(payload.toString()) as Frame;
      if (said.type === 'message') taken += 1;
      if (said.type === 'refused' || said.type === 'bye') refused = said;
      wake();
    }, true);
    socket.on('data', (part) => frames.take(part));
    const says = (heard: Heard): void => void socket.write(frame(Buffer.from(JSON.stringify(heard)), 0x81, true));
    const until = async (done: () => boolean): Promise<void> => {
      while (!done() && refused === undefined) await new Promise<void>((next) => (wake = next));
      if (refused !== undefined) throw new Error(JSON.stringify(refused));
    };
    socket.write(
      `GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:${this.relay.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    );
    says({ type: 'hello', token: this.token, api: 1 });
    let batch: Outgoing[] = [];
    for (const message of messages) {
      batch.push(message);
      if (batch.length < 32) continue;
      says({ type: 'send', messages: batch });
      sent += batch.length;
      batch = [];
      await until(() => taken > sent - 512);
    }
    if (batch.length > 0) says({ type: 'send', messages: batch });
    sent += batch.length;
    await until(() => taken >= sent);
    socket.destroy();
  }

  /** Asks the relay as this account. */
  async asks(path: string, body: Body): Promise<Body> {
    return ask(this.relay, path, body, this.token);
  }

  /** One more entry in the own log, which the relay is told of by `appends`. */
  grows(body: Buffer, at = pointOf(this.log)): string {
    const made = this.signsUserEntry(at, body);
    this.log.entries.push(made);
    return made;
  }

  /** An entry of a user log, whoever's it is, by the own identity key. */
  signsUserEntry(at: Point, body: Buffer): string {
    const bytes = userEntry(at, body);
    return b64(blob(bytes, this.identity.sign('user-log', bytes)));
  }

  /** Somebody gets a device, or a key for wraps, that the own identity key vouches for. */
  givesDevice(to: Point, device: Key): string {
    return this.signsUserEntry(to, addDevice(to.user, device));
  }

  givesKem(to: Point, kk: Buffer): string {
    return this.signsUserEntry(to, rotateKem(2, kk));
  }

  /** Really takes another key for wraps. */
  async rotatesKem(): Promise<void> {
    const next = new Key();
    this.kem.push(next);
    await this.asks('users/append', { entries: [this.grows(rotateKem(this.kem.length, next.public))] });
  }

  /** A room entry by the own device, whatever it says. */
  signs(body: Buffer): string {
    return b64(blob(body, this.device.sign('room-log', body)));
  }

  /** Room keys of a room one is in. */
  async keys(log: RoomLog): Promise<Map<number, Buffer>> {
    const { wraps } = await this.asks('rooms/wraps', { room_id: b64(log.room), from_n: 1 });
    const keys = new Map<number, Buffer>();
    for (const { n, commit } of log.epochs) {
      for (const wrapped of (wraps as Wrap[]).filter((one) => one.n === n)) {
        const secret = unwrap(this.kem[wrapped.g - 1] ?? new Key(), { room: log.room, n, user: this.user, g: wrapped.g, commit }, wrapped);
        if (secret) keys.set(n, secret);
      }
    }
    return keys;
  }

  /** The beginning of a chain of messages. */
  lane(): Lane {
    const name = randomBytes(8);
    return { name, ctr: 0, prev: hash('lane', this.device.id, name) };
  }

  /** A message under a room key, signed by the own device whatever it says; the next of a chain, which goes on with it. */
  writes(room: Buffer, secret: Buffer, content: Content, lane = this.lane()): Outgoing {
    const slot = content.slot ?? false;
    const header = record(0x0401, u16(content.suite), u8(slot ? 3 : 1), room, MAIN, u32(content.n), randomBytes(16), u8(0), Buffer.alloc(32));
    const bytes = record(
      0x0402, hash('header', header), content.user, content.device, lane.name,
      ...(slot ? [u64(Date.now()), Buffer.alloc(32)] : [u64(++lane.ctr), lane.prev]),
      u64(content.log.seq), content.log.head, u64(content.seen.seq), content.seen.t, u64(Date.now()),
      content.body ?? join(u8(1), text(content.text)),
    );
    const plain = join(data(bytes), this.device.sign('msg', bytes));
    const padded = join(plain, Buffer.alloc(Math.max(0, 512 - plain.length)));
    const envelope = seal(kdf(secret, 'msg-key', room, MAIN), join(label('sealed-msg'), header), padded);
    lane.prev = hash('env', header, envelope);
    return { header: b64(header), envelope: b64(envelope) };
  }

  private async signsUp(): Promise<void> {
    const registration = record(
      0x0602, text(REALM), text(this.handle), randomBytes(16), u8(1), this.signIn.public, data(raw(this.log.genesis)),
      data(raw(this.log.entries[0] ?? '')), data(randomBytes(64)), u16(0),
    );
    const sig = (key: Key): string => b64(key.sign('register', registration));
    const registered = await this.asks('register', { registration: b64(registration), ak_sig: sig(this.signIn), ik_sig: sig(this.identity) });
    this.token = String(registered.token);
    const { challenge } = await this.asks('session/start', {});
    const proof = record(0x0603, text(REALM), this.user, this.device.id, raw(String(challenge)));
    const dk_id = b64(this.device.id);
    const session = await this.asks('session/prove', { dk_id, challenge, sig: b64(this.device.sign('session', proof)) });
    this.token = String(session.token);
  }
}

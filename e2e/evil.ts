// A relay that lies. It stands between one browser and the honest one, reads every request, answer and frame as JSON, and
// a script changes, drops, holds back, doubles, reorders and invents them.
//
//   browser ⇄ Wire (cuts, remembers) ⇄ Evil (lies) ⇄ relay
//
// Every lie is counted by comparing what came with what went, so that no attack passes for one by doing nothing.

import { type IncomingHttpHeaders, type IncomingMessage, type Server, type ServerResponse, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

import { expect } from '@playwright/test';

import type { Relay } from './relay.ts';
import { Frames, frame } from './wire.ts';

const API = /^\/api\/v1\//;
const TEXT = 0x81;

export interface ChannelHead {
  channel: string;
  seq: number;
  t: string;
}

export interface RoomHead {
  room_id: string;
  seq: number;
  head: string;
  channels: ChannelHead[];
}

/** A message as it was handed in: both in base64url. */
export interface Outgoing {
  header: string;
  envelope: string;
}

export interface Message extends Outgoing {
  seq: number;
}

export interface Wrap {
  channel: string;
  n: number;
  user_id: string;
  g: number;
  enc: string;
  ct: string;
}

/** What the relay says on the socket. */
export type Frame =
  | { type: 'welcome'; rooms: RoomHead[]; closed: string[]; user_log_seq: number; now_ms: number }
  | { type: 'message'; room_id: string; channel: string; message: Message }
  | { type: 'slot'; room_id: string; channel: string; header: string; envelope: string }
  | { type: 'log'; room_id: string; from_seq: number; entries: string[] }
  | { type: 'wraps'; room_id: string }
  | { type: 'user_log'; user_id: string; seq: number }
  | { type: 'vault'; items: { item_id: string; rev: number }[] }
  | { type: 'refused'; room_id: string; msg_id: string; code: string; retry_secs: number | null }
  | { type: 'bye'; code: string }
  | { type: 'pong' };

/** What a browser says on the socket. */
export type Heard = { type: 'hello'; token: string; api: number } | { type: 'send'; messages: Outgoing[] } | { type: 'ping' };

// Whoever writes a script knows what an endpoint takes and answers.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Body = any;

/** What a lying relay does with what passes. Each may change what it is given; what is left out passes as it is. */
export interface Script {
  /** A request; whatever is returned is answered, and the relay is not asked. */
  request?(path: string, body: Body): Body | undefined;
  /** An answer of the relay to this request. */
  reply?(path: string, asked: Body, body: Body): void;
  /** A frame to the browser: those that it is told instead. */
  frame?(told: Frame): Frame[];
  /** A frame from the browser: those that the relay hears instead. */
  heard?(said: Heard): Heard[];
  /** A file of the page. */
  asset?(path: string, bytes: Buffer): Buffer;
}

export interface Asked {
  path: string;
  body: Body;
}

export class Evil {
  /** Where it listens, for a `Wire`. */
  port = 0;
  /** Every lie since the script began, such as `answer rooms/wraps`, `frame message`, `told log`. */
  lies: string[] = [];
  /** What the browser asked and handed in since then. */
  requests: Asked[] = [];
  sent: Outgoing[] = [];

  private script: Script = {};
  private token = '';
  private readonly sockets = new Map<Duplex, Duplex>();
  private readonly server: Server;

  private constructor(
    /** The honest one behind it. May be another from one moment to the next. */
    public relay: Pick<Relay, 'port'>,
  ) {
    this.server = createServer((from, to) => void this.pass(from, to).catch(() => from.socket.destroy()));
    this.server.on('upgrade', (from, socket: Duplex, head: Buffer) => this.upgrade(from, socket, head));
  }

  static async before(relay: Pick<Relay, 'port'>): Promise<Evil> {
    const evil = new Evil(relay);
    await new Promise<void>((listening) => evil.server.listen(0, '127.0.0.1', listening));
    evil.port = (evil.server.address() as AddressInfo).port;
    return evil;
  }

  /** Lies by this script from now on; what was done and heard before is forgotten. */
  plays(script: Script): void {
    this.script = script;
    [this.lies, this.requests, this.sent] = [[], [], []];
  }

  /** Says what no relay has said. */
  tells(...frames: Frame[]): void {
    for (const told of frames) {
      this.lies.push(`told ${told.type}`);
      this.say(told);
    }
  }

  /** Ends the connection; the browser comes again by itself. */
  hangsUp(): void {
    for (const [socket, onward] of this.sockets) {
      socket.destroy();
      onward.destroy();
    }
    this.sockets.clear();
  }

  /** Asks the relay behind, or another, in the name of whoever sits at the browser: a relay can read what it keeps. */
  async asks(path: string, body: Body, relay = this.relay): Promise<Body> {
    // The browser says who it is when it is connected.
    await expect.poll(() => this.token).not.toBe('');
    return ask(relay, path, body, this.token);
  }

  /** Every wrapped room key that the browser handed in. */
  wraps(): Wrap[] {
    return this.requests.flatMap(({ body }) => (body?.wraps ?? []) as Wrap[]);
  }

  async remove(): Promise<void> {
    this.hangsUp();
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  // ---- Requests and answers -----------------------------------------------------------------------------------------

  private async pass(from: IncomingMessage, to: ServerResponse): Promise<void> {
    const raw = await all(from);
    const path = from.url ?? '/';
    if (!API.test(path) || !isJson(from)) {
      await this.passFile(path, from, to, raw);
      return;
    }
    const name = path.replace(API, '');
    const body: Body = JSON.parse(raw.toString('utf8'));
    this.requests.push({ path: name, body: structuredClone(body) });
    const before = JSON.stringify(body);
    const answered = this.script.request?.(name, body);
    if (answered !== undefined) {
      this.lies.push(`answer ${name}`);
      to.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answered));
      return;
    }
    const asked = JSON.stringify(body);
    if (asked !== before) this.lies.push(`request ${name}`);
    const answer = await exchange(this.relay, from, Buffer.from(asked));
    let text = (await all(answer)).toString('utf8');
    if (answer.statusCode === 200 && isJson(answer) && this.script.reply) {
      const reply: Body = JSON.parse(text);
      const was = JSON.stringify(reply);
      this.script.reply(name, body, reply);
      text = JSON.stringify(reply);
      if (text !== was) this.lies.push(`answer ${name}`);
    }
    to.writeHead(answer.statusCode ?? 502, whole(answer.headers)).end(text);
  }

  /** The page's own files, and whatever else is not JSON. */
  private async passFile(path: string, from: IncomingMessage, to: ServerResponse, raw: Buffer): Promise<void> {
    // Uncompressed, and each time anew, so that there is something to change.
    for (const name of ['if-none-match', 'if-modified-since']) delete from.headers[name];
    const answer = await exchange(this.relay, from, raw);
    const bytes = await all(answer);
    const given = this.script.asset?.(path, bytes) ?? bytes;
    if (!given.equals(bytes)) this.lies.push(`file ${path}`);
    to.writeHead(answer.statusCode ?? 502, whole(answer.headers)).end(given);
  }

  // ---- The socket ---------------------------------------------------------------------------------------------------

  private upgrade(from: IncomingMessage, socket: Duplex, head: Buffer): void {
    const onward = request({ host: '127.0.0.1', port: this.relay.port, path: from.url, headers: from.headers, agent: false });
    socket.on('error', () => onward.destroy());
    onward.on('error', () => socket.destroy());
    onward.on('response', () => socket.destroy());
    onward.on('upgrade', (answer, relay: Duplex, early: Buffer) => {
      const lines = ['HTTP/1.1 101 Switching Protocols'];
      for (let i = 0; i < answer.rawHeaders.length; i += 2) lines.push(`${answer.rawHeaders[i]}: ${answer.rawHeaders[i + 1]}`);
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      this.sockets.set(socket, relay);
      const said = messages((text) => this.hear(text, relay), (payload, first) => relay.write(frame(payload, first, true)));
      const told = messages((text) => this.passFrame(text, socket), (payload, first) => socket.write(frame(payload, first, false)));
      socket.on('data', (part: Buffer) => said.take(part));
      relay.on('data', (part: Buffer) => told.take(part));
      said.take(head);
      told.take(early);
      for (const [one, other] of [[socket, relay], [relay, socket]] as const) {
        one.on('error', () => other.destroy());
        one.on('close', () => {
          other.destroy();
          this.sockets.delete(socket);
        });
      }
    });
    onward.end();
  }

  /** What was sent to this room: its number stands in the header, behind the type and version (3), suite (2) and kind (1). */
  sentTo(room: string): Outgoing[] {
    return this.sent.filter(({ header }) => Buffer.from(header, 'base64url').subarray(6, 38).toString('base64url') === room);
  }

  private hear(text: string, relay: Duplex): void {
    const said = JSON.parse(text) as Heard;
    if (said.type === 'hello') this.token = said.token;
    if (said.type === 'send') this.sent.push(...structuredClone(said.messages));
    const passed = this.changed(said, this.script.heard?.bind(this.script), 'heard');
    for (const one of passed) relay.write(frame(Buffer.from(JSON.stringify(one)), TEXT, true));
  }

  private passFrame(text: string, socket: Duplex): void {
    const told = JSON.parse(text) as Frame;
    for (const one of this.changed(told, this.script.frame?.bind(this.script), 'frame')) this.say(one, [socket]);
  }

  private changed<T extends { type: string }>(one: T, hand: ((one: T) => T[]) | undefined, what: string): T[] {
    const before = JSON.stringify([one]);
    const after = hand?.(one) ?? [one];
    if (JSON.stringify(after) !== before) this.lies.push(`${what} ${one.type}`);
    return after;
  }

  private say(told: Frame, to: Iterable<Duplex> = this.sockets.keys()): void {
    for (const socket of to) socket.write(frame(Buffer.from(JSON.stringify(told)), TEXT, false));
  }
}

/** Asks a relay what a client may ask. */
export async function ask(relay: Pick<Relay, 'port'>, path: string, body: Body, token = ''): Promise<Body> {
  const answer = await fetch(`http://127.0.0.1:${relay.port}/api/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(body),
  });
  const said: Body = await answer.json();
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${JSON.stringify(said)}`);
  return said;
}

/** The same request to the relay. */
function exchange(relay: Pick<Relay, 'port'>, from: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
  const headers: IncomingHttpHeaders = { ...from.headers, 'accept-encoding': 'identity' };
  delete headers['transfer-encoding'];
  if (body.length > 0) headers['content-length'] = String(body.length);
  return new Promise((answered, failed) => {
    const onward = request({ host: '127.0.0.1', port: relay.port, path: from.url, method: from.method, headers, agent: false }, answered);
    onward.on('error', failed);
    onward.end(body);
  });
}

/** Headers of an answer whose body is sent in one piece. */
function whole(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const { 'content-length': _, 'transfer-encoding': __, connection: ___, etag: ____, ...rest } = headers;
  return rest;
}

const isJson = (message: IncomingMessage): boolean => message.headers['content-type']?.startsWith('application/json') ?? false;

async function all(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Puts messages of text together; other frames are handed on. */
function messages(text: (text: string) => void, other: (payload: Buffer, first: number) => void): Frames {
  let parts: Buffer[] = [];
  return new Frames((payload, first) => {
    if ((first & 15) > 1) {
      other(payload, first);
      return;
    }
    parts.push(payload);
    if (first < 128) return;
    const message = Buffer.concat(parts).toString('utf8');
    parts = [];
    text(message);
  }, false);
}

// The cable between one browser and the relay. It can be cut, and it remembers everything that went through it.
//
//   browser ⇄ Wire (http://localhost:PORT) ⇄ relay
//
// Cutting stops the API and the socket; the page's own files still come, as from a browser's cache. Holding lets nothing the
// browser says reach the relay for a while, and loses none of it.

import { type IncomingMessage, type Server, type ServerResponse, createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type Duplex, Transform } from 'node:stream';

import type { Relay } from './relay.ts';

const API = /^\/api\//;

export class Wire {
  /** The address for the browser. */
  url = '';
  /** What passed: the addresses, headers and bodies of the API, and the frames of the socket, unmasked. */
  readonly passed: { what: string; bytes: Buffer }[] = [];

  private isCut = false;
  private held?: { until: Promise<void>; go: () => void };
  private readonly open = new Set<Duplex>();
  private readonly server: Server;

  private constructor(private readonly relay: Pick<Relay, 'port'>) {
    this.server = createServer((from, to) => this.forward(from, to));
    this.server.on('upgrade', (from, socket: Duplex, head: Buffer) => this.upgrade(from, socket, head));
  }

  static async to(relay: Pick<Relay, 'port'>): Promise<Wire> {
    const wire = new Wire(relay);
    await new Promise<void>((listening) => wire.server.listen(0, '127.0.0.1', listening));
    wire.url = `http://localhost:${(wire.server.address() as AddressInfo).port}`;
    return wire;
  }

  /** No answer from now on; what is under way is lost. */
  cut(): void {
    this.isCut = true;
    for (const socket of this.open) socket.destroy();
    this.open.clear();
  }

  mend(): void {
    this.isCut = false;
  }

  /** What the browser says from now on waits on the way. */
  holds(): void {
    if (this.held) return;
    let go = (): void => undefined;
    const until = new Promise<void>((let_go) => {
      go = let_go;
    });
    this.held = { until, go };
  }

  /** All of it arrives. */
  lets(): void {
    this.held?.go();
    delete this.held;
  }

  async remove(): Promise<void> {
    this.lets();
    this.cut();
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  private forward(from: IncomingMessage, to: ServerResponse): void {
    const isApi = API.test(from.url ?? '');
    if (isApi && this.isCut) {
      from.socket.destroy();
      return;
    }
    // Plain answers only: what is compressed cannot be searched.
    const headers = { ...from.headers, ...(isApi ? { 'accept-encoding': 'identity' } : {}) };
    // A connection each: one that idles in a pool may be closed by the relay in the moment it is used again.
    const onward = request({ host: '127.0.0.1', port: this.relay.port, path: from.url, method: from.method, headers, agent: false }, (answer) => {
      to.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      if (isApi) this.keep(`answer to ${from.method} ${from.url}`, answer, answer.rawHeaders);
      answer.on('error', () => to.destroy());
      answer.pipe(to);
    });
    if (isApi) {
      this.open.add(from.socket);
      this.keep(`${from.method} ${from.url}`, from, [from.url ?? '', ...from.rawHeaders]);
    }
    onward.on('error', () => from.socket.destroy());
    if (isApi) from.pipe(this.gate()).pipe(onward);
    else from.pipe(onward);
  }

  /** Passes on what comes, as long as nothing is held. */
  private gate(): Transform {
    const wait = (then: () => void): void => {
      if (this.held) void this.held.until.then(then);
      else then();
    };
    return new Transform({
      transform: (part: Buffer, _, done) => wait(() => done(null, part)),
      flush: (done) => wait(() => done()),
    });
  }

  private keep(what: string, body: IncomingMessage, head: string[]): void {
    this.passed.push({ what: `${what}, head`, bytes: Buffer.from(head.join('\n')) });
    const parts: Buffer[] = [];
    body.on('data', (part: Buffer) => parts.push(part));
    body.on('end', () => this.passed.push({ what: `${what}, body`, bytes: Buffer.concat(parts) }));
  }

  private upgrade(from: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.isCut) {
      socket.destroy();
      return;
    }
    const onward = connect(this.relay.port, '127.0.0.1');
    this.open.add(socket);
    this.open.add(onward);
    const lines = [`${from.method} ${from.url} HTTP/1.1`];
    for (const [name, value] of Object.entries(from.headers)) {
      // Without extensions nothing on the socket is compressed.
      if (name !== 'sec-websocket-extensions' && value !== undefined) lines.push(`${name}: ${String(value)}`);
    }
    this.passed.push({ what: 'socket, head', bytes: Buffer.from(lines.join('\n')) });
    onward.write(`${lines.join('\r\n')}\r\n\r\n`);
    onward.write(head);
    const sent = new Frames((bytes) => this.passed.push({ what: 'socket, sent', bytes }), false);
    const got = new Frames((bytes) => this.passed.push({ what: 'socket, received', bytes }), true);
    socket.on('data', (part: Buffer) => sent.take(part));
    onward.on('data', (part: Buffer) => got.take(part));
    socket.pipe(this.gate()).pipe(onward);
    onward.pipe(socket);
    for (const [one, other] of [[socket, onward], [onward, socket]] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => {
        other.destroy();
        this.open.delete(one);
      });
    }
  }
}

/** Cuts a byte stream into WebSocket frames (RFC 6455 §5.2) and takes the mask off. */
export class Frames {
  private rest = Buffer.alloc(0);

  constructor(
    /** `first` is the first byte of the frame: whether it is the last of its message, and of what kind. */
    private readonly found: (payload: Buffer, first: number) => void,
    /** An HTTP answer comes before the first frame. */
    private afterHead: boolean,
  ) {}

  take(part: Buffer): void {
    this.rest = Buffer.concat([this.rest, part]);
    if (this.afterHead) {
      const end = this.rest.indexOf('\r\n\r\n');
      if (end < 0) return;
      this.rest = this.rest.subarray(end + 4);
      this.afterHead = false;
    }
    for (let size = this.frame(); size > 0; size = this.frame()) this.rest = this.rest.subarray(size);
  }

  /** Hands out the first frame; its size, or 0 while it is not complete. */
  private frame(): number {
    const bytes = this.rest;
    const [first, second] = bytes;
    if (first === undefined || second === undefined) return 0;
    const masked = second >= 128;
    let [length, at] = [second & 127, 2];
    if (length === 126) {
      if (bytes.length < 4) return 0;
      [length, at] = [bytes.readUInt16BE(2), 4];
    } else if (length === 127) {
      if (bytes.length < 10) return 0;
      [length, at] = [Number(bytes.readBigUInt64BE(2)), 10];
    }
    const mask = bytes.subarray(at, at + 4);
    if (masked) at += 4;
    if (bytes.length < at + length) return 0;
    const payload = Buffer.from(bytes.subarray(at, at + length));
    if (masked) for (let i = 0; i < length; i++) payload[i] = (payload[i] ?? 0) ^ (mask[i % 4] ?? 0);
    this.found(payload, first);
    return at + length;
  }
}

/** One WebSocket frame. From a client it has to be masked; a mask of zeros changes nothing. */
export function frame(payload: Buffer, first: number, masked: boolean): Buffer {
  const head = Buffer.alloc(10);
  head[0] = first;
  const mask = masked ? 128 : 0;
  let size = 2;
  if (payload.length < 126) {
    head[1] = mask | payload.length;
  } else if (payload.length < 65_536) {
    head[1] = mask | 126;
    size = head.writeUInt16BE(payload.length, 2);
  } else {
    head[1] = mask | 127;
    size = head.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return Buffer.concat([head.subarray(0, size), Buffer.alloc(masked ? 4 : 0), payload]);
}

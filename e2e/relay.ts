// A real relay in a process of its own, on a port and a database of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, closeSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import type { Place } from './canary.ts';

const ROOT = resolve(import.meta.dirname, '..');
const STARTS_WITHIN_MS = 20_000;

export interface RelayOptions {
  /** Instead of a SQLite file in a folder of its own. */
  databaseUrl?: string;
  /** Instead of the built page in dist/. */
  clientDir?: string;
  /** Instead of one of its own: that of the relay whose database it is given. */
  pepper?: string;
  /** Further settings, by the names of .env.example. */
  env?: Record<string, string>;
  /** The command that becomes the relay, when it is not its program alone. */
  command?: (program: string) => [string, ...string[]];
}

export class Relay {
  /** Where it listens, such as `http://127.0.0.1:41234`; the same after a restart. */
  url = '';

  readonly folder = mkdtempSync(join(tmpdir(), 'sotto-relay-'));
  readonly pepper: string;
  private child: ChildProcess | undefined;

  private constructor(private readonly options: RelayOptions) {
    this.pepper = options.pepper ?? randomBytes(32).toString('hex');
  }

  static async start(options: RelayOptions = {}): Promise<Relay> {
    const relay = new Relay(options);
    await relay.run('127.0.0.1:0');
    return relay;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** The number of its process, while it runs. */
  get pid(): number {
    if (this.child?.pid === undefined) throw new Error('the relay does not run');
    return this.child.pid;
  }

  /** No farewell: what a crash or a power cut does. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** The polite way. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  /** The same port and the same database, after `kill` or `stop`, or over a running one. */
  async restart(): Promise<void> {
    await this.end('SIGTERM');
    await this.run(`127.0.0.1:${this.port}`);
  }

  /** A second one, which remembers all that this one does and from then on goes its own way. This one is restarted. */
  async fork(): Promise<Relay> {
    await this.stop();
    const other = new Relay({ ...this.options, pepper: this.pepper });
    for (const name of readdirSync(this.folder)) {
      if (name.startsWith('sotto.db')) copyFileSync(join(this.folder, name), join(other.folder, name));
    }
    await this.run(`127.0.0.1:${this.port}`);
    await other.run('127.0.0.1:0');
    return other;
  }

  /** Stops it and forgets everything. */
  async remove(): Promise<void> {
    await this.end('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  /**
   * Every byte it has kept, by file: `sotto.db` with its write-ahead log, `relay.log` with what it logged at the finest
   * level, `relay.out` with what it said on stdout, and what it left in `tmp/`, its folder for temporary files.
   */
  kept(): Place[] {
    return filesIn(this.folder);
  }

  /** What it said, for a person who wonders why a test failed. */
  log(): string {
    return readFileSync(join(this.folder, 'relay.log'), 'utf8');
  }

  private async run(listen: string): Promise<void> {
    const { databaseUrl, clientDir, env } = this.options;
    const log = openSync(join(this.folder, 'relay.log'), 'a');
    const temporary = join(this.folder, 'tmp');
    mkdirSync(temporary, { recursive: true });
    const [program, ...words] = this.options.command?.(binary()) ?? [binary()];
    const child = spawn(program, words, {
      // Not in the repository: a developer's .env is none of a test's business.
      cwd: this.folder,
      stdio: ['ignore', 'pipe', log],
      env: {
        PATH: process.env['PATH'] ?? '',
        TMPDIR: temporary,
        DATABASE_URL: databaseUrl ?? `sqlite://${join(this.folder, 'sotto.db')}?mode=rwc`,
        SOTTO_LISTEN: listen,
        SOTTO_PEPPER: this.pepper,
        SOTTO_REALM: 'localhost',
        SOTTO_CLIENT_DIR: clientDir ?? process.env['SOTTO_CLIENT_DIR'] ?? join(ROOT, 'dist'),
        SOTTO_LOG: 'trace',
        ...env,
      },
    });
    closeSync(log);
    this.child = child;
    this.url = await this.address(child);
  }

  private async address(child: ChildProcess): Promise<string> {
    const out = child.stdout;
    if (!out) throw new Error('the relay has no stdout');
    out.setEncoding('utf8');
    let said = '';
    const listening = new Promise<string>((found, failed) => {
      out.on('data', (text: string) => {
        said += text;
        appendFileSync(join(this.folder, 'relay.out'), text);
        const address = /^listening on (http:\S+)/m.exec(said)?.[1];
        if (address) found(address);
      });
      child.once('error', failed);
      child.once('exit', (code, signal) => {
        failed(new Error(`the relay stopped (${code ?? signal}) before it listened:\n${this.log().slice(-4000)}`));
      });
    });
    const late = AbortSignal.timeout(STARTS_WITHIN_MS);
    return await Promise.race([
      listening,
      once(late, 'abort').then((): never => {
        throw new Error(`the relay did not say "listening on http://…" within ${STARTS_WITHIN_MS} ms. It said: ${said}`);
      }),
    ]);
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}

/** Every file below a folder, by its path in there. */
export function filesIn(folder: string): Place[] {
  const found: Place[] = [];
  for (const what of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    try {
      if (statSync(join(folder, what)).isFile()) found.push({ what, bytes: readFileSync(join(folder, what)) });
    } catch (error) {
      // A database takes files away while one looks.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return found;
}

function binary(): string {
  const named = process.env['SOTTO_RELAY_BIN'];
  if (named) return named;
  const built = ['release', 'debug'].map((profile) => join(ROOT, 'target', profile, 'sotto-server')).filter((path) => existsSync(path));
  const newest = built.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  if (!newest) throw new Error('There is no relay to test. Run: cargo build -p sotto-server');
  return newest;
}

// The throw-away Postgres that `./dev test e2e` starts, as somebody sees it who has stolen it, or runs it.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';

import type { Place } from './canary.ts';
import { filesIn } from './relay.ts';

export class Postgres {
  private constructor(
    /** For the relay: a database of its own. */
    readonly url: string,
    private readonly folder: string,
    private readonly programs: string,
  ) {}

  /** A new, empty database. */
  static database(): Postgres {
    const { SOTTO_POSTGRES_URL: url, SOTTO_POSTGRES_DIR: folder, SOTTO_POSTGRES_BIN: programs } = process.env;
    if (!url || !folder || !programs) {
      throw new Error('SOTTO_POSTGRES_URL, _DIR and _BIN name a Postgres, its folder with data/ in it, and its programs; ./dev test e2e starts one');
    }
    const name = `e2e_${randomBytes(6).toString('hex')}`;
    const database = new Postgres(new URL(`/${name}`, url).href, folder, programs);
    database.runs('psql', url, '-qc', `CREATE DATABASE ${name}`);
    return database;
  }

  /** What a backup is made of. */
  dump(): Buffer {
    return this.runs('pg_dump', this.url);
  }

  /** The files of the whole server, its log and write-ahead log included, after everything in memory was written to them. */
  files(): Place[] {
    this.runs('psql', this.url, '-qc', 'CHECKPOINT');
    return filesIn(this.folder);
  }

  private runs(program: string, ...words: string[]): Buffer {
    return execFileSync(join(this.programs, program), words, { maxBuffer: 1 << 30 });
  }
}

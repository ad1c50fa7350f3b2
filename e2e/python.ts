// Programs of the independent reader.

import { execFile } from 'node:child_process';
import { join } from 'node:path';

const PYTHON = process.env['SOTTO_READER_PYTHON'] ?? 'python3';
const READER = join(import.meta.dirname, 'reader');

export interface Reading {
  status: number;
  said: string;
  complaints: string;
}

export function python(script: string, args: string[], input = ''): Promise<Reading> {
  return new Promise((done) => {
    const child = execFile(PYTHON, ['-B', join(READER, script), ...args], { maxBuffer: 1 << 24 }, (error, said, complaints) => {
      const status = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
      done({ status, said, complaints: error && status < 0 ? String(error) : complaints });
    });
    child.stdin?.end(input);
  });
}

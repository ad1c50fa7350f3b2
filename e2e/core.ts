// An image of a process that runs: what somebody sees who has the machine. The one who started a process may read its
// memory, so this asks for no debugger and no right that a test run does not have.

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

import type { Place } from './canary.ts';

const PART = 64 << 20;
/** So much of a part stands in the next one too: what lies across the seam is found. */
const SEAM = 4 << 10;

/** Whether this system shows a process's memory as a file. */
export const hasCoreImages = process.platform === 'linux';

/** Everything that is mapped in the process and can be read, the heap and the stacks among it. It stands still meanwhile. */
export function coreImage(pid: number): Place[] {
  const image: Place[] = [];
  lookThrough(pid, (place) => void image.push(place));
  return image;
}

/** The same, part by part: for a process too large to be kept whole. */
export function lookThrough(pid: number, look: (part: Place) => void): void {
  process.kill(pid, 'SIGSTOP');
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const area of readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m)) {
      const [, from, to, name] = /^([0-9a-f]+)-([0-9a-f]+) r\S+ \S+ \S+ \S+[^\S\n]*(.*)$/m.exec(area) ?? [];
      // Pages of the kernel's, which it does not let be read this way.
      if (from === undefined || to === undefined || /^\[v(var|syscall)/.test(name ?? '')) continue;
      // What was only ever set aside holds nothing, and a browser sets gigabytes aside.
      if (!/^(Rss|Swap): +[1-9]/m.test(area)) continue;
      const end = parseInt(to, 16);
      for (let at = parseInt(from, 16); at < end; at += PART) {
        const bytes = Buffer.alloc(Math.min(PART + SEAM, end - at));
        const length = readSync(memory, bytes, 0, bytes.length, at);
        if (length < bytes.length) throw new Error(`only ${length} of ${bytes.length} bytes could be read at ${at.toString(16)}`);
        look({ what: `core, ${at.toString(16)} ${name}`.trim(), bytes });
      }
    }
  } finally {
    closeSync(memory);
    process.kill(pid, 'SIGCONT');
  }
}

// Holds what a server serves against a list of files and hashes.
//
//   node client/compare.mjs https://chat.example.org dist/assets.json

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [address, list] = process.argv.slice(2);
if (!address || !list) {
  console.error('usage: node compare.mjs URL LIST');
  process.exit(2);
}
const { build, files } = JSON.parse(readFileSync(list, 'utf8'));

let different = 0;
for (const { path, sha256 } of files) {
  // What people are given is the page at the bare address, whatever a file of its name may be.
  const url = new URL(path === 'index.html' ? '/' : `/${path}`, address);
  const found = await hashOf(url);
  if (found === sha256) continue;
  different += 1;
  console.log(`   ${path}: ${found}, not ${sha256}`);
}
console.log(different === 0
  ? `   ${address} serves build ${build}: all ${files.length} files are the same`
  : `   ${address} does not serve build ${build}: ${different} of ${files.length} files differ`);
process.exitCode = different === 0 ? 0 : 1;

async function hashOf(url) {
  try {
    const answer = await fetch(url, { cache: 'no-store', redirect: 'error' });
    if (!answer.ok) return `not there (${answer.status})`;
    return createHash('sha256').update(new Uint8Array(await answer.arrayBuffer())).digest('hex');
  } catch (error) {
    return `no answer (${error.cause?.code ?? error.message})`;
  }
}

// Writes FILE.br and FILE.gz beside every file of a folder, so that the relay never compresses anything itself.
//
//   node e2e/precompress.mjs dist

import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

// Fonts and pictures of these kinds are compressed already.
const ALREADY_SMALL = /\.(woff2|png|jpe?g|webp|avif|gif|br|gz)$/;
const WORTH_IT_BYTES = 256;

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error('usage: node precompress.mjs FOLDER');
  process.exit(2);
}

let [files, plainBytes, smallBytes] = [0, 0, 0];
for (const name of readdirSync(folder, { recursive: true })) {
  const path = join(folder, name);
  if (/\.(br|gz)$/.test(path)) rmSync(path);
  else if (statSync(path).isFile()) compress(path);
}
console.log(`   ${files} files, ${kilobytes(plainBytes)} kB, ${kilobytes(smallBytes)} kB over the wire`);

function compress(path) {
  const plain = readFileSync(path);
  let small = plain;
  if (plain.length >= WORTH_IT_BYTES && !ALREADY_SMALL.test(path)) {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length };
    small = brotliCompressSync(plain, { params });
    writeFileSync(`${path}.br`, small);
    writeFileSync(`${path}.gz`, gzipSync(plain, { level: 9 }));
  }
  files += 1;
  plainBytes += plain.length;
  smallBytes += small.length;
}

function kilobytes(bytes) {
  return Math.round(bytes / 1000);
}

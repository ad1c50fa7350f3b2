// Puts the page together behind trunk's build: one file for the worker, and the hash of every file in the file that loads it.
//
//   index.html ─▶ loader.js, *.css   `integrity` of their elements
//   loader.js  ─▶ app.js, app_bg.wasm, worker.js; emoji.json once somebody looks for one, code.js once code is shown
//   worker.js  ─▶ worker_bg.wasm, passwords_bg.wasm
//
// The browser runs nothing that has another hash. index.html stands at the head of the chain, so nothing in the page can
// check it: assets.json lists it and all others, to be published elsewhere and compared (docs/deploy.md).
// trunk calls this (Trunk.toml), for a build and while one writes; with SOTTO_OPTIMISE the wasm is made small and fast first.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const { TRUNK_STAGING_DIR: folder, TRUNK_SOURCE_DIR: source, SOTTO_BUILD: build = 'dev', SOTTO_OPTIMISE: optimise } = process.env;
if (!folder || !source) throw new Error('trunk calls this: TRUNK_STAGING_DIR and TRUNK_SOURCE_DIR are not set');

const text = (name) => readFileSync(join(folder, name), 'utf8');
const hash = (name, form) => createHash('sha256').update(readFileSync(join(folder, name))).digest(form);
const integrity = (name) => `sha256-${hash(name, 'base64')}`;

/** Replaces what `pattern` finds exactly so many times. */
function replace(name, pattern, by, times) {
  let found = 0;
  const replaced = text(name).replace(pattern, (...match) => {
    found += 1;
    return by(...match);
  });
  if (found !== times) throw new Error(`${name}: ${pattern} stands there ${found} times, not ${times}`);
  writeFileSync(join(folder, name), replaced);
}

/** Fills in the line of a script that says which build it is and what it may load. */
function tell(name, files) {
  const built = { build, files: Object.fromEntries(files.map((file) => [`/${file}`, integrity(file)])) };
  replace(name, /^( *const built = ).*;$/gm, (_, left) => `${left}${JSON.stringify(built)};`, 1);
}

if (optimise) {
  for (const name of ['app_bg.wasm', 'worker_bg.wasm', 'passwords_bg.wasm']) {
    const wasm = join(folder, name);
    const before = statSync(wasm).size;
    // Only what every browser of the last years understands; --all-features emits code that Chromium refuses.
    execFileSync(join(source, 'e2e/node_modules/.bin/wasm-opt'), [
      '-O3', '--strip-debug', '--strip-producers',
      '--enable-bulk-memory', '--enable-bulk-memory-opt', '--enable-nontrapping-float-to-int', '--enable-sign-ext',
      '--enable-mutable-globals', '--enable-reference-types', '--enable-multivalue', '--enable-simd',
      wasm, '-o', wasm,
    ], { stdio: 'inherit' });
    console.log(`   ${name}: ${Math.round(before / 1000)} kB, optimised ${Math.round(statSync(wasm).size / 1000)} kB`);
  }
}

// wasm-bindgen's own scripts each make one global name; here each stays in a room of its own.
const own = (name) => `const ${name} = (() => {\n${text(`${name}.js`)}\nreturn wasm_bindgen;\n})();\n`;
writeFileSync(join(folder, 'worker.js'), `"use strict";\n${own('worker')}${own('passwords')}${text('worker-entry.js')}`);
rmSync(join(folder, 'passwords.js'));
rmSync(join(folder, 'worker-entry.js'));

// The worker that colours code: Prism's rules for what people show each other most, each after those it builds on.
const LANGUAGES = [
  'core', 'clike', 'markup', 'css', 'javascript', 'jsx', 'typescript', 'tsx', 'json', 'bash', 'c', 'cpp', 'csharp', 'go', 'java', 'kotlin', 'swift',
  'dart', 'scala', 'rust', 'zig', 'python', 'ruby', 'markup-templating', 'php', 'perl', 'lua', 'r', 'julia', 'haskell', 'elixir', 'nix', 'sql',
  'graphql', 'yaml', 'toml', 'ini', 'properties', 'docker', 'nginx', 'makefile', 'powershell', 'latex', 'markdown', 'diff',
];
const prism = LANGUAGES.map((name) => readFileSync(join(source, `e2e/node_modules/prismjs/components/prism-${name}.min.js`), 'utf8'));
// Left to itself it would listen to messages, too.
const alone = 'self.Prism = { manual: true, disableWorkerMessageHandler: true };';
const licence = `/* Prism\n${readFileSync(join(source, 'e2e/node_modules/prismjs/LICENSE'), 'utf8')}*/`;
writeFileSync(join(folder, 'code.js'), [licence, alone, ...prism, text('code-entry.js')].join('\n'));
rmSync(join(folder, 'code-entry.js'));

tell('worker.js', ['worker_bg.wasm', 'passwords_bg.wasm']);
// The worker's, too: the loader says so when one of them is refused.
tell('loader.js', ['app.js', 'app_bg.wasm', 'emoji.json', 'code.js', 'worker.js', 'worker_bg.wasm', 'passwords_bg.wasm']);
replace('index.html', /(<script src="\/(loader\.js)")>/g, (_, head, name) => `${head} integrity="${integrity(name)}">`, 1);
const styles = readdirSync(folder).filter((name) => name.endsWith('.css')).length;
replace('index.html', /(<link rel="stylesheet" href="\/([a-z]+\.css)")\/>/g, (_, head, name) => `${head} integrity="${integrity(name)}">`, styles);
replace('index.html', />build dev</g, () => `>build ${build}<`, 1);
// What trunk leaves behind of its own.
replace('index.html', /^ *<link data-trunk [^>]*>\n/gm, () => '', 1);
replace('index.html', /\n(?: *\n)+/g, () => '\n', 1);

const files = readdirSync(folder, { recursive: true })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => statSync(join(folder, name)).isFile() && name !== 'assets.json')
  .sort()
  .map((path) => ({ path, bytes: statSync(join(folder, path)).size, sha256: hash(path, 'hex'), integrity: integrity(path) }));
writeFileSync(join(folder, 'assets.json'), `${JSON.stringify({ build, files }, null, 2)}\n`);

// Builds the package: the native half by cargo, its types, the TypeScript, and what is published, below npm/.
//
//   node build.mjs [--debug] [--target TRIPLE]
//
// May not enter: a download. Everything else that this needs is pinned in package-lock.json and Cargo.lock.

import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

/** The packages below npm/, by what Rust calls their platform. */
const PLATFORMS = {
  'aarch64-apple-darwin': 'darwin-arm64',
  'aarch64-pc-windows-msvc': 'win32-arm64',
  'aarch64-unknown-linux-gnu': 'linux-arm64-gnu',
  'aarch64-unknown-linux-musl': 'linux-arm64-musl',
  'x86_64-apple-darwin': 'darwin-x64',
  'x86_64-pc-windows-msvc': 'win32-x64',
  'x86_64-unknown-linux-gnu': 'linux-x64-gnu',
  'x86_64-unknown-linux-musl': 'linux-x64-musl',
};
const LICENCES = ['LICENSE-APACHE', 'LICENSE-MIT'];

const here = import.meta.dirname;
const { values: options } = parseArgs({ options: { debug: { type: 'boolean' }, target: { type: 'string' } } });

const target = options.target ?? capture('rustc', ['-vV']).match(/^host: (.*)$/m)[1];
const platform = PLATFORMS[target];
if (!platform) throw new Error(`there is no package for ${target}; it is one of ${Object.keys(PLATFORMS).join(', ')}`);

const typesFolder = join(JSON.parse(capture('cargo', ['metadata', '--no-deps', '--format-version=1'])).target_directory, 'node-types');
mkdirSync(typesFolder, { recursive: true });
install(compile(), join('npm', platform));
writeFileSync(join(here, 'native.d.ts'), nativeTypes(readFileSync(join(typesFolder, 'tokenkeep-node'), 'utf8')));
rmSync(join(here, 'dist'), { recursive: true, force: true });
run(process.execPath, [join(here, 'node_modules', 'typescript', 'bin', 'tsc')]);
publishable();

/** The path of the library that cargo built. */
function compile() {
  const profile = options.debug ? [] : ['--release'];
  const cross = options.target ? ['--target', options.target] : [];
  const messages = capture(
    'cargo',
    ['build', '--locked', '-p', 'tokenkeep-node', ...profile, ...cross, '--message-format=json-render-diagnostics'],
    { NAPI_TYPE_DEF_TMP_FOLDER: typesFolder },
  );
  const artifacts = messages.trim().split('\n').map((line) => JSON.parse(line));
  const library = artifacts.find((message) => message.target?.name === 'tokenkeep_node' && message.target.kind.includes('cdylib'));
  return library.filenames.find((name) => /\.(so|dylib|dll)$/.test(name));
}

function install(library, folder) {
  const file = join(here, folder, 'tokenkeep.node');
  // Renamed into place: a program that has the old one loaded keeps it.
  copyFileSync(library, `${file}.new`);
  renameSync(`${file}.new`, file);
  licences(folder);
}

/** TypeScript's view of what napi-derive wrote down: one JSON object on each line. */
function nativeTypes(lines) {
  const definitions = lines.trim().split('\n').map((line) => JSON.parse(line));
  const handles = new Set([...lines.matchAll(/ExternalObject<(\w+)>/g)].map(([, name]) => name));
  const types = definitions.map(({ kind, name, def }) => {
    if (kind === 'fn') return `export ${def};`;
    if (kind === 'interface') return `export interface ${name} {\n${def.replace(/^(\w+\?: .*)$/gm, '$1 | undefined')}\n}`;
    return `export type ${name} = ${[...def.matchAll(/= ('\w+')/g)].map(([, value]) => value).join(' | ')};`;
  });
  return [
    '// Made by build.mjs from the Rust in src/.',
    "import type { Failure } from './errors.js';",
    'export interface ExternalObject<T> { readonly [held]: T }',
    'declare const held: unique symbol;',
    ...[...handles].map((name) => `export interface ${name} { readonly handle: '${name}' }`),
    ...types,
    '',
  ].join('\n');
}

/** The package as it is published: without what only a checkout can use, and with the native half of each platform. */
function publishable() {
  const folder = join('npm', 'tokenkeep');
  rmSync(join(here, folder), { recursive: true, force: true });
  mkdirSync(join(here, folder));
  const { private: _, scripts: __, devDependencies: ___, ...manifest } = manifestOf('.');
  manifest.optionalDependencies = {};
  for (const name of readdirSync(join(here, 'npm')).filter((name) => Object.values(PLATFORMS).includes(name))) {
    const half = manifestOf(join('npm', name));
    manifest.optionalDependencies[half.name] = half.version;
  }
  writeFileSync(join(here, folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  for (const part of ['bin', 'dist', 'README.md']) cpSync(join(here, part), join(here, folder, part), { recursive: true });
  licences(folder);
}

function licences(folder) {
  for (const name of LICENCES) copyFileSync(join(here, '..', name), join(here, folder, name));
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(here, folder, 'package.json'), 'utf8'));
}

function capture(program, programArguments, variables = {}) {
  const settings = { cwd: here, env: { ...process.env, ...variables }, encoding: 'utf8', maxBuffer: 1 << 28 };
  return execFileSync(program, programArguments, { ...settings, stdio: ['ignore', 'pipe', 'inherit'] });
}

function run(program, programArguments) {
  const { status } = spawnSync(program, programArguments, { cwd: here, stdio: 'inherit' });
  // It has said why.
  if (status !== 0) process.exit(1);
}

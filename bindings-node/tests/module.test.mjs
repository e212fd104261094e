// The package as a module: one set of classes for `import` and `require`, types for both, quick to load, and small.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import * as imported from 'tokenkeep';
import { run } from '../../tests/support/node/index.mjs';

const required = createRequire(import.meta.url)('tokenkeep');
const here = dirname(import.meta.dirname);
const bare = { PATH: process.env.PATH, HOME: tmpdir() };

test('import and require give the same classes', () => {
  const names = ['AccessToken', 'AllowedHosts', 'Broker', 'PendingLogin', 'TokenkeepError'];
  assert.deepEqual(Object.keys(imported).sort(), names);
  assert.deepEqual(Object.keys(required).sort(), names);
  for (const name of names) assert.equal(imported[name], required[name]);
});

test('only the broker is made with new, and only with options that are known', () => {
  assert.throws(() => new imported.Broker({ hone: '/x' }), /hone/);
});

test('it loads within 15 ms', async () => {
  // Of the processor: what else the machine does is not the package's.
  const load = `
    const before = process.cpuUsage();
    require('tokenkeep');
    const { user, system } = process.cpuUsage(before);
    console.log((user + system) / 1000);`;
  const times = [];
  for (let i = 0; i < 10; i++) {
    const { stdout, stderr } = await run(process.execPath, ['-e', load], { cwd: here, env: bare });
    times.push(Number(stdout));
    assert.ok(times[i] > 0, stderr);
  }
  assert.ok(Math.min(...times) < 15, `${times} ms`);
});

test('without a native half it says what to do', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenkeep-test-'));
  try {
    for (const name of ['loader.js', 'index.js']) {
      mkdirSync(join(folder, 'dist'), { recursive: true });
      writeFileSync(join(folder, 'dist', name), readFileSync(join(here, 'dist', name)));
    }
    const { code, stderr } = await run(process.execPath, ['-e', `require('./dist/loader.js')`], { cwd: folder, env: bare });
    assert.equal(code, 1);
    assert.match(stderr, /tokenkeep has no native half for this machine: @tokenkeep\/.* --omit=optional/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

for (const [kind, source] of [['CommonJS', 'cts'], ['ES modules', 'mts']]) {
  test(`its types are those of a strict program (${kind})`, async () => {
    const flags = '--ignoreConfig --noEmit --strict --exactOptionalPropertyTypes --types node --module nodenext';
    const libraries = '--target es2022 --lib es2022,esnext.disposable';
    const compiler = join(here, 'node_modules', 'typescript', 'bin', 'tsc');
    const sample = join('tests', 'programs', `sample.${source}`);
    const command = [compiler, ...flags.split(' '), ...libraries.split(' '), sample];
    const { code, stdout } = await run(process.execPath, command, { cwd: here });
    assert.equal(code, 0, stdout);
  });
}

test('what is private to the package is not in its types', () => {
  const types = readdirSync(join(here, 'dist')).filter((name) => name.endsWith('.d.ts'));
  const texts = types.map((name) => readFileSync(join(here, 'dist', name), 'utf8')).join('\n');
  for (const word of ['Failure', 'ExternalObject', 'native.js', 'snakeCased']) assert.ok(!texts.includes(word), word);
});

test('the loader knows the packages that there are', () => {
  const platforms = readdirSync(join(here, 'npm')).filter((name) => name !== 'tokenkeep');
  const { optionalDependencies } = JSON.parse(readFileSync(join(here, 'npm', 'tokenkeep', 'package.json'), 'utf8'));
  assert.deepEqual(Object.keys(optionalDependencies), platforms.map((name) => `@tokenkeep/${name}`));
  const { version } = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8'));
  for (const name of platforms) {
    const half = JSON.parse(readFileSync(join(here, 'npm', name, 'package.json'), 'utf8'));
    assert.deepEqual([half.name, half.version, half.main], [`@tokenkeep/${name}`, version, 'tokenkeep.node']);
    assert.deepEqual([`${half.os}-${half.cpu}`], [name.split('-').slice(0, 2).join('-')]);
  }
});

test('packed and installed in a fresh folder, it works without a script and without a download', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenkeep-test-'));
  const npm = async (...npmArguments) => {
    const ended = await run('npm', [...npmArguments, '--offline', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: folder,
      env: { ...bare, HOME: folder },
    });
    assert.equal(ended.code, 0, ended.stderr);
    return ended.stdout;
  };
  try {
    const built = readdirSync(join(here, 'npm')).filter((name) => readdirSync(join(here, 'npm', name)).includes('tokenkeep.node'));
    assert.ok(built.length > 0);
    const tarballs = [];
    for (const name of ['tokenkeep', built.find((name) => name.startsWith(`${process.platform}-${process.arch}`))]) {
      const [{ filename, files }] = JSON.parse(await npm('pack', '--json', join(here, 'npm', name)));
      tarballs.push(join(folder, filename));
      const paths = files.map((file) => file.path);
      const licences = ['LICENSE-APACHE', 'LICENSE-MIT', 'package.json'];
      for (const path of licences) assert.ok(paths.includes(path), `${name}: ${path}`);
      const rest = paths.filter((path) => !licences.includes(path));
      if (name === 'tokenkeep') assert.ok(rest.every((path) => /^(README\.md|bin\/tokenkeep\.js|dist\/[\w.]+\.(js|mjs|d\.ts|d\.mts))$/.test(path)), `${rest}`);
      else assert.deepEqual(rest, ['tokenkeep.node']);
    }
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    await npm('install', '--omit=optional', ...tarballs);
    const use = `import { Broker } from 'tokenkeep'; console.log(new Broker({ home: '/x' }).home)`;
    const ended = await run(process.execPath, ['--input-type=module', '-e', use], { cwd: folder, env: bare });
    assert.equal(ended.stdout, '/x\n', ended.stderr);
    const version = await run(join(folder, 'node_modules/.bin/tokenkeep'), ['--version'], { cwd: folder, env: bare });
    assert.match(version.stdout, /^tokenkeep \d/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

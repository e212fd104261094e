// The adapters as modules: one set for `import` and `require`, types for both, and nothing loaded that they adapt.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

import { run } from '../../support/node/index.mjs';

const require = createRequire(import.meta.url);
const cwd = import.meta.dirname;

for (const [adapter, name] of [
  ['azure', 'TokenkeepCredential'],
  ['fetch', 'authorizedFetch'],
  ['graph', 'TokenkeepAuthenticationProvider'],
]) {
  test(`import and require give the same ${name}`, async () => {
    const imported = await import(`tokenkeep/${adapter}`);
    assert.deepEqual(Object.keys(imported), [name]);
    assert.deepEqual(Object.keys(require(`tokenkeep/${adapter}`)), [name]);
    assert.equal(imported[name], require(`tokenkeep/${adapter}`)[name]);
  });

  test(`tokenkeep/${adapter} loads nothing of what it adapts`, async () => {
    const load = `require('tokenkeep/${adapter}'); console.log(Object.keys(require.cache).join('\\n'))`;
    const { stdout, stderr } = await run(process.execPath, ['-e', load], { cwd });
    const own = dirname(require.resolve('tokenkeep'));
    const loaded = stdout.trim().split('\n');
    assert.ok(loaded.includes(join(own, `${adapter}.js`)), stderr);
    assert.deepEqual(loaded.filter((path) => dirname(path) !== own && !path.endsWith('tokenkeep.node')), []);
  });
}

for (const [kind, source] of [['CommonJS', 'cts'], ['ES modules', 'mts']]) {
  test(`their types are those of a strict program, and of what they adapt (${kind})`, async () => {
    const flags = '--ignoreConfig --noEmit --strict --exactOptionalPropertyTypes --types node --module nodenext';
    // The types of the Graph client want those of a browser.
    const libraries = '--target es2022 --lib es2022,esnext.disposable,dom,dom.iterable';
    const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
    const command = [compiler, ...flags.split(' '), ...libraries.split(' '), `programs/sample.${source}`];
    const { code, stdout } = await run(process.execPath, command, { cwd });
    assert.equal(code, 0, stdout);
  });
}

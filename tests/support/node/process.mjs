// The workspace's programs, and a process that is run to its end.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The repository's root. */
export const root = join(import.meta.dirname, '..', '..', '..');

/** A program of the workspace, built beforehand by `make build`. */
export function program(name) {
  const path = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'debug', name);
  if (!existsSync(path)) throw new Error(`${path} is not built: run \`cargo build --workspace --bins\``);
  return path;
}

/**
 * Runs a command to its end. `options` are those of `spawn`, and `stdin`, a text; `started` is called with the child.
 * Resolves to `{ code, signal, stdout, stderr, milliseconds }`.
 */
export async function run(command, commandArguments, { stdin = '', started = () => {}, ...options } = {}) {
  const begun = performance.now();
  const child = spawn(command, commandArguments, { ...options, stdio: 'pipe' });
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (texts[name] += text));
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...texts, milliseconds: performance.now() - begun }));
  });
  // A child that has ended reads nothing.
  child.stdin.on('error', () => {}).end(stdin);
  started(child);
  return ended;
}

/** Tries until it is so, for half a minute. */
export async function until(isSo) {
  const giveUp = Date.now() + 30_000;
  while (!(await isSo())) {
    if (Date.now() > giveUp) throw new Error(`it is not so after half a minute: ${isSo}`);
    await sleep(5);
  }
}

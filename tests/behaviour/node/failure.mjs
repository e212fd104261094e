// How a call says that it failed: a code, one line, what to do. Never a secret.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { TokenkeepError } from 'tokenkeep';
import { root } from '../../support/node/index.mjs';

const table = JSON.parse(readFileSync(join(root, 'tests/vectors/errors.json'), 'utf8')).errors;

/** What a test puts into bodies that must not be seen anywhere: a failure is searched for it. */
const CANARY = 'canary';

/** What every token, code and device code of the scripted server begins with. */
const SECRETS = /access-|refresh-|code-|device-/;

/** The error of `call` (a promise, or a function), which must fail with `code` as the table of all languages has it. */
export async function fails(call, code) {
  const row = table.find((row) => row.code === code);
  assert.ok(row, `${code} is not in the table`);
  const error = await caught(call);
  assert.ok(error instanceof TokenkeepError && error instanceof Error, inspect(error));
  assert.equal(error.name, 'TokenkeepError');
  const { message, help, retryable } = error;
  assert.deepEqual({ code: error.code, retryable }, { code, retryable: row.retryable }, inspect(error));
  assert.ok(message !== '' && !message.includes('\n') && [...message].length <= 500, message);
  assert.notEqual(help, '');
  const shown = [message, help, String(error), error.stack, inspect(error, { depth: null }), JSON.stringify(error)];
  // Stack lines name files of the tests, one of which is about device codes.
  const told = shown.join('\n').replace(/^ +at .*$/gm, '').replaceAll(/device-code/g, '');
  assert.doesNotMatch(told, SECRETS);
  assert.ok(!told.includes(CANARY), told);
  return error;
}

/** What `call` throws or rejects with. */
async function caught(call) {
  let value;
  try {
    value = await (typeof call === 'function' ? call() : call);
  } catch (error) {
    return error;
  }
  return assert.fail(`it did not fail: ${inspect(value)}`);
}

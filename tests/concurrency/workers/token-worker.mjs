// A process that asks for tokens whenever it is told to, in Node: callers that share a Broker, as in a tool.
//
//   token-worker.mjs PROVIDER CALLERS [LOCK_WAIT_MILLISECONDS]
//
// The lines that it reads and writes are those of `src/bin/token-worker.rs`.

import { createInterface } from 'node:readline';
import { performance } from 'node:perf_hooks';
import { Broker, TokenkeepError } from 'tokenkeep';

const [provider, callers, lockWait] = process.argv.slice(2);
const broker = new Broker(lockWait === undefined ? {} : { lockWait: Number(lockWait) / 1000 });

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const options = read(line);
  const calls = Array.from({ length: Number(callers) }, () => ask(options));
  console.log(JSON.stringify(await Promise.all(calls)));
}
await broker.close();

async function ask(options) {
  const begun = performance.now();
  try {
    const token = await broker.token(provider, options);
    const expiresAt = token.expiresAt && Math.floor(token.expiresAt.getTime() / 1000);
    return { token: token.secret, expires_at: expiresAt, milliseconds: performance.now() - begun };
  } catch (error) {
    if (!(error instanceof TokenkeepError)) throw error;
    return { error: error.code, milliseconds: performance.now() - begun };
  }
}

function read(line) {
  const [what, value] = line.trim().split(' ');
  switch (what) {
    case 'token': return {};
    case 'force': return { forceRefresh: true, ...(value && { scopes: value }) };
    case 'min-lifetime': return { minLifetime: Number(value) };
    default: throw new Error(`no such line: ${line}`);
  }
}

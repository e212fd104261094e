// Another process, which asks for tokens of the same store: `asker.mjs`.
//
// May not enter: what it is asked for. It is asked when the test says so, so that eight can ask at once.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A process that waits to be asked. It ends with the test `t`. */
export class Elsewhere {
  #child;

  constructor(child) {
    this.#child = child;
  }

  /** Starts one in the stage's home. `environment` is more of its environment, `through` a command that starts it. */
  static async start(t, stage, { environment = {}, through = [] } = {}) {
    const [program, ...rest] = [...through, process.execPath, join(import.meta.dirname, 'asker.mjs')];
    const env = { ...stage.home.environment, ...environment };
    const child = spawn(program, rest, { cwd: stage.home.path, env, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    // A process that was stopped hears nothing else.
    t.after(() => child.kill('SIGKILL'));
    await answer(child);
    return new Elsewhere(child);
  }

  /** As `Broker.token`: resolves to the token itself; rejects with an error of the same code and message. */
  async accessToken(provider, options) {
    const answered = answer(this.#child);
    this.#child.send({ provider, options });
    const { secret, failure } = await answered;
    if (failure) throw Object.assign(new Error(failure.message), failure);
    return secret;
  }

  /** Sends it a signal: `SIGSTOP`. */
  signal(name) {
    this.#child.kill(name);
  }
}

/** The next message. */
async function answer(child) {
  const ended = new AbortController();
  const gone = once(child, 'exit', ended).then(([code, signal]) => {
    throw new Error(`the other process has ended: ${code ?? signal}`);
  });
  try {
    const [message] = await Promise.race([once(child, 'message', ended), gone]);
    return message;
  } finally {
    gone.catch(() => {});
    ended.abort();
  }
}

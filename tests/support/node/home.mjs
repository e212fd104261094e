// A home of its own: an empty folder, a clean environment, and the command line in it.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { program, run } from './process.mjs';

/** A store in a temporary folder that keeps its key in a file, and may talk to servers on this machine. */
export class Home {
  /** The folder that holds everything that the test leaves behind. */
  path = mkdtempSync(join(tmpdir(), 'tokenkeep-test-'));

  /** The store's folder. */
  get store() {
    return join(this.path, 'store');
  }

  /** The options of a broker in it. */
  get options() {
    return { home: this.store, keySource: 'file', insecureLoopback: true };
  }

  /** The environment of a program in it. */
  get environment() {
    const { PATH } = process.env;
    const tokenkeep = { TOKENKEEP_HOME: this.store, TOKENKEEP_KEY: 'file', TOKENKEEP_INSECURE_LOOPBACK: '1' };
    return { PATH, HOME: this.path, ...tokenkeep };
  }

  /** Runs the command line (the one in Rust) to its end. */
  tokenkeep(...commandArguments) {
    return run(program('tokenkeep'), commandArguments, { cwd: this.path, env: this.environment });
  }

  /** Writes a file, and returns its path. */
  write(name, text) {
    const path = join(this.path, name);
    writeFileSync(path, text);
    return path;
  }

  /** Removes the folder. */
  remove() {
    try {
      rmSync(this.path, { recursive: true, force: true });
    } catch (error) {
      // A refresh that was given up has written its record down meanwhile: that was the last of it.
      if (error.code !== 'ENOTEMPTY') throw error;
      rmSync(this.path, { recursive: true, force: true });
    }
  }
}

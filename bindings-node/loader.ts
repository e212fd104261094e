// The native half: one file for each platform, in a package of its own, of which npm installs the one that fits.
//
// May not enter: a download, and a build.

import { join } from 'node:path';
import { existsSync } from 'node:fs';

import type * as Native from './native.js';

/** @internal */
export const native = load();

function load(): typeof Native {
  const machine = `${process.platform}-${process.arch}`;
  // Which C library Linux has is known when the other one's file does not load; as a rule only one is installed.
  const platforms = process.platform === 'linux' ? [`${machine}-gnu`, `${machine}-musl`] : [machine];
  const causes: unknown[] = [];
  for (const platform of platforms) {
    // In a checkout it is where build.mjs leaves it.
    const built = join(__dirname, '..', 'npm', platform, 'tokenkeep.node');
    try {
      return require(existsSync(built) ? built : `@tokenkeep/${platform}`) as typeof Native;
    } catch (cause) {
      causes.push(cause);
    }
  }
  const names = platforms.map((platform) => `@tokenkeep/${platform}`).join(' or ');
  throw new Error(
    `tokenkeep has no native half for this machine: ${names} cannot be loaded. Install tokenkeep again on this machine, ` +
      'without --omit=optional; a node_modules folder that was copied from another system does not do. In a checkout, ' +
      'run `npm run build`.',
    { cause: causes.length === 1 ? causes[0] : new AggregateError(causes) },
  );
}

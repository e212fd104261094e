// A call of the native half: how it ends, how it is given up, and what a program that ends leaves under way.
//
// May not enter: what a call means.

import { unlessFailed, type Failure } from './errors.js';
import { native } from './loader.js';
import type { Call, ExternalObject } from './native.js';

/** @internal What comes of the call that `start` makes. `causes` says what of JavaScript's made it fail. */
export async function outcome<T>(
  start: (call: ExternalObject<Call>) => Promise<T | Failure | null>,
  signal?: AbortSignal,
  causes?: { readonly thrown: ErrorOptions },
): Promise<T> {
  signal?.throwIfAborted();
  finishBeforeExit();
  const call = native.call();
  let abort: (() => void) | undefined;
  try {
    const answers = [start(call)];
    if (signal) {
      const aborted = new Promise<never>((_, reject) => (abort = () => reject(signal.reason)));
      signal.addEventListener('abort', abort!);
      answers.push(aborted);
    }
    return unlessFailed((await Promise.race(answers)) as T | Failure, causes?.thrown);
  } finally {
    if (abort) signal!.removeEventListener('abort', abort);
    // Of a call that is done nothing is given up; until then this keeps it from being collected, which would.
    native.cancel(call);
  }
}

let waitsForExit = false;

/**
 * When nothing keeps the program any more, it stays until the refreshes that are under way (of a call that was given up,
 * or ahead of time) are written down. It is asked for once more by the next call that is not answered at once.
 */
function finishBeforeExit(): void {
  if (waitsForExit) return;
  waitsForExit = true;
  process.once('beforeExit', () => {
    const call = native.call();
    void native.closeAll(call).then(() => {
      waitsForExit = false;
      native.cancel(call);
    });
  });
}

// What a program asks for again and again: the same token, with the same words. The native half is told of them once,
// and a token that is still the one is not made anew.
//
// May not enter: how long a token is good for. The core looks, at every call.

import { unlessFailed, type Failure } from './errors.js';
import { native } from './loader.js';
import type * as Native from './native.js';
import { scopeText, type CachedTokenOptions } from './options.js';
import { AccessToken } from './records.js';

/** @internal A question for the token at hand, and its last answer. */
export class Asked {
  readonly native: Native.ExternalObject<Native.Asked>;
  readonly #provider: string;
  readonly #connection: string | undefined;
  readonly #resource: string | undefined;
  readonly #minLifetime: number | undefined;
  /** A text, which never changes, or a copy of the words; null for what is read anew each time. */
  readonly #scopes: string | readonly string[] | undefined | null;
  #token: AccessToken | null = null;

  private constructor(provider: string, { connection, scopes, resource, minLifetime }: CachedTokenOptions) {
    this.#provider = provider;
    this.#connection = connection;
    this.#resource = resource;
    this.#minLifetime = minLifetime;
    const words: readonly string[] | null = Array.isArray(scopes) ? [...scopes] : null;
    this.#scopes = scopes === undefined || typeof scopes === 'string' ? scopes : words;
    this.native = unlessFailed(native.asked(provider, connection, scopeText(scopes), resource, minLifetime));
  }

  /** The question before, if it is the same; else a new one. */
  static again(before: Asked | undefined, provider: string, options: CachedTokenOptions): Asked {
    return before && before.#isFor(provider, options) ? before : new Asked(provider, options);
  }

  /** The token of an answer. */
  answer(answer: true | string | Failure | null): AccessToken | null {
    if (answer === true) return this.#token;
    return (this.#token = typeof answer === 'string' ? AccessToken.of(answer) : unlessFailed(answer));
  }

  #isFor(provider: string, options: CachedTokenOptions): boolean {
    return (
      provider === this.#provider &&
      options.connection === this.#connection &&
      options.resource === this.#resource &&
      options.minLifetime === this.#minLifetime &&
      this.#hasScopes(options.scopes)
    );
  }

  #hasScopes(scopes: CachedTokenOptions['scopes']): boolean {
    const own = this.#scopes;
    if (own === null) return false;
    if (own === undefined || typeof own === 'string') return scopes === own;
    if (!Array.isArray(scopes) || scopes.length !== own.length) return false;
    for (let at = 0; at < own.length; at++) if (scopes[at] !== own[at]) return false;
    return true;
  }
}

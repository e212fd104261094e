// How a login talks to the person, when the program does it.
//
// May not enter: what is said.

import { inspect } from 'node:util';

import { native } from './loader.js';
import type { Conversation, ExternalObject, Question } from './native.js';
import type { Flow } from './options.js';
import { record } from './records.js';

/** What a person must see and do for the device code flow (RFC 8628 3.3). */
export interface DeviceAuthorization {
  /** Where to go, on any device. */
  readonly verificationUri: string;
  /** What to enter there. */
  readonly userCode: string;
  /** The same address with the code in it, where the server gives one. Fit for a QR code. */
  readonly verificationUriComplete: string | null;
  /** The server's own words, in the person's language (Microsoft). */
  readonly message: string | null;
  /** Seconds until the code is worth nothing. */
  readonly expiresIn: number;
}

/**
 * How a login talks to the person. Every method is optional, and may be async.
 *
 * What a method throws ends the login: it rejects with `login_cancelled`, and what was thrown is its `cause`.
 */
export interface Interaction {
  /** The flow that was chosen, and why. */
  flowChosen?(flow: Flow, reason: string): unknown;
  /** Takes the person to the authorization URL, in the system's browser. Opens that browser when left out. */
  openUrl?(authorizationUrl: string): unknown;
  /**
   * Shows the user code and where to enter it. Say which program asks, and that nobody should go on who has not started
   * it (RFC 8628 5.4). Without it there is no login by device code.
   */
  showDeviceAuthorization?(device: DeviceAuthorization): unknown;
  /** Asks for the address that the browser ended up at; again after one that was not the answer. */
  readRedirectUrl?(): string | PromiseLike<string>;
  /** Something reached the redirect and was not the answer; the login goes on waiting. */
  responseRefused?(reason: string): unknown;
}

/** By what the core calls them. */
const METHODS = {
  flow_chosen: 'flowChosen',
  open_url: 'openUrl',
  show_device_authorization: 'showDeviceAuthorization',
  read_redirect_url: 'readRedirectUrl',
  response_refused: 'responseRefused',
} as const satisfies Record<string, keyof Interaction>;

/** @internal One login's talk: with `interaction`, or without one at the terminal. */
export class Talk {
  readonly conversation: ExternalObject<Conversation>;
  #thrown: ErrorOptions = {};

  constructor(interaction: Interaction | undefined) {
    const methods = Object.entries(METHODS).filter(([, method]) => typeof interaction?.[method] === 'function');
    const ask = interaction && ((question: Question) => void this.#put(question, interaction));
    this.conversation = native.conversation(ask, methods.map(([name]) => name));
  }

  /** What a method has thrown, as the cause of an error. */
  get thrown(): ErrorOptions {
    return this.#thrown;
  }

  async #put({ id, method, arguments: values }: Question, interaction: Interaction): Promise<void> {
    try {
      const called: Function = interaction[METHODS[method as keyof typeof METHODS]]!;
      const answer: unknown = await Reflect.apply(called, interaction, record<unknown[]>(values));
      // Of the other methods it only matters that they are done.
      native.answer(this.conversation, id, method === 'read_redirect_url' ? (answer ?? null) : null);
    } catch (cause) {
      this.#thrown = { cause };
      native.refuse(this.conversation, id, cause instanceof Error ? cause.message : inspect(cause));
    }
  }
}

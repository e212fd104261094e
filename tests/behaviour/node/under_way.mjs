// A login that has begun and waits for its person.

import { connect } from 'node:net';

/** A login that waits. */
export class UnderWay {
  #abort = new AbortController();

  /** What becomes of the login: the connection, or why there is none. */
  ended;

  /** Where the person is sent: the authorization URL. */
  url;

  /** What the person is shown, of a login by device code. */
  device;

  /** Why what came was not the answer, each time. */
  refused = [];

  /** Calls `login` with an interaction and a signal, and waits until the person is sent somewhere. */
  static async wait(login, interaction = {}) {
    const waits = new UnderWay();
    const shown = new Promise((resolve) => {
      const openUrl = (url) => resolve((waits.url = new URL(url)));
      const showDeviceAuthorization = (device) => resolve((waits.device = device));
      const responseRefused = (reason) => void waits.refused.push(reason);
      const methods = { openUrl, showDeviceAuthorization, responseRefused, ...interaction };
      waits.ended = login({ interaction: methods, signal: waits.#abort.signal });
    });
    // Whoever waits for the end hears of it; who has not come to that yet is no unhandled rejection.
    waits.ended.catch(() => {});
    await Promise.race([shown, waits.ended]);
    return waits;
  }

  /** A parameter of the authorization request. */
  parameter(name) {
    const value = this.url.searchParams.get(name);
    if (value === null) throw new Error(`no ${name} in ${this.url}`);
    return value;
  }

  /** Where the answer is received, with this query. */
  redirect(query = '') {
    const url = new URL(this.parameter('redirect_uri'));
    url.search = query;
    return url;
  }

  /** The port that the answer is received at. */
  get port() {
    return Number(this.redirect().port);
  }

  /** Gives the login up. */
  abort(reason) {
    this.#abort.abort(reason);
  }
}

/** True when nobody listens at `port` any more, or nobody does within a second. */
export async function isClosed(port) {
  const giveUp = performance.now() + 1000;
  for (;;) {
    const open = await Promise.all(['127.0.0.1', '::1'].map((host) => accepts(host, port)));
    if (!open.includes(true)) return true;
    if (performance.now() > giveUp) return false;
  }
}

function accepts(host, port) {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    const done = (open) => {
      socket.destroy();
      resolve(open);
    };
    socket.on('connect', () => done(true)).on('error', () => done(false));
  });
}

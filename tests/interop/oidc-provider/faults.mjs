// Faults in front of the authorization server, by path and count.
//
// A fault is one JSON object:
//   path      which requests: the URL's path, exactly
//   kind      "reply"          answer `status`, `headers`, `body` without asking the server
//             "reset"          cut the connection before the server sees the request
//             "lose-response"  let the server act on the request, then cut the connection
//             "delay"          only wait, then go on as usual
//   times     how many requests it hits (1)
//   after     how many matching requests it lets pass first (0)
//   delay_ms  how long to wait before any of these (0)

import { setTimeout as wait } from 'node:timers/promises';

const PLAYS = {
  reply(fault, _request, response) {
    response.writeHead(fault.status ?? 500, fault.headers).end(fault.body);
  },
  reset(_fault, request) {
    cut(request.socket);
  },
  'lose-response': (_fault, request, response, serve) => {
    response.write = () => true;
    response.end = () => cut(request.socket);
    serve(request, response);
  },
  delay(_fault, request, response, serve) {
    serve(request, response);
  },
};

export class Faults {
  #pending = [];

  /** Adds one fault; throws a TypeError on one that it cannot play. */
  add({ path, kind, times = 1, after = 0, delay_ms = 0, ...reply }) {
    if (typeof path !== 'string' || !Object.hasOwn(PLAYS, kind)) {
      throw new TypeError(`a fault needs a path and a kind of ${Object.keys(PLAYS).join(', ')}`);
    }
    this.#pending.push({ path, kind, times, after, delay_ms, ...reply });
  }

  clear() {
    this.#pending = [];
  }

  toJSON() {
    return this.#pending;
  }

  /** Takes the fault that is due for a request to `path`, if there is one. */
  take(path) {
    const fault = this.#pending.find((pending) => pending.path === path);
    if (!fault) return undefined;
    if (fault.after > 0) {
      fault.after -= 1;
      return undefined;
    }
    fault.times -= 1;
    if (fault.times <= 0) this.#pending.splice(this.#pending.indexOf(fault), 1);
    return fault;
  }
}

/** Plays `fault` for one request; `serve` is the server behind it. */
export async function play(fault, request, response, serve) {
  if (fault.delay_ms > 0) await wait(fault.delay_ms);
  PLAYS[fault.kind](fault, request, response, serve);
}

// A TLS socket has no reset of its own.
function cut(socket) {
  if (socket.encrypted) socket.destroy();
  else socket.resetAndDestroy();
}

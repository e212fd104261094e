// The scripted authorization server (tests/authorization-server), as a process of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { createInterface } from 'node:readline';

import { program } from './process.mjs';

/** A server that runs. It ends with `stop()`, and with the process that started it. */
export class Server {
  #child;

  constructor(child, ready) {
    this.#child = child;
    /** Where it is: `http://127.0.0.1:PORT`. */
    this.origin = ready.origin;
    /** RFC 8414. */
    this.issuer = ready.issuer;
    /** The proxy that leads here, when it was started with `--proxy`. */
    this.proxy = ready.proxy;
  }

  /** Starts one, with the options of its command line. */
  static async start(...options) {
    const stdio = ['pipe', 'pipe', 'inherit'];
    const child = spawn(program('authorization-server'), ['--until-stdin-closes', ...options], { stdio });
    const lines = createInterface({ input: child.stdout });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`the server did not get ready: exit code ${code}`);
    });
    const [line] = await Promise.race([once(lines, 'line'), ended]);
    ended.catch(() => {});
    return new Server(child, JSON.parse(line));
  }

  /** What it was asked: `{ entries, grants, reuse_count, revoked_count, poll_gaps }`. */
  journal() {
    return this.control('GET', 'journal');
  }

  /** The requests with this grant type. */
  async asked(grantType) {
    return (await this.journal()).entries.filter((entry) => entry.grant_type === grantType);
  }

  /** The refreshes that it was asked for. */
  refreshes() {
    return this.asked('refresh_token');
  }

  /** Adds a fault, as the server's README has it. */
  pushFault(fault) {
    return this.control('POST', 'faults', fault);
  }

  /** The next `times` refreshes meet `action`. */
  atRefresh(action, times = 1) {
    return this.pushFault({ endpoint: 'token', grant_type: 'refresh_token', times, action });
  }

  /** True once every fault that was pushed has met its requests, of which the last may still be in the answering. */
  async faultsAreSpent() {
    return (await this.control('GET', 'faults')).length === 0;
  }

  /** Changes the options that are named, in the server's own words: `{ access_token_lifetime: 0 }`. */
  change(options) {
    return this.control('POST', 'options', options);
  }

  /** The status that its resource, or another at `url`, answers to this token: 200 while it works. */
  async resource(accessToken, url = `${this.origin}/resource`) {
    return (await this.#send('GET', url, { headers: { authorization: `Bearer ${accessToken}` } })).status;
  }

  /** Any request of its control interface. */
  async control(method, path, body) {
    const { status, text } = await this.#send(method, `${this.origin}/_control/${path}`, { body: body && JSON.stringify(body) });
    if (status < 200 || status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  async #send(method, url, { headers = {}, body }) {
    const { request } = this.origin.startsWith('https:') ? https : http;
    // Whom a client trusts is what tests find out; this asks only what was asked.
    const sent = request(url, { method, headers, agent: false, rejectUnauthorized: false });
    sent.end(body);
    const [answer] = await once(sent, 'response');
    let text = '';
    for await (const part of answer.setEncoding('utf8')) text += part;
    return { status: answer.statusCode, text };
  }

  /** Ends it, unless it has ended. */
  async stop() {
    if (this.#child.exitCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    await ended;
  }
}

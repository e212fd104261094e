// The person and the browser: the whole person as `stand-in-person`, or one request at a time.
//
// May not enter: a connection that is kept. A redirect's port is closed when its login has ended.

import { request } from 'node:http';

import { program, run } from '../../support/node/index.mjs';

/** Opens an authorization URL, says yes (or `--deny`), and goes where the browser is sent. Resolves to the exit code. */
export async function visit(url, ...options) {
  return (await run(program('stand-in-person'), [...options, String(url)])).code;
}

/** Opens a verification URI, enters the code, and says yes (or `--deny`). */
export async function enterUserCode({ verificationUri, userCode }, ...options) {
  const stdio = [...options, '--device', verificationUri, userCode];
  return (await run(program('stand-in-person'), stdio)).code;
}

/** One request; nothing is followed. Resolves to `{ status, headers, text }`. */
export function send(method, url, { headers = {}, body = '' } = {}) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers, agent: false }, async (answer) => {
      let text = '';
      for await (const part of answer.setEncoding('utf8')) text += part;
      resolve({ status: answer.statusCode, headers: answer.headers, text });
    });
    sent.on('error', reject).end(body);
  });
}

/** One GET. */
export function get(url, headers) {
  return send('GET', url, { headers });
}

/** One POST of a form. */
export function post(url, form) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return send('POST', url, { headers, body: String(new URLSearchParams(form)) });
}

/** Says yes at the authorization URL, and takes the address that the server sends the browser to without going there. */
export async function redirected(url) {
  const { status, headers, text } = await get(url);
  if (!headers.location) throw new Error(`no redirect: ${status} ${text}`);
  return new URL(headers.location);
}

// An OpenID-certified authorization server (oidc-provider) on a loopback port, with its own login
// and consent pages, for the interop tests. Everything it knows dies with it.
//
//   node server.mjs [--port N] [--host NAME] [--issuer-path /PATH] [--tls-key FILE --tls-cert FILE]
//                   [--access-token-ttl SECONDS] [--dpop-nonce] [--no-par] [--until-stdin-closes]
//
// Prints one line of JSON when it is ready: {"issuer", "port", "pid"}. Stops on SIGTERM, and with
// --until-stdin-closes also when whoever started it is gone. All other talk goes to stderr.
//
// Beside the library's endpoints:
//   GET, DELETE        /_control/journal  counts of what happened (journal.mjs)
//   GET, POST, DELETE  /_control/faults   what goes wrong next (faults.mjs)

import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { json } from 'node:stream/consumers';
import { parseArgs } from 'node:util';

import Provider from 'oidc-provider';

import { Faults, play } from './faults.mjs';
import { Journal } from './journal.mjs';
import { configuration } from './settings.mjs';

// The library prints its notices by console.info; stdout belongs to the ready line.
console.info = console.error;

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    // The issuer's host name. The server listens on 127.0.0.1 whatever it is called.
    host: { type: 'string', default: '127.0.0.1' },
    'issuer-path': { type: 'string', default: '' },
    'tls-key': { type: 'string' },
    'tls-cert': { type: 'string' },
    'access-token-ttl': { type: 'string', default: '3600' },
    'dpop-nonce': { type: 'boolean', default: false },
    // Without pushed authorization requests (RFC 9126).
    'no-par': { type: 'boolean', default: false },
    'until-stdin-closes': { type: 'boolean', default: false },
  },
});

const journal = new Journal();
const faults = new Faults();
const server = options['tls-cert']
  ? https.createServer({ key: readFileSync(options['tls-key']), cert: readFileSync(options['tls-cert']) })
  : http.createServer();
// Longer than a test: a kept connection that closes just as the client uses it is a fault that
// nobody asked for.
server.keepAliveTimeout = 600_000;

server.listen(Number(options.port), '127.0.0.1', () => {
  const { port } = server.address();
  const scheme = options['tls-cert'] ? 'https' : 'http';
  const issuer = `${scheme}://${options.host}:${port}${options['issuer-path']}`;
  const serve = authorizationServer(issuer);
  server.on('request', (request, response) => answer(request, response, serve));
  console.log(JSON.stringify({ issuer, port, pid: process.pid }));
});

process.on('SIGTERM', stop);
if (options['until-stdin-closes']) process.stdin.on('end', stop).resume();

function authorizationServer(issuer) {
  const provider = new Provider(
    issuer,
    configuration({
      accessTokenTtl: Number(options['access-token-ttl']),
      dpopNonce: options['dpop-nonce'],
      pushedRequests: !options['no-par'],
    }),
  );
  journal.watch(provider);
  const callback = provider.callback();
  const mount = options['issuer-path'];
  return (request, response) => {
    // The library's router knows nothing of the issuer's path: it reads the full URL from
    // `originalUrl`. What lies outside the issuer is not its business.
    if (mount && !request.url.startsWith(`${mount}/`)) {
      response.writeHead(404).end();
      return;
    }
    request.originalUrl = request.url;
    request.url = request.url.slice(mount.length);
    callback(request, response);
  };
}

async function answer(request, response, serve) {
  const { pathname } = new URL(request.url, 'http://localhost');
  const control = { '/_control/journal': controlJournal, '/_control/faults': controlFaults }[pathname];
  if (control) {
    await control(request, response);
    return;
  }
  const fault = faults.take(pathname);
  if (!fault) {
    serve(request, response);
    return;
  }
  journal.fault(fault.kind);
  await play(fault, request, response, serve);
}

function controlJournal(request, response) {
  if (request.method === 'DELETE') journal.reset();
  sendJson(response, 200, journal);
}

async function controlFaults(request, response) {
  if (request.method === 'DELETE') faults.clear();
  if (request.method === 'POST') {
    try {
      faults.add(await json(request));
    } catch (error) {
      sendJson(response, 400, { error: error.message });
      return;
    }
  }
  sendJson(response, 200, faults);
}

function sendJson(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

function stop() {
  server.close();
  server.closeAllConnections();
  process.exit(0);
}

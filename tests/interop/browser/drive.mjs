// A person with a real browser: headless Chromium, driven through the login and consent pages of
// oidc-provider to the loopback page.
//
//   node drive.mjs [--screenshot FILE] [--user NAME] URL
//
// Prints what the person sees at the end, as JSON on stdout:
//   title, text, url     of the loopback page
//   console_errors       what that page wrote to the console as an error
//   external_requests    URLs that it asked of anyone but its own origin
// TOKENKEEP_TEST_CHROMIUM names the browser (/usr/bin/chromium). NODE_EXTRA_CA_CERTS names the CA
// of a test server with TLS; the server must send that CA in its chain.

import { X509Certificate, createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { chromium } from 'playwright-core';

const PASSWORD = 'correct horse battery staple';
const PATIENCE_MS = 30_000;

const { values: options, positionals } = parseArgs({
  options: {
    screenshot: { type: 'string' },
    user: { type: 'string', default: 'alice' },
  },
  allowPositionals: true,
});
const [start] = positionals;
if (!start) {
  console.error('usage: drive.mjs [--screenshot FILE] [--user NAME] URL');
  process.exit(2);
}

// Everything that the browser keeps, its crash reports in the home directory too, goes at the end.
const home = mkdtempSync(join(tmpdir(), 'tokenkeep-browser-'));
const context = await chromium.launchPersistentContext(join(home, 'profile'), {
  env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
  executablePath: process.env.TOKENKEEP_TEST_CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    // Nothing leaves this machine: oidc-provider's pages ask for a font of the web.
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]',
    ...trustedCertificates(process.env.NODE_EXTRA_CA_CERTS),
  ],
});
try {
  context.setDefaultTimeout(PATIENCE_MS);
  const seen = await logIn(context.pages()[0]);
  console.log(JSON.stringify(seen));
} finally {
  await context.close();
  rmSync(home, { recursive: true });
}

async function logIn(page) {
  const server = new URL(start).origin;
  const consoleErrors = [];
  const externalRequests = [];
  const isLoopbackPage = (url) => url.startsWith('http') && new URL(url).origin !== server;
  page.on('console', (message) => {
    if (message.type() === 'error' && isLoopbackPage(page.url())) consoleErrors.push(message.text());
  });
  page.on('request', (request) => {
    const from = request.frame().url();
    if (request.isNavigationRequest() || !isLoopbackPage(from)) return;
    if (new URL(request.url()).origin !== new URL(from).origin) externalRequests.push(request.url());
  });

  await page.goto(start);
  await page.getByPlaceholder('Enter any login').fill(options.user);
  await page.getByPlaceholder('and password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
  await page.waitForURL((url) => isLoopbackPage(url.href));
  // Whatever the page still wants to load or say is done then.
  await page.waitForLoadState('networkidle');
  if (options.screenshot) await page.screenshot({ path: options.screenshot });
  return {
    title: await page.title(),
    text: await page.innerText('body'),
    url: page.url(),
    console_errors: consoleErrors,
    external_requests: externalRequests,
  };
}

// Chromium reads no CA from a file: it is told the public key that a chain may end in.
function trustedCertificates(file) {
  if (!file) return [];
  const key = new X509Certificate(readFileSync(file)).publicKey.export({ type: 'spki', format: 'der' });
  return [`--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`];
}

// The person in front of the browser, without a browser: follows redirects, keeps cookies and
// fills in the plain HTML forms of oidc-provider and django-oauth-toolkit.
//
//   node human.mjs authorize [--deny] [--user NAME] AUTHORIZATION_URL
//   node human.mjs device    [--deny] [--user NAME] VERIFICATION_URI USER_CODE
//
// `authorize` ends on the first page outside the authorization server, behind the loopback
// redirect, and succeeds if that page's status is 200. `device` ends when no form is left that
// it has not answered, and succeeds if it could give its decision and the last status is 200.
// Either tells on stderr what it did, and the last page's status and title.
// NODE_EXTRA_CA_CERTS names the CA of a test server with TLS.

import { parseArgs } from 'node:util';

import { CookieJar, load } from './page.mjs';

// django-oauth-toolkit's one user; oidc-provider takes anything.
const PASSWORD = 'correct horse battery staple';
// More steps than any login needs: a loop of redirects must end.
const MOST_STEPS = 30;

const DECISION = 'decide about the device';

// What a person does with a form, tried from the top. `fields` is what the form would send by
// itself; an answer replaces some of it, or leaves the form by a link.
const ANSWERS = [
  {
    name: 'sign in (oidc-provider)',
    when: ({ fields }) => 'login' in fields,
    answer: ({ user }) => ({ fields: { login: user, password: PASSWORD } }),
  },
  {
    name: 'sign in (Django)',
    when: ({ fields }) => 'username' in fields,
    answer: ({ user }) => ({ fields: { username: user, password: PASSWORD } }),
  },
  {
    name: 'consent (oidc-provider)',
    when: ({ fields }) => fields.prompt === 'consent',
    answer: ({ deny }, page) => (deny ? { link: page.link('[ Cancel ]') } : {}),
  },
  {
    name: 'consent (django-oauth-toolkit)',
    when: ({ id }) => id === 'authorizationForm',
    answer: ({ deny }) => (deny ? {} : { fields: { allow: 'Authorize' } }),
  },
  {
    name: DECISION,
    when: ({ id }) => id === 'op.deviceConfirmForm',
    answer: ({ deny }) => (deny ? { fields: { abort: 'yes' } } : {}),
  },
  {
    name: DECISION,
    when: ({ buttons }) => buttons.includes('accept'),
    answer: ({ deny }) => ({ fields: { action: deny ? 'deny' : 'accept' } }),
  },
  {
    name: 'enter the user code',
    when: ({ fields }) => 'user_code' in fields,
    answer: ({ userCode }) => ({ fields: { user_code: userCode } }),
  },
  {
    name: 'form_post (OAuth 2.0 Form Post Response Mode)',
    when: ({ page }) => page.title === 'Submitting Callback',
    answer: () => ({}),
  },
];

const { values, positionals } = parseArgs({
  options: {
    deny: { type: 'boolean', default: false },
    user: { type: 'string', default: 'alice' },
  },
  allowPositionals: true,
});
const [task, start, userCode] = positionals;
if (!(task === 'authorize' && start) && !(task === 'device' && userCode)) {
  console.error('usage: human.mjs authorize [--deny] [--user NAME] URL');
  console.error('       human.mjs device [--deny] [--user NAME] VERIFICATION_URI USER_CODE');
  process.exit(2);
}
try {
  process.exitCode = (await walk(task, start, { ...values, userCode })) ? 0 : 1;
} catch (error) {
  // What fetch throws says only that it failed; the reason is behind it.
  console.error(`human.mjs: ${(error.cause ?? error).message}`);
  process.exitCode = 1;
}

/** Goes from page to page until there is nothing left to do; true if the task is done. */
async function walk(task, url, person) {
  const home = new URL(url).origin;
  const cookies = new CookieJar();
  const answered = new Set();
  let request = { url, method: 'GET' };
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const page = await load(request, cookies);
    const next = page.redirect() ?? (page.origin === home && answer(page, person, answered));
    if (!next) {
      console.error(`${page.status} ${page.title}`);
      return page.status === 200 && (task === 'device' ? answered.has(DECISION) : page.origin !== home);
    }
    request = next;
  }
  throw new Error(`no end after ${MOST_STEPS} steps`);
}

/** The request that follows from the first form which a person would answer, once each. */
function answer(page, person, answered) {
  for (const form of page.forms()) {
    const known = ANSWERS.find(({ when }) => when(form));
    // A server that shows a form again did not like the answer.
    if (!known || answered.has(known.name)) continue;
    answered.add(known.name);
    console.error(known.name);
    const { link, fields } = known.answer(person, page);
    if (link) return { url: link, method: 'GET' };
    const body = new URLSearchParams({ ...form.fields, ...fields });
    return { url: form.action, method: 'POST', origin: page.origin, body };
  }
  return undefined;
}

// Words that stand for scopes, and what is odd about a list of scopes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { Stage, fails, person } from './stage.mjs';

const GRAPH = 'https://graph.microsoft.com';
const IMAP = 'https://outlook.office.com/IMAP.AccessAsUser.All';
const ABOUT_THE_PERSON = 'openid profile offline_access';

/** What Microsoft's permissions reference has for each. */
const OF_GRAPH = {
  calendar: ['Calendars.ReadWrite'],
  'calendar-read': ['Calendars.Read'],
  contacts: ['Contacts.ReadWrite'],
  'contacts-read': ['Contacts.Read'],
  files: ['Files.ReadWrite'],
  'files-read': ['Files.Read'],
  'mail-full': ['Mail.ReadWrite', 'Mail.Send', 'MailboxSettings.ReadWrite'],
  'mail-read': ['Mail.Read'],
  'mail-send': ['Mail.Send'],
  notes: ['Notes.ReadWrite'],
  'notes-read': ['Notes.Read'],
  people: ['People.Read'],
  sharepoint: ['Sites.ReadWrite.All'],
  'sharepoint-read': ['Sites.Read.All'],
  tasks: ['Tasks.ReadWrite'],
  'tasks-read': ['Tasks.Read'],
  teams: ['Team.ReadBasic.All', 'Channel.ReadBasic.All', 'ChannelMessage.Send', 'Chat.ReadWrite'],
  'teams-read': ['Team.ReadBasic.All', 'Channel.ReadBasic.All', 'Chat.Read'],
  'user-read': ['User.Read'],
};

/** What its page on IMAP, POP and SMTP has. */
const OF_OUTLOOK = {
  'outlook-imap': ['IMAP.AccessAsUser.All'],
  'outlook-pop': ['POP.AccessAsUser.All'],
  'outlook-smtp': ['SMTP.Send'],
};

const DOCUMENTED = [[GRAPH, OF_GRAPH], ['https://outlook.office.com', OF_OUTLOOK]].flatMap(([resource, presets]) =>
  Object.entries(presets).map(([name, scopes]) => ({ name, scopes: scopes.map((scope) => `${resource}/${scope}`) })),
);

test('presets_are_the_documented_scopes', async (t) => {
  const stage = await Stage.microsoft(t);
  const broker = stage.broker();
  const { presets } = await broker.provider('microsoft');
  assert.deepEqual(presets, DOCUMENTED.toSorted((one, other) => (one.name < other.name ? -1 : 1)));
  assert.ok(presets.every(Object.isFrozen));
  for (const { name, scopes } of DOCUMENTED) {
    const checked = await broker.checkScopes('microsoft', [name, 'offline_access']);
    assert.deepEqual(checked.scopes, [...scopes, 'offline_access']);
  }

  // A login asks for what they stand for, beside scopes by name.
  const login = await stage.beginLogin({ scopes: ['mail-full', 'User.Read'] });
  const mail = DOCUMENTED.find(({ name }) => name === 'mail-full').scopes;
  const asked = `${mail.join(' ')} User.Read ${ABOUT_THE_PERSON}`;
  assert.equal(login.parameter('scope'), asked);
  assert.equal(await person.visit(login.url), 0);
  assert.deepEqual((await login.ended).requestedScopes, asked.split(' '));
  // A scope is no preset, whatever it looks like.
  const { scopes } = await broker.checkScopes('microsoft', 'profile Mail-Read');
  assert.deepEqual(scopes, ['profile', 'Mail-Read']);
  // A token is asked for by the same words; one that was granted is at hand.
  const { secret } = await stage.token({ scopes: 'mail-send' });
  assert.equal(broker.cachedToken('microsoft', { scopes: ['mail-send'] }).secret, secret);
  assert.deepEqual(await stage.refreshes(), []);
});

test('lint_of_a_list_of_scopes', async (t) => {
  const stage = await Stage.microsoft(t);
  const check = (...scopes) => stage.broker().checkScopes('microsoft', scopes);
  const clean = await check('mail-read', 'Files.Read.All,offline_access');
  assert.deepEqual([clean.findings, clean.resources], [[], [GRAPH]]);

  const allFiles = `${GRAPH}/Files.ReadWrite.All`;
  const byGuid = '00000003-0000-0000-c000-000000000000/user.read';
  const cases = [
    ['covered', ['Mail.Read', 'mail.readwrite']],
    ['covered', [allFiles, 'files-read'], [allFiles, `${GRAPH}/Files.Read`]],
    ['covered', ['User.Read', byGuid]],
    ['several_resources', ['Mail.Read', 'outlook-imap'], ['Mail.Read', IMAP]],
    [
      'admin_consent_needed',
      ['User.Read', 'Directory.Read.All', 'channelmessage.read.all'],
      ['Directory.Read.All', 'channelmessage.read.all'],
    ],
    ['default_beside_others', ['Mail.Read', '.default']],
    ['unknown_preset', ['Mail.Send', 'mail-raed'], ['mail-raed']],
  ];
  const without = await check('mail-read');
  const found = [[without, 'offline_access_missing', ['offline_access']]];
  for (const [kind, list, about = list] of cases) found.push([await check(...list, 'offline_access'), kind, about]);
  for (const [{ findings }, kind, scopes] of found) {
    assert.deepEqual(findings.map((finding) => [finding.kind, finding.scopes]), [[kind, scopes]]);
    // What it is, and what to do: for people, who read it in a line.
    for (const text of [findings[0].message, findings[0].help]) assert.match(text, /^\S.+$/, inspect(findings));
  }
  const [{ message }] = (await check('mail-read', 'Mail.ReadWrite', 'offline_access')).findings;
  assert.ok(message.includes(`Mail.ReadWrite includes ${GRAPH}/Mail.Read`), message);
  const [{ help }] = (await check('Directory.Read.All', 'offline_access')).findings;
  assert.ok(help.includes('tokenkeep admin-consent microsoft --scopes "Directory.Read.All"'), help);

  // What looks alike and is not: another resource's permission, two parts of one, a permission of another name.
  for (const fine of [
    'https://outlook.office.com/Mail.Read https://outlook.office.com/Mail.ReadWrite',
    'Mail.Read Mail.Send',
    'https://outlook.office.com/SMTP.Send outlook-imap',
    '00000003-0000-0000-c000-000000000000/Mail.Send Mail.Read',
    'https://vault.azure.net/Directory.Read.All',
    '.default',
  ]) {
    assert.deepEqual((await check(`${fine} offline_access`)).findings, [], fine);
  }
  await fails(stage.broker().checkScopes('nobody', 'read'), 'unknown_provider');

  // What Entra would refuse after the person has been asked is refused before, whatever the others are for.
  for (const scopes of ['User.Read .default', [`${GRAPH}/.default`, 'https://outlook.office.com/SMTP.Send']]) {
    const error = await fails(stage.login({ scopes }), 'config_invalid');
    assert.match(error.message, /\.default stands for all/);
  }
  assert.deepEqual(await stage.entries(), []);

  // A provider whose file says nothing of its scopes has nothing odd about them.
  const acme = await Stage.acme(t);
  const { findings, resources } = await acme.broker().checkScopes('acme', 'read write https://a.example/.default');
  assert.deepEqual([findings.map(({ kind }) => kind), resources], [['offline_access_missing'], []]);
});

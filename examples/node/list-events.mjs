// Lists the calendar events of the next week of whoever logs in, with Microsoft's own client of Graph.
//
//   npm install
//   export MICROSOFT_OAUTH_CLIENT_ID=...   # an app registration of your own: docs/providers/microsoft.md
//   node list-events.mjs
//
// The first run opens the browser. All later ones, for weeks, and every other program on the machine, have the token.

import { Client } from '@microsoft/microsoft-graph-client';
import { Broker, TokenkeepError } from 'tokenkeep';
import { TokenkeepAuthenticationProvider } from 'tokenkeep/graph';

// Those of all examples: one login is enough for them.
const SCOPES = ['User.Read', 'Mail.Read', 'Calendars.Read'];
/** The errors that a login ends. */
const LOG_IN = [
  'not_connected', 'login_required', 'scope_not_granted', 'consent_required', 'interaction_required',
];
const WEEK = 7 * 24 * 60 * 60 * 1000;

const broker = new Broker();
await logInOnce();
const authProvider = new TokenkeepAuthenticationProvider(broker, 'microsoft');
const graph = Client.initWithMiddleware({ authProvider });
const now = new Date();
/** @type {{ value: { start: { dateTime: string, timeZone: string }, subject: string }[] }} */
const page = await graph
  .api('/me/calendarView')
  .query({ startDateTime: now.toISOString(), endDateTime: new Date(now.getTime() + WEEK).toISOString() })
  .select(['start', 'subject'])
  .orderby('start/dateTime')
  .top(10)
  .get();
for (const { start, subject } of page.value) console.log(start.dateTime, start.timeZone, subject);

async function logInOnce() {
  try {
    await broker.token('microsoft', { scopes: SCOPES });
  } catch (error) {
    if (!(error instanceof TokenkeepError && LOG_IN.includes(error.code))) throw error;
    console.log(error.message);
    console.log(error.help);
    await broker.login('microsoft', { scopes: SCOPES });
  }
}

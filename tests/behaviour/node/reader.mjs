// For `node --import`: the names that a document's reader brings.
//
// `show` shows a text to the person, who opens the address in it. `visit` opens an authorization URL, says yes, and
// gives the address that the person is sent back to.

import { spawn } from 'node:child_process';

import './proxied_fetch.mjs';

globalThis.show = (text) => {
  spawn(process.env.BROWSER, [text.split(' ').at(-1)], { stdio: 'ignore' });
};

globalThis.visit = async (url) => {
  const answer = await fetch(url, { redirect: 'manual' });
  return answer.headers.get('location');
};

// A program that asks for a token each time that it is told to, of the store that its environment names.

import { Broker } from 'tokenkeep';

async function ask({ provider, options }) {
  try {
    const { secret } = await new Broker().token(provider, options);
    return { secret };
  } catch ({ code, message }) {
    return { failure: { code, message } };
  }
}

process.on('message', async (asked) => process.send(await ask(asked)));
process.send('ready');

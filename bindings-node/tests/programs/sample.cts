// The same package for a CommonJS program. It is compiled, and not run.

import tokenkeep = require('tokenkeep');

const broker: tokenkeep.Broker = new tokenkeep.Broker();
broker.token('microsoft').then((token: tokenkeep.AccessToken) => console.log(token.expiresAt?.getTime()));

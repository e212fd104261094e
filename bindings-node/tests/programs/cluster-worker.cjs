// One process of a cluster: asks for a token and tells it to the primary.
'use strict';

const { Broker } = require('tokenkeep');

new Broker().token('acme').then((token) => process.send(token.secret));

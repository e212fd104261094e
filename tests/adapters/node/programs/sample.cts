// The same adapters for a CommonJS program. It is compiled, and not run.

import tokenkeep = require('tokenkeep');
import azure = require('tokenkeep/azure');
import tokenkeepFetch = require('tokenkeep/fetch');
import graph = require('tokenkeep/graph');

const broker = new tokenkeep.Broker();
const credential: azure.TokenkeepCredential = new azure.TokenkeepCredential(broker, 'microsoft');
const provider = new graph.TokenkeepAuthenticationProvider(broker, 'microsoft');
const authorized: typeof fetch = tokenkeepFetch.authorizedFetch(broker, 'microsoft', { allowedHosts: 'graph.microsoft.com' });
console.log(credential, provider, authorized);

// For `node --import`: Node 20's own fetch knows no HTTPS_PROXY, and this makes it. Tokenkeep needs no such help.

import { EnvHttpProxyAgent, setGlobalDispatcher } from 'undici';

// What is on this machine no proxy is asked for.
setGlobalDispatcher(new EnvHttpProxyAgent({ httpsProxy: process.env.HTTPS_PROXY, noProxy: '127.0.0.1' }));

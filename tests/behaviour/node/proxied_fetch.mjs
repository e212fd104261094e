// For `node --import`: Node 20's own fetch knows no HTTPS_PROXY, and this makes it. Tokenkeep needs no such help.

import { ProxyAgent, setGlobalDispatcher } from 'undici';

setGlobalDispatcher(new ProxyAgent(process.env.HTTPS_PROXY));

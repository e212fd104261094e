// Serves the files of one folder over TLS on a loopback port, as JSON: the client id metadata documents of the tests.
//
//   node documents.mjs --tls-key FILE --tls-cert FILE --until-stdin-closes FOLDER
//
// Prints one line of JSON when it is ready: {"origin", "port"}. A file that is not there yet may come later.

import { readFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: {
    'tls-key': { type: 'string' },
    'tls-cert': { type: 'string' },
    'until-stdin-closes': { type: 'boolean' },
  },
  allowPositionals: true,
});
const [folder] = positionals;
const server = https.createServer({
  key: readFileSync(values['tls-key']),
  cert: readFileSync(values['tls-cert']),
});
server.on('request', async ({ url }, response) => {
  try {
    const document = await readFile(join(folder, basename(url)));
    response.writeHead(200, { 'content-type': 'application/json' }).end(document);
  } catch {
    response.writeHead(404).end();
  }
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  console.log(JSON.stringify({ origin: `https://127.0.0.1:${port}`, port }));
});
process.stdin.on('end', () => process.exit(0)).resume();

#!/usr/bin/env node
// The command line: `npx tokenkeep`.
'use strict';

const { native } = require('../dist/loader.js');

// Node ends a program at a signal before the command line has seen it. A listener that comes and goes leaves the
// system's own handling, on which the command line puts its own while it waits.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => {}).removeAllListeners(signal);

process.exit(native.main(['tokenkeep', ...process.argv.slice(2)]));

// What the tests in JavaScript share: the scripted server, a home of its own for each test, and the two put together.
//
//   | file          | holds                                                          |
//   |---------------|----------------------------------------------------------------|
//   | `process.mjs` | the workspace's programs, and a process that is run to its end |
//   | `server.mjs`  | `Server`: the scripted authorization server                    |
//   | `home.mjs`    | `Home`: a store in a temporary folder                          |
//   | `stage.mjs`   | `Stage`: a server, a home, and a provider between them         |
//
// May not enter: the package under test. A test opens its own `Broker`, with `stage.options`.

export { Home } from './home.mjs';
export { program, root, run, until } from './process.mjs';
export { Server } from './server.mjs';
export { Stage } from './stage.mjs';

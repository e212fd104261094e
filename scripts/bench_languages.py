"""The figures of the packages for Python, Node and Swift, beside those of MSAL in the same language. Of MSAL for Swift,
which wants a Mac, MSAL Python takes the place.

Part of bench.py. The packages are those that scripts/install-packages.sh has built and installed; MSAL reads the
cache of a login of its own. What runs in a process is timed there, in batches, so that the clock costs nothing.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from race import CLIENT_ID, ROOT, Msal, Server, Tokenkeep

ENVIRONMENT = ROOT / "target/test-env"
PYTHON = ENVIRONMENT / "python/bin/python"
NODE_FOLDER = ENVIRONMENT / "node"
SWIFT_HOT = [ROOT / "scripts/swift.sh", ROOT / "target/swift/workers/release/hot-token"]
CONNECTION = "account-00000@contoso.example"
ROUNDS = 40
# What was promised.
MAX_PYTHON_US, MIN_PYTHON_RATIO = 1.0, 15.0
MAX_NODE_US, MIN_NODE_RATIO = 2.0, 100.0
MAX_SWIFT_SYNC_US, MAX_SWIFT_AWAITED_US = 3.0, 5.0
MAX_IMPORT_MS = 15.0
MAX_COLD_PYTHON_MS, MAX_COLD_NODE_MS = 40.0, 100.0
MAX_INSTALLED = 6 * 1000 * 1000

# Medians in microseconds: synchronous, and awaited.
PYTHON_HOT = """
import asyncio, json, statistics, sys, time
from tokenkeep import AsyncBroker, Broker
home, connection = sys.argv[1:3]
broker, asynchronous, taken = Broker(home=home), AsyncBroker(home=home), {"sync": [], "awaited": []}
def batch(count=1000):
    started = time.perf_counter()
    for _ in range(count):
        broker.token("microsoft", connection=connection, scopes=["User.Read"])
    taken["sync"].append((time.perf_counter() - started) / count * 1e6)
async def awaited(count=1000):
    started = time.perf_counter()
    for _ in range(count):
        await asynchronous.token("microsoft", connection=connection, scopes=["User.Read"])
    taken["awaited"].append((time.perf_counter() - started) / count * 1e6)
async def main():
    for _ in range(100):
        batch()
        await awaited()
asyncio.run(main())
print(json.dumps({name: statistics.median(times) for name, times in taken.items()}))
"""
NODE_HOT = """
import { Broker } from 'tokenkeep';
const [home, connection] = process.argv.slice(1);
const broker = new Broker({ home });
const scopes = ['User.Read'];
const median = (taken) => taken.sort((a, b) => a - b)[taken.length >> 1];
const taken = { sync: [], awaited: [] };
for (let batch = 0; batch < 100; batch++) {
  let started = performance.now();
  for (let call = 0; call < 1000; call++) broker.cachedToken('microsoft', { connection, scopes });
  taken.sync.push(performance.now() - started);
  started = performance.now();
  for (let call = 0; call < 1000; call++) await broker.token('microsoft', { connection, scopes });
  taken.awaited.push(performance.now() - started);
}
// Milliseconds for a thousand calls are microseconds for one.
console.log(JSON.stringify({ sync: median(taken.sync), awaited: median(taken.awaited) }));
"""
# The same call of MSAL Python, over and over in one process.
MSAL_PYTHON_HOT = Msal.APP + """
import statistics, time
account, taken = app.get_accounts()[0], []
for _ in range(2000):
    started = time.perf_counter()
    app.acquire_token_silent(["User.Read"], account)["access_token"]
    taken.append(time.perf_counter() - started)
print(statistics.median(taken) * 1e6)
"""
# Reads its cache and prints the token, as a script with MSAL does. It asks the network for metadata even then.
MSAL_PYTHON_COLD = Msal.APP + """
print(app.acquire_token_silent(["User.Read"], app.get_accounts()[0])["access_token"])
"""
MSAL_NODE_APP = """
import { PublicClientApplication } from '@azure/msal-node';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
const [origin, file, clientId] = process.argv.slice(1);
const cachePlugin = {
  beforeCacheAccess: async (cache) => { if (existsSync(file)) cache.tokenCache.deserialize(readFileSync(file, 'utf8')); },
  afterCacheAccess: async (cache) => { if (cache.cacheHasChanged) writeFileSync(file, cache.tokenCache.serialize()); },
};
const auth = { clientId, authority: `${origin}/common`, knownAuthorities: [new URL(origin).host] };
const scopes = ['User.Read'];
"""
MSAL_NODE_LOGIN = MSAL_NODE_APP + """
const app = new PublicClientApplication({ auth, cache: { cachePlugin } });
const redirectUri = 'http://localhost:1/', codeVerifier = 'v'.repeat(64);
const codeChallenge = createHash('sha256').update(codeVerifier).digest('base64url');
const url = await app.getAuthCodeUrl({ scopes, redirectUri, responseMode: 'query', codeChallenge, codeChallengeMethod: 'S256' });
const answer = await fetch(url, { redirect: 'manual' });
const code = new URL(answer.headers.get('location')).searchParams.get('code');
await app.acquireTokenByCode({ code, scopes, redirectUri, codeVerifier });
"""
# In memory, which is what costs MSAL least.
MSAL_NODE_HOT = MSAL_NODE_APP + """
const app = new PublicClientApplication({ auth });
app.getTokenCache().deserialize(readFileSync(file, 'utf8'));
const [account] = await app.getTokenCache().getAllAccounts();
const taken = [];
for (let call = 0; call < 1000; call++) {
  const started = performance.now();
  await app.acquireTokenSilent({ scopes, account });
  taken.push((performance.now() - started) * 1000);
}
console.log(taken.sort((a, b) => a - b)[taken.length >> 1]);
"""
MSAL_NODE_COLD = MSAL_NODE_APP + """
const app = new PublicClientApplication({ auth, cache: { cachePlugin } });
const [account] = await app.getTokenCache().getAllAccounts();
console.log((await app.acquireTokenSilent({ scopes, account })).accessToken);
"""


def languages(python_with_msal, stores, promises):
    """Everything here; `stores` are folders of stores by the number of their connections."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        with Server(folder) as server:
            ours = Tokenkeep(ROOT / "target/release", folder, server)
            ours.login()
            msal, msal_node = Msal(python_with_msal, folder, server), MsalNode(folder, server)
            msal.login()
            msal_node.run(MSAL_NODE_LOGIN)
            hot(msal, msal_node, stores, promises)
            whole_processes(ours, msal, msal_node, promises)
    installed(promises)


class MsalNode:
    """msal-node over a file of its own in `folder`."""

    def __init__(self, folder, server):
        self.folder = folder
        self.given = [server.origin, folder / "msal-node.json", CLIENT_ID]
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "NODE_EXTRA_CA_CERTS": str(folder / "ca.pem")}

    def command(self, script):
        """The command that runs `script`."""
        return [*node(script), *self.given]

    def run(self, script):
        """What `script` says."""
        return said(self.command(script), self.environment)


def node(script):
    """The command of a module; it finds the packages that are installed in the folder that it runs in."""
    return ["node", "--input-type=module", "-e", script]


def said(command, environment):
    run = subprocess.run(command, env=environment, cwd=NODE_FOLDER, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def hot(msal, msal_node, stores, promises):
    python = float(said(msal.command(MSAL_PYTHON_HOT), msal.environment))
    node_peer = float(msal_node.run(MSAL_NODE_HOT))
    # The program, MSAL's figure, and what was promised of each call: at most so long, at least so many times faster.
    languages = {
        "Python": ([PYTHON, "-c", PYTHON_HOT], python, {"sync": (MAX_PYTHON_US, MIN_PYTHON_RATIO)}),
        "Node": (node(NODE_HOT), node_peer, {"awaited": (MAX_NODE_US, MIN_NODE_RATIO)}),
        "Swift": (SWIFT_HOT, python, {"sync": (MAX_SWIFT_SYNC_US, 1.0), "awaited": (MAX_SWIFT_AWAITED_US, 1.0)}),
    }
    print(f"{'a fresh token, in process, with scopes':<56}{'median us':>10}{'msal':>10}")
    for language, (command, peer, promised) in languages.items():
        for count, store in stores.items():
            medians = json.loads(said([*command, store, CONNECTION], os.environ))
            for call, median in medians.items():
                ratio = peer / median
                print(f"{f'{language} {call}, connections: {count:,}':<56}{median:>10.2f}{ratio:>9.0f}x")
                if call in promised:
                    most, least = promised[call]
                    promises.at_most(f"{language} {call} among {count:,}, us", median, most)
                    promises.at_least(f"{language} {call} among {count:,}, times faster than msal", ratio, least)
    for language, peer in {"Python": python, "Node": node_peer}.items():
        print(f"{f'msal in {language}, acquire_token_silent, 1 account':<56}{peer:>10.2f}")
    print()


def whole_processes(ours, msal, msal_node, promises):
    token_python = "import tokenkeep; print(tokenkeep.Broker().token('microsoft').secret)"
    token_node = "const { Broker } = require('tokenkeep'); new Broker().token('microsoft').then((token) => console.log(token.secret));"
    contenders = {
        "python": ([PYTHON, "-c", "pass"], ours),
        "python, import tokenkeep": ([PYTHON, "-c", "import tokenkeep"], ours),
        "python, a printed token": ([PYTHON, "-c", token_python], ours),
        "python -m tokenkeep token": ([PYTHON, "-m", "tokenkeep", "token", "microsoft"], ours),
        "msal Python, a printed token": (msal.command(MSAL_PYTHON_COLD), msal),
        "node": (["node", "-e", ""], ours),
        "node, require('tokenkeep')": (["node", "-e", "require('tokenkeep')"], ours),
        "node, a printed token": (["node", "-e", token_node], ours),
        "msal-node, a printed token": (msal_node.command(MSAL_NODE_COLD), msal_node),
    }
    times = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, (command, side) in contenders.items():
            started = time.perf_counter()
            subprocess.run(command, env=side.environment, cwd=NODE_FOLDER, check=True, stdout=subprocess.DEVNULL)
            times[name].append((time.perf_counter() - started) * 1000)
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    print(f"{'whole process':<32}{'median ms':>10}")
    for name, median in medians.items():
        print(f"{name:<32}{median:>10.1f}")
    print()
    import_ms = medians["python, import tokenkeep"] - medians["python"]
    promises.at_most("import over bare Python, ms", import_ms, MAX_IMPORT_MS)
    require_ms = medians["node, require('tokenkeep')"] - medians["node"]
    promises.at_most("require over bare Node, ms", require_ms, MAX_IMPORT_MS)
    promises.at_most("a printed token in Python, ms", medians["python, a printed token"], MAX_COLD_PYTHON_MS)
    promises.at_most("a printed token in Node, ms", medians["node, a printed token"], MAX_COLD_NODE_MS)


def installed(promises):
    """What a user's disk holds more for one package of each language."""
    site = Path(said([PYTHON, "-c", "import tokenkeep; print(tokenkeep.__path__[0])"], os.environ).strip())
    modules = ENVIRONMENT / "node-fresh/node_modules"
    folders = {"pip install tokenkeep": [site], "npm install tokenkeep": [modules / "tokenkeep", modules / "@tokenkeep"]}
    for name, parts in folders.items():
        files = [file for part in parts for file in part.rglob("*") if file.is_file() and file.suffix != ".pyc"]
        size = sum(file.stat().st_size for file in files)
        print(f"{name}: {size / 1e6:.1f} MB")
        promises.at_most(f"{name}, bytes", size, MAX_INSTALLED)
    print()

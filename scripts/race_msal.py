"""What becomes of one login when several processes that share MSAL's cache file refresh it at once.

usage: race_msal.py PYTHON_WITH_MSAL

Each round logs in, lets the access token in the cache expire, and starts processes that have MSAL Extensions' cache
open, as its README shows. At one signal each asks for a token, as any script does. The scripted server answers a
refresh after 150 ms and takes a refresh token that comes twice for a stolen one (RFC 9700 4.14.2). Prints JSON.

MSAL Extensions lock the file while it is read or written, and not for the time of a refresh: that is what is measured.
"""

import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "target/debug"
PROCESSES = 8
ROUNDS = 5
LATENCY_MS = 150

# All of MSAL that the race wants: an app over the cache that is shared, and what follows.
APP = """
import json, sys, msal, webbrowser
from msal_extensions import FilePersistence, PersistedTokenCache
origin, ca, cache = sys.argv[1:4]
app = msal.PublicClientApplication("04b07795-8ddb-461a-bbee-02f9e1bf7b46", authority=origin + "/common",
    instance_discovery=False, verify=ca, token_cache=PersistedTokenCache(FilePersistence(cache)))
"""
LOGIN = APP + """
webbrowser.register("person", None, webbrowser.BackgroundBrowser(sys.argv[4]), preferred=True)
assert "access_token" in app.acquire_token_interactive(["User.Read"], timeout=20)
"""
# Says when it is ready and waits for the signal, so that no start-up is measured.
WORKER = APP + """
account, = app.get_accounts()
print("ready", flush=True)
sys.stdin.readline()
result = app.acquire_token_silent_with_error(["User.Read"], account)
print(json.dumps({"error": None if result and "access_token" in result else (result or {}).get("error", "none")}))
"""
# A refresh token that still works gives a new access token, whatever the cache holds.
PROBE = APP + """
accounts = app.get_accounts()
result = app.acquire_token_silent(["User.Read"], accounts[0], force_refresh=True) if accounts else None
sys.exit(0 if result and "access_token" in result else 1)
"""


class Server:
    """The scripted server in its Entra dialect, and its control. Ends with the `with` block, or with this process."""

    def __init__(self, folder):
        self.ca = folder / "ca.pem"
        command = [TOOLS / "authorization-server", "--dialect", "entra", "--rotation", "reuse-detection"]
        self.process = subprocess.Popen(
            [*command, "--tls-directory", folder, "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.origin = json.loads(self.process.stdout.readline())["origin"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def control(self, method, verb, body=None):
        """One request to /_control/; what it answered."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{self.origin}/_control/{verb}", data, headers, method=method)
        context = ssl.create_default_context(cafile=self.ca)
        with urllib.request.urlopen(request, context=context) as response:
            text = response.read()
        return json.loads(text) if text else None

    def refreshes(self):
        """How many refresh requests have arrived so far."""
        entries = self.control("GET", "journal")["entries"]
        return sum(entry["grant_type"] == "refresh_token" for entry in entries)


def expire(cache):
    """Lets the access tokens in the file have expired an hour ago."""
    content = json.loads(cache.read_text())
    for token in content["AccessToken"].values():
        token["expires_on"] = token["extended_expires_on"] = str(int(time.time()) - 3600)
    cache.write_text(json.dumps(content))


def race_once(server, python, cache, environment, processes):
    """One round: the refreshes that were sent, the errors, whether the login is dead, and the slowest in ms."""
    given = [server.origin, server.ca, cache]
    login = [python, "-c", LOGIN, *given, TOOLS / "stand-in-person"]
    done = subprocess.run(login, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    expire(cache)
    before = server.refreshes()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen([python, "-c", WORKER, *given], env=environment, **pipes) for _ in range(processes)]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n", "a worker did not start"
    started = time.perf_counter()
    for worker in workers:
        worker.stdin.write("\n")
        worker.stdin.flush()
    # They answer in any order: the last one is read when the slowest has answered.
    errors = [json.loads(worker.stdout.readline())["error"] for worker in workers]
    slowest = (time.perf_counter() - started) * 1000
    for worker in workers:
        worker.stdin.close()
        worker.wait()
    sent = server.refreshes() - before
    dead = subprocess.run([python, "-c", PROBE, *given], env=environment).returncode != 0
    return {"refreshes": sent, "errors": [error for error in errors if error], "dead": dead, "slowest_ms": slowest}


def race(python, processes=PROCESSES, rounds=ROUNDS, latency_ms=LATENCY_MS):
    """All rounds, each with a login of its own."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "SSL_CERT_FILE": str(folder / "ca.pem")}
        with Server(folder) as server:
            delay = {"type": "delay", "milliseconds": latency_ms}
            fault = {"endpoint": "token", "grant_type": "refresh_token", "times": 100_000, "action": delay}
            server.control("POST", "faults", fault)
            seen = [
                race_once(server, python, folder / f"cache-{number}.json", environment, processes)
                for number in range(rounds)
            ]
    return {
        "processes": processes,
        "rounds": rounds,
        "latency_ms": latency_ms,
        "refreshes_sent": [one["refreshes"] for one in seen],
        "calls": processes * rounds,
        "calls_failed": sum(len(one["errors"]) for one in seen),
        "errors": sorted({error for one in seen for error in one["errors"]}),
        "logins_dead": sum(one["dead"] for one in seen),
        "slowest_ms": round(max(one["slowest_ms"] for one in seen)),
    }


if __name__ == "__main__":
    print(json.dumps(race(sys.argv[1])))

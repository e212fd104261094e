"""What becomes of one login when several processes refresh it at once: Tokenkeep's, and MSAL's.

usage: race.py PYTHON_WITH_MSAL [FOLDER_OF_PROGRAMS]

Each round logs in, lets the access token expire, and starts processes that have the store open: a broker of the
library, or MSAL with the cache of MSAL Extensions, as its README shows. At one signal each asks for a token, as any
script does. The scripted server answers a refresh after 150 ms and takes a refresh token that comes twice for a
stolen one (RFC 9700 4.14.2). Prints a line of JSON for each contender.
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
CLIENT_ID = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
PROCESSES = 8
ROUNDS = 5
LATENCY_MS = 150


class Server:
    """The scripted server in its Entra dialect, and its control. Ends with the `with` block, or with this process."""

    def __init__(self, folder, *options):
        self.ca = folder / "ca.pem"
        command = [TOOLS / "authorization-server", "--dialect", "entra", *options]
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


class Tokenkeep:
    """The library and the command line over one store in `folder`, with the scripted server as Microsoft."""

    def __init__(self, programs, folder, server):
        self.programs, self.server = programs, server
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TOKENKEEP_HOME": str(folder / "store"),
            "TOKENKEEP_KEY": "file",
            "TOKENKEEP_MICROSOFT_CLIENT_ID": CLIENT_ID,
            "SSL_CERT_FILE": str(folder / "ca.pem"),
        }
        definition = (ROOT / "core/providers/microsoft.toml").read_text()
        provider = folder / "microsoft.toml"
        provider.write_text(definition.replace("https://login.microsoftonline.com", server.origin))
        self.run("providers", "add", provider)

    def run(self, *arguments):
        """One command of the command line, to its end."""
        command = [self.programs / "tokenkeep", *arguments]
        return subprocess.run(command, env=self.environment, check=True, capture_output=True, text=True)

    def login(self):
        """A login, whose token is good for an hour."""
        self.run("login", "microsoft", "--browser", TOOLS / "stand-in-person")

    def login_expired(self):
        """A login whose access token is of no use any more."""
        self.server.control("POST", "options", {"access_token_lifetime": 0})
        self.login()
        self.server.control("POST", "options", {"access_token_lifetime": 3600})

    def worker(self):
        """The command of a process that says when it is ready and waits for a line."""
        return [self.programs / "token-worker", "microsoft", "1"]

    @staticmethod
    def error(answer):
        """What a worker's answer says went wrong."""
        return answer[0].get("error")

    def is_alive(self):
        """Whether the login still gives tokens."""
        command = [self.programs / "tokenkeep", "token", "microsoft", "--force-refresh"]
        return subprocess.run(command, env=self.environment, capture_output=True).returncode == 0


class Msal:
    """MSAL Python over one cache of MSAL Extensions in `folder`. Its lock is held while the file is read or written,
    and not for the time of a refresh: that is what is measured."""

    APP = """
import json, sys, msal, webbrowser
from msal_extensions import FilePersistence, PersistedTokenCache
origin, ca, cache, client_id = sys.argv[1:5]
app = msal.PublicClientApplication(client_id, authority=origin + "/common",
    instance_discovery=False, verify=ca, token_cache=PersistedTokenCache(FilePersistence(cache)))
"""
    LOGIN = APP + """
webbrowser.register("person", None, webbrowser.BackgroundBrowser(sys.argv[5]), preferred=True)
assert "access_token" in app.acquire_token_interactive(["User.Read"], timeout=20)
"""
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

    def __init__(self, python, folder, server):
        self.python, self.cache = python, folder / "msal.json"
        self.given = [server.origin, server.ca, self.cache, CLIENT_ID]
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "SSL_CERT_FILE": str(folder / "ca.pem")}

    def command(self, script):
        """The command that runs `script`."""
        return [self.python, "-c", script, *self.given]

    def login(self):
        """A login, whose token is good for an hour."""
        self.cache.unlink(missing_ok=True)
        command = [*self.command(self.LOGIN), TOOLS / "stand-in-person"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def login_expired(self):
        """A login whose access token is of no use any more."""
        self.login()
        content = json.loads(self.cache.read_text())
        for token in content["AccessToken"].values():
            token["expires_on"] = token["extended_expires_on"] = str(int(time.time()) - 3600)
        self.cache.write_text(json.dumps(content))

    def worker(self):
        """The command of a process that says when it is ready and waits for a line."""
        return self.command(self.WORKER)

    @staticmethod
    def error(answer):
        """What a worker's answer says went wrong."""
        return answer["error"]

    def is_alive(self):
        """Whether the login still gives tokens."""
        return subprocess.run(self.command(self.PROBE), env=self.environment).returncode == 0


def race_once(server, contender, processes):
    """One round: the refreshes that were sent, the errors, whether the login is dead, and the slowest in ms."""
    contender.login_expired()
    before = server.refreshes()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    start = contender.worker()
    workers = [subprocess.Popen(start, env=contender.environment, **pipes) for _ in range(processes)]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n", "a worker did not start"
    started = time.perf_counter()
    for worker in workers:
        worker.stdin.write("token\n")
        worker.stdin.flush()
    # They answer in any order: the last one is read when the slowest has answered.
    errors = [contender.error(json.loads(worker.stdout.readline())) for worker in workers]
    slowest = (time.perf_counter() - started) * 1000
    for worker in workers:
        worker.stdin.close()
        worker.wait()
    sent = server.refreshes() - before
    errors = [error for error in errors if error]
    return {"refreshes": sent, "errors": errors, "dead": not contender.is_alive(), "slowest_ms": slowest}


def race(contender, processes=PROCESSES, rounds=ROUNDS, latency_ms=LATENCY_MS):
    """All rounds, each with a login of its own. `contender` makes one for a folder and a server."""
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        with Server(folder, "--rotation", "reuse-detection") as server:
            contender = contender(folder, server)
            delay = {"type": "delay", "milliseconds": latency_ms}
            fault = {"endpoint": "token", "grant_type": "refresh_token", "times": 100_000, "action": delay}
            server.control("POST", "faults", fault)
            seen = [race_once(server, contender, processes) for _ in range(rounds)]
    return {
        "processes": processes,
        "rounds": rounds,
        "latency_ms": latency_ms,
        "refreshes_sent": sum(one["refreshes"] for one in seen),
        "calls": processes * rounds,
        "calls_failed": sum(len(one["errors"]) for one in seen),
        "errors": sorted({error for one in seen for error in one["errors"]}),
        "logins_dead": sum(one["dead"] for one in seen),
        "slowest_ms": round(max(one["slowest_ms"] for one in seen)),
    }


def main():
    python, programs = sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else TOOLS).resolve()
    print(json.dumps({"tokenkeep": race(lambda folder, server: Tokenkeep(programs, folder, server))}))
    print(json.dumps({"msal": race(lambda folder, server: Msal(python, folder, server))}))


if __name__ == "__main__":
    main()

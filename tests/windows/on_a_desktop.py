"""What only a desktop has, with tokenkeep.exe under Wine: the opener of web addresses, and a terminal with Ctrl-C.

    on_a_desktop.py FOLDER    with the programs in it

The key is where it is by default: in the Credential Manager. `scripts/test-windows.sh` runs it, in a prefix of its own.
"""

import json
import os
import pty
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PATIENCE = 60


def environment(home: Path) -> dict[str, str]:
    return os.environ | {"TOKENKEEP_HOME": f"Z:{home}", "TOKENKEEP_INSECURE_LOOPBACK": "1"}


def wine(program: Path, *arguments: str, home: Path) -> str:
    command = ["wine", str(program), *arguments]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, (command, done)
    return done.stdout


def the_systems_own_opener_takes_the_url(folder: Path, home: Path) -> None:
    """The stand-in for a person is the desktop's browser: `rundll32` must hand it the whole URL, `&` and all."""
    opened_by = f'"Z:{folder}/stand-in-person.exe" "%1"'
    subprocess.run(["wine", "reg", "add", r"HKCR\http\shell\open\command", "/ve", "/f", "/d", opened_by], check=True, stdout=subprocess.DEVNULL)
    command = ["wine", str(folder / "authorization-server.exe"), "--until-stdin-closes"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        issuer = json.loads(server.stdout.readline())["issuer"]
        tokenkeep = folder / "tokenkeep.exe"
        wine(tokenkeep, "login", "oidc", "--issuer", issuer, "--client-id", "public", home=home)
        first = wine(tokenkeep, "token", "oidc", home=home)
        assert first.startswith("access-") and wine(tokenkeep, "token", "oidc", home=home) == first
        doctor = json.loads(wine(tokenkeep, "doctor", "--json", home=home))
        assert (doctor["key"], doctor["key_source"]) == ("found", "keychain"), doctor
        wine(tokenkeep, "logout", "oidc", home=home)
        server.stdin.close()


def ctrl_c_on_a_terminal_cancels_a_login(folder: Path, home: Path) -> None:
    arguments = ["login", "microsoft", "--client-id", "5f1ad2a6-3c44-4d6c-9d0b-7f6f2a1e9c55", "--no-browser"]
    process, terminal = pty.fork()
    if process == 0:
        os.execvpe("wine", ["wine", str(folder / "tokenkeep.exe"), *arguments], environment(home) | {"TERM": "xterm"})
    screen = read_until(terminal, b"Waiting for the browser")
    os.write(terminal, b"\x03")
    pressed = time.monotonic()
    screen += read_until(terminal, b"the login was cancelled")
    took = time.monotonic() - pressed
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code == 15 and took < 10, (code, took, screen)


def read_until(terminal: int, wanted: bytes) -> bytes:
    seen = b""
    end = time.monotonic() + PATIENCE
    while wanted not in seen:
        assert time.monotonic() < end, seen
        # A console shows something all the time: a read does not wait for long.
        seen += os.read(terminal, 4096)
    return seen


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    for case in (the_systems_own_opener_takes_the_url, ctrl_c_on_a_terminal_cancels_a_login):
        with tempfile.TemporaryDirectory() as home:
            case(folder, Path(home) / "store")
        print(f"{case.__name__}: ok")


main()

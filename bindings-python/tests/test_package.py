"""The package itself: a lean import, types that are true, and the command line."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tokenkeep
from tokenkeep_testing import Home, Server, program

HERE = Path(__file__).parent
# Each costs more than the whole package may.
HEAVY = ["asyncio", "typing", "dataclasses", "inspect", "datetime", "pathlib", "re", "socket", "logging"]


def test_an_import_is_lean():
    script = f"import tokenkeep, sys; print([name for name in {HEAVY!r} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-S", "-c", script], env=with_path(), capture_output=True, text=True)
    assert run.stdout == "[]\n", run.stderr


def test_an_import_takes_no_time():
    bare, ours = [], []
    for _ in range(15):
        bare.append(seconds("pass"))
        ours.append(seconds("import tokenkeep"))
    # 15 ms are promised for a release build; this one may be another. The best of each, on a machine that may be busy.
    assert min(ours) - min(bare) < 0.04


def seconds(script):
    began = time.perf_counter()
    subprocess.run([sys.executable, "-S", "-c", script], env=with_path(), check=True)
    return time.perf_counter() - began


def with_path():
    """`-S` leaves out what an environment's own start-up imports, and with it the way to the package."""
    return {**os.environ, "PYTHONPATH": str(Path(tokenkeep.__file__).parent.parent)}


def test_everything_public_is_exported():
    for name in tokenkeep.__all__:
        assert getattr(tokenkeep, name) is not None
    own = {name for name, value in vars(tokenkeep).items() if getattr(value, "__module__", "").startswith("tokenkeep")}
    assert {name for name in own if not name.startswith("_")} <= set(tokenkeep.__all__)


def test_the_stubs_say_what_is_there():
    run = subprocess.run([sys.executable, "-m", "mypy.stubtest", "tokenkeep"], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("checker", [["mypy", "--strict"], ["pyright", "--pythonpath", sys.executable]])
def test_a_typed_program_is_understood(checker):
    command = [sys.executable, "-m", *checker, str(HERE / "typed_program.py")]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def command_line(home: Home, *arguments: str, **options) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tokenkeep", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=home.environment, stdout=pipe, stderr=pipe, text=True, **options)


def test_the_module_is_the_command_line(home: Home):
    def run(*arguments):
        process = command_line(home, *arguments)
        return (*process.communicate(timeout=30), process.returncode)

    def run_program(*arguments):
        command = [program("tokenkeep"), *arguments]
        process = subprocess.run(command, env=home.environment, capture_output=True, text=True)
        return process.stdout, process.stderr, process.returncode

    for arguments in [["--version"], ["--help"], ["token", "acme"], ["token"], ["providers", "--json"]]:
        assert run(*arguments) == run_program(*arguments)
    assert run("login", "acme")[2] == 0
    assert run("token", "acme") == run_program("token", "acme")


def test_the_script_is_the_command_line():
    script = Path(sys.executable).parent / "tokenkeep"
    run = subprocess.run([script, "--version"], capture_output=True, text=True)
    assert run.stdout == f"tokenkeep {tokenkeep.__version__}\n"


def test_ctrl_c_ends_the_command_line_as_it_ends_the_program(server: Server, home: Home):
    home.log_in_expired(home.broker())
    server.at_refresh({"type": "delay", "milliseconds": 1000, "when": "after"})
    process = command_line(home, "token", "acme")
    server.until_faults_struck()
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=30)
    assert (output, process.returncode) == ("", 130), errors
    assert "Traceback" not in errors
    assert home.broker().cached_token("acme") is not None

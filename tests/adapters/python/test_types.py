"""The adapters are what the types of the SDKs ask for."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "typed_program.py"


@pytest.mark.parametrize("checker", [["mypy", "--strict"], ["pyright", "--pythonpath", sys.executable]])
def test_a_typed_program_is_understood(checker: "list[str]") -> None:
    run = subprocess.run([sys.executable, "-m", *checker, str(PROGRAM)], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr

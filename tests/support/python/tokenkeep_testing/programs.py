"""The programs of the workspace, which are built before any test runs."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]


def program(name: str) -> str:
    """The path of a program of this workspace."""
    path = Path(os.environ.get("TOKENKEEP_TEST_PROGRAMS", ROOT / "target/debug")) / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not built: run `cargo build --workspace --bins`")
    return str(path)

"""Who does not use an adapter does not load what it adapts, and who has it not is told what to install."""

import subprocess
import sys
from importlib.metadata import metadata

import pytest

ADAPTED = {
    "azure": "azure.core",
    "azure.aio": "azure.core",
    "httpx": "httpx",
    "requests": "requests",
    "google": "google.auth",
}


def run(script: str) -> str:
    return subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout


def test_the_package_alone_loads_no_sdk() -> None:
    loaded = run("import sys, tokenkeep; print(*sys.modules)").split()
    assert "tokenkeep" in loaded
    assert not {name.split(".")[0] for name in loaded} & {"azure", "httpx", "requests", "google"}


@pytest.mark.parametrize("adapter", ADAPTED)
def test_an_adapter_loads_nothing_of_the_others(adapter: str) -> None:
    loaded = run(f"import sys, tokenkeep.{adapter}; print(*sys.modules)").split()
    assert ADAPTED[adapter] in loaded
    others = {"azure", "httpx", "google"} - {adapter.split(".")[0]}
    assert not {name.split(".")[0] for name in loaded} & others


@pytest.mark.parametrize("adapter", ADAPTED)
def test_what_is_missing_is_named_with_its_extra(adapter: str) -> None:
    extra = adapter.split(".")[0]
    told = run(f"""
import sys
sys.modules[{ADAPTED[adapter]!r}] = None
try:
    import tokenkeep.{adapter}
except ImportError as error:
    print(error)
""")
    assert f"pip install 'tokenkeep[{extra}]'" in told
    assert extra in (metadata("tokenkeep").get_all("Provides-Extra") or [])

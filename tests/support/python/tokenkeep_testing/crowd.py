"""Python programs that ask for the same token at once, each with a broker of its own.

All are let go together, so that how long an interpreter takes to start decides nothing.
"""

import json
from typing import Any, Dict, List

from .home import Home

ASK = """
import json, sys, tokenkeep
provider, options = json.loads(sys.argv[1])
broker = tokenkeep.Broker()
print("ready", flush=True)
sys.stdin.readline()
try:
    answer = {"secret": broker.token(provider, **options).secret}
except tokenkeep.TokenkeepError as error:
    answer = {"code": error.code, "message": error.message}
print(json.dumps(answer))
"""


class Crowd:
    """Processes that ask for the same token at once, when they are told to."""

    def __init__(self, home: Home, size: int, **options: Any) -> None:
        arguments = json.dumps([home.provider, options])
        self._processes = [home.start_python(ASK, arguments) for _ in range(size)]
        for process in self._processes:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"

    def ask(self) -> List[Dict[str, str]]:
        """What each was given: a `secret`, or the `code` and the `message` of an error."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        ended = [process.communicate(timeout=60) + (process.returncode,) for process in self._processes]
        assert all(code == 0 for _, _, code in ended), ended
        return [json.loads(output) for output, _, _ in ended]

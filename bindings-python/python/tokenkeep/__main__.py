"""`python -m tokenkeep` and the command `tokenkeep`: the command line, the same as the program of that name."""

import signal
import sys

from . import _native


def main() -> int:
    """Runs the command line on `sys.argv` and returns its exit code."""
    # It listens for Ctrl-C by itself. Python's own handler would only note it, and wait for its turn.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _native.main(["tokenkeep", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())

"""Runs a document's Python with the names that its reader brings.

    python reader.py PROGRAM

`show` shows a text to the person, who opens the address in it. `visit` opens an authorization URL, says yes, and gives
the address that the person is sent back to. Mail servers of Microsoft's are stand-ins.
"""

import os
import runpy
import subprocess
import sys
import urllib.error
import urllib.request
from typing import Any

import mail_servers
import tokenkeep


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def show(text: str) -> None:
    subprocess.Popen([os.environ["BROWSER"], text.split()[-1]], stderr=subprocess.DEVNULL)


def visit(url: str) -> str:
    try:
        urllib.request.build_opener(_Stay).open(url)
    except urllib.error.HTTPError as redirect:
        return str(redirect.headers["location"])
    raise AssertionError("no redirect")


assert tokenkeep.__file__.startswith(os.environ["PYTHONPATH"]), "the document has not installed the package"
mail_servers.stand_in()
runpy.run_path(sys.argv[1], {"show": show, "visit": visit}, "__main__")

"""How a call says that it failed: a class, a code, one line, what to do. Never a secret."""

import json
import traceback
from contextlib import contextmanager
from typing import Iterator

import pytest
import tokenkeep

from .programs import ROOT

# What a test puts into bodies that must not be seen anywhere, and what every token, code and device code of the
# scripted server begins with.
SECRETS = ["canary", "access-", "refresh-", "code-", "device-"]
TABLE = {row["code"]: row for row in json.loads((ROOT / "tests/vectors/errors.json").read_text())["errors"]}


@contextmanager
def fails(code: str) -> "Iterator[pytest.ExceptionInfo[tokenkeep.TokenkeepError]]":
    """The block must fail with `code`, as the table of all languages has it. The error is the `value` of what it gives.

    with fails("login_required") as failure:
        broker.token("acme")
    assert failure.value.reason == "grant_ended"
    """
    with pytest.raises(tokenkeep.TokenkeepError) as failure:
        yield failure
    check(failure.value, code)


def check(error: BaseException, code: str) -> None:
    """The error has this code, and the class, the words and the discretion that belong to it."""
    assert isinstance(error, tokenkeep.TokenkeepError), repr(error)
    assert error.code == code, (error.code, error.message, error.server)
    assert type(error) is getattr(tokenkeep, _class_name(code))
    assert error.retryable == TABLE[code]["retryable"]
    assert str(error) == error.message and error.args == (error.message,)
    assert error.message and "\n" not in error.message and len(error.message) <= 500
    assert error.help
    assert error.help in getattr(error, "__notes__", [error.help]), "a traceback shows it"
    shown = "".join([*traceback.format_exception_only(type(error), error), repr(error), repr(vars(error))])
    for secret in SECRETS:
        assert secret not in shown.replace("device-code", ""), secret


def _class_name(code: str) -> str:
    name = "".join(word.capitalize() for word in code.split("_"))
    return f"{name}Error"

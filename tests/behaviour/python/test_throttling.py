"""A server that asks for a pause gets it, from every process."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any, Dict

import tokenkeep
from tokenkeep_testing import Crowd, Stage, until
from tokenkeep_testing.failure import fails

# What the server says, and how many milliseconds nobody may ask for.
THROTTLES = (
    ({"type": "throttle", "retry_after_seconds": 3}, 3000),
    # An HTTP date has whole seconds.
    ({"type": "throttle", "retry_after_seconds": 4, "as_date": True}, 3000),
    ({"type": "throttle", "retry_after_seconds": 3, "status": 503}, 3000),
)


def test_throttled_by_retry_after() -> None:
    with ThreadPoolExecutor() as threads:
        for scene in [threads.submit(is_kept, *throttle) for throttle in THROTTLES]:
            scene.result()


def is_kept(throttle: Dict[str, Any], pause: int) -> None:
    """Every process keeps the pause, which is so many milliseconds long, and no longer than that."""
    with Stage("acme") as stage:
        stage.login()
        token = stage.token()
        crowd = Crowd(stage, 4, force_refresh=True)
        stage.server.at_refresh(throttle)
        with fails("throttled") as failure:
            stage.token(force_refresh=True)
        assert isinstance(failure.value, tokenkeep.ThrottledError) and failure.value.retry_at
        wait = failure.value.retry_at - datetime.now(timezone.utc)
        assert timedelta() < wait <= timedelta(seconds=5)
        # The pause is everybody's: no process asks to find out for itself.
        assert [answer["code"] for answer in crowd.ask()] == ["throttled"] * 4
        # Whoever can use the token at hand gets it.
        assert stage.token() == token == stage.token(min_lifetime=7200)
        assert len(stage.server.refreshes()) == 1
        until(lambda: is_over(stage))
        first, second = stage.server.refreshes()
        assert pause <= second["milliseconds"] - first["milliseconds"] < pause + 3000


def is_over(stage: Stage) -> bool:
    """Asks once more."""
    try:
        stage.token(force_refresh=True)
    except tokenkeep.ThrottledError:
        return False
    return True

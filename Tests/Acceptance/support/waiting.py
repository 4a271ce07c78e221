"""Waiting for a condition with a deadline; the only place that polls."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def until(what: str, probe: Callable[[], Value], seconds: float = 10) -> Value:
    """Calls `probe` until it returns something true and returns that; fails after `seconds`, naming `what`."""
    deadline = time.monotonic() + seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain until {what}; last seen: {value!r}")
        time.sleep(0.01)  # The pace of the polling, not a wait for the condition.

"""Waiting for a condition, with a deadline that says what was waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
PATIENCE_S = 60.0
"""How long a test waits for what takes a few seconds on an idle machine. It is no deadline of the product's."""


def until(ask: Callable[[], T | None], what: str, within_s: float = PATIENCE_S, seen: Callable[[], str] = str) -> T:
    """What `ask` answers, once that is true. AssertionError with `what` and what was `seen` instead."""
    deadline = time.monotonic() + within_s
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"waited {within_s:g} s for {what}; there was\n{seen()}"
        time.sleep(0.1)
    return answer

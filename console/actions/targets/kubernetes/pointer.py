"""RFC 6901: a value inside a decoded JSON document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from console.actions.writes import Expect


def at(document: Any, pointer: str) -> Any:
    """The value, or None where the way ends before it."""
    here = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(here, dict):
            here = here.get(key)
        elif isinstance(here, list) and key.isdecimal() and int(key) < len(here):
            here = here[int(key)]
        else:
            return None
    return here


def escaped(key: str) -> str:
    """A key as one token of a pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def holds(document: Any, expected: Iterable[Expect]) -> bool:
    """Whether all of it is there. True is not 1 here, and absent is the same as null."""
    for each in expected:
        value = at(document, each.pointer)
        if value != each.value or isinstance(value, bool) is not isinstance(each.value, bool):
            return False
    return True

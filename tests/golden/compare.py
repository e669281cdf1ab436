"""A screen against its golden file, and the one way to renew that file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

PLACE = Path(__file__).parent
WRITE = "MIDWATCH_GOLDEN"


def compared(name: str, now: str, sentence: str, environ: Mapping[str, str]) -> str:
    """"" when the screen is as it was, else what changed, readably. Writes the file when asked to, which CI may never be."""
    place = PLACE / f"{name}.txt"
    wants = environ.get(WRITE, "")
    if wants not in ("", "write"):
        return f"{WRITE}={wants!r} means nothing; {WRITE}=write renews the golden screens"
    if wants == "write":
        if environ.get("CI", "").lower() not in ("", "0", "false"):
            return f"{WRITE}=write is refused where CI is set: a golden screen is agreed to by a person"
        place.write_text(now + "\n", encoding="utf-8")
        return ""
    if not place.exists():
        return f"there is no golden screen {place}; {WRITE}=write makes it"
    before = place.read_text(encoding="utf-8").removesuffix("\n")
    if before == now:
        return ""
    changes = difflib.unified_diff(
        before.splitlines(), now.splitlines(), f"{place.name} (agreed to)", "the screen now", lineterm="", n=1
    )
    told = "\n".join(changes)
    return (
        f"the screen `{name}` changed. It must say: {sentence}\n{told}\n"
        f"If it still does, and better: {WRITE}=write python -m pytest {Path(__file__).parent.name} renews it."
    )

"""How much one poll of the tail may bring, and how much it may remember."""

from __future__ import annotations

import msgspec

from console.sources.elasticsearch.seen import CAPACITY
from console.sources.elasticsearch.skipped import ACTIVE

OVERLAP_S = 30.0  # refresh interval + ingest lag + clock skew of the shippers
PAGE = 1000
PAGES = 20  # of new lines in one poll
FIRST_S = 15
FIRST_LINES = 500


class Limits(msgspec.Struct, frozen=True):
    """How much one poll may bring, and how much may be remembered."""

    overlap_s: float = OVERLAP_S
    page: int = PAGE
    pages: int = PAGES
    first_s: int = FIRST_S
    first_lines: int = FIRST_LINES
    capacity: int = CAPACITY
    settle_s: int | None = None  # how long a line may take to be visible; None: the refresh interval
    recounted: int = ACTIVE  # stretches beyond a ceiling that are still recounted for late lines


LIMITS = Limits()

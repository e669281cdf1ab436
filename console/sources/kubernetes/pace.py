"""How long the parts of a list-watch may take, and how large they may be."""

from __future__ import annotations

import msgspec

from console.sources.kubernetes.lines import LINE_LIMIT

PAGE_OBJECTS = 500


class Pace(msgspec.Struct, frozen=True):
    """`silence_s` is a little more than the minute between two bookmarks of an API server."""

    # TimeoutSeconds is drawn from it, so that watches do not end together.
    watch_s: tuple[int, int] = (300, 600)
    silence_s: float = 75.0
    page_objects: int = PAGE_OBJECTS
    line_bytes: int = LINE_LIMIT

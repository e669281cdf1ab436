"""A drawn line that remembers nothing but itself.

Textual's `Strip` keeps seven caches of what was cut, divided or filtered from it, each with a dictionary of its own: 1.6 kB
beside the line's few hundred bytes, and seven more objects for the collector to walk. Lines that a `Painted` draws go to the
screen whole, so next to nothing is ever in them; with fifty sessions in a process they were a fifth of what one costs.

What must not be done here: change what a strip does; what Textual makes of a drawn line is a strip of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.segment import Segment
from textual.cache import FIFOCache
from textual.strip import Strip


class _Forgetful(FIFOCache[Any, Any]):
    """Holds nothing, and so can be everybody's."""

    __slots__ = ()

    def set(self, key: Any, value: Any) -> None:
        """Not kept."""

    __setitem__ = set


_NONE = _Forgetful(1)


class Drawn(Strip):
    """One line of a widget of ours."""

    __slots__ = ()

    def __init__(self, segments: Iterable[Segment], cell_length: int | None = None) -> None:
        # every slot of Strip's: not by its constructor, which makes the caches
        self._segments = list(segments)
        self._cell_length = cell_length
        self._divide_cache = self._crop_cache = self._style_cache = self._filter_cache = _NONE
        self._line_length_cache = self._crop_extend_cache = self._offsets_cache = _NONE
        self._render_cache = None
        self._link_ids = None
        self._cell_count = None

"""By how many cells the picture is shifted against burn-in: a letter that stands for months is seen when it is gone.

Pure: from the time alone, so that it stands where it would stand had the wall not been started again.
"""

from __future__ import annotations

EVERY_S = 240.0
_WALK = ((0, 0), (1, 0), (1, 1), (0, 1))  # one cell at a time, and never back the way it came
LEAST = (40, 12)  # columns, rows: a smaller terminal has no cell to spare


def shifted(width: int, height: int, at_s: float) -> tuple[int, int, int, int]:
    """(x, y, columns, rows) of the picture in a terminal of this size; `at_s`: seconds of UTC."""
    if width < LEAST[0] or height < LEAST[1]:
        return 0, 0, width, height
    x, y = _WALK[int(at_s // EVERY_S) % len(_WALK)]
    return x, y, width - 1, height - 1

"""How many bytes a second go to the terminal, in words that themselves cost next to nothing to show."""

from __future__ import annotations

WIDTH = 8  # cells: "999 kB/s"
_LEAST, _KILO, _MEGA = 500.0, 1000.0, 1_000_000.0
_BELOW, _ABOVE = 0.7, 1.4


class Rate:
    """What is told stays until it is well off: a number that trembles would be sent each second."""

    def __init__(self) -> None:
        self._value = 0.0
        self._words = ""

    def told(self, bytes_per_second: float) -> str:
        """In WIDTH cells."""
        value = max(bytes_per_second, _LEAST)
        if not self._words or not _BELOW * self._value <= value <= _ABOVE * self._value:
            self._value, self._words = value, worded(value)
        return self._words


def worded(value: float) -> str:
    """At most three digits, in WIDTH cells."""
    if value <= _LEAST:
        text = "<1 kB/s"
    elif value < 999.5 * _KILO:
        text = f"{value / _KILO:.0f} kB/s"
    else:
        text = f"{value / _MEGA:.1f} MB/s" if value < 9.95 * _MEGA else f"{value / _MEGA:.0f} MB/s"
    return text.rjust(WIDTH)

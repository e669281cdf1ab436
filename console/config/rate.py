"""A rate of bytes as it is written: "4MB/s", "500 kB/s", "2MiB/s", "32Mbit/s", "0"."""

from __future__ import annotations

import re

_WRITTEN = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([kMG]i?)?(B|bit)/s\Z")
_SCALE = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "ki": 2**10, "Mi": 2**20, "Gi": 2**30}
EXAMPLE = "4MB/s"


def bytes_per_s(text: str) -> float:
    """The rate in bytes per second. Raises ValueError that says how a rate is written."""
    if text.strip() == "0":
        return 0.0
    matched = _WRITTEN.match(text.strip())
    if matched is None:
        raise ValueError(f'must be a rate, like "{EXAMPLE}", "500kB/s", "32Mbit/s" or "0"')
    number, scale, unit = float(matched[1]), _SCALE[matched[2] or ""], matched[3]
    return number * scale / (8 if unit == "bit" else 1)

"""What renditions are called, the same for both formats: one channel's HLS and DASH have one ladder."""

from __future__ import annotations

from collections.abc import Sequence


def plain(text: str) -> str:
    """Letters, digits, dot, dash and underscore, at most 200 of them; anything else becomes an underscore."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in text[:200])


def named_apart(rungs: Sequence[tuple[str, int]]) -> list[str]:
    """A name for each (name, bit/s), in order: two of one name get their bandwidth, and if that is equal too a number."""
    names = [name for name, _ in rungs]
    taken: set[str] = set()
    apart: list[str] = []
    for name, bandwidth_bps in rungs:
        if names.count(name) > 1 and bandwidth_bps:
            name = f"{name}-{bandwidth_bps // 1000}k"
        base, count = name, 2
        while name in taken:
            name, count = f"{base}-{count}", count + 1
        taken.add(name)
        apart.append(name)
    return apart

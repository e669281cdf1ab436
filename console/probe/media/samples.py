"""The samples of a fragmented MP4 as far as they can be wrong without being decoded: NAL units and the lengths before them.

Boxes tell nothing of what lies in `mdat`: a writer that died, or a disk that lost a block, leaves a segment of whole boxes with
zeros for pictures. ISO/IEC 14496-15 5.3.4.2: a sample is NAL units and nothing else, each behind its length.
"""

from __future__ import annotations

from collections.abc import Sequence

NALS = 64  # of one sample whose lengths are followed


def first_broken(data: bytes, at: int, sizes: Sequence[int], width: int) -> int | None:
    """Which of the samples that follow one another from `at` is none; None when all that are there can be. `width`: bytes of a
    length.
    """
    for index, size in enumerate(sizes):
        if at < 0 or at + size > len(data):
            return None
        if size > width and not _fits(data, at, at + size, width):
            return index
        at += size
    return None


def _fits(data: bytes, at: int, end: int, width: int) -> bool:
    """Whether the lengths stay within the sample. An empty unit is believed where another one came before it: some writers pad
    with them.
    """
    for index in range(NALS):
        if at + width > end:
            return True
        length = int.from_bytes(data[at : at + width], "big")
        if length == 0 and index == 0:
            return False
        at += width + length
        if at > end:
            return False
    return True

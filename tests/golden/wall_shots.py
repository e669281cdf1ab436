"""The golden walls: of each scenario the sentence that must be readable from ten metres, and what that means on the screen.

Ten metres: a letter of 35 mm. On a panel of 68 cm that is two lines of 36, four of 67 and six of 120, so at 240x67 and 400x120
only big letters count, and at 120x36 a line of its own or a block.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tests.wall_stage import WallStage
from widgets.glyphs import BROAD, NARROW, written

SIZES = ((120, 36), (240, 67), (400, 120))


class WallShot(msgspec.Struct, frozen=True):
    """One scenario at all sizes. `big`: in big letters at 240x67 and 400x120, and plainly at 120x36; `counts`: in the blocks."""

    scenario: str
    sentence: str
    big: tuple[str, ...]
    counts: tuple[str, ...] = ()
    figures: tuple[str, ...] = ("2.9M",)
    plain: tuple[str, ...] = ()  # at 120x36, beside or instead of `big`
    also: tuple[str, ...] = ()  # in letters of any size


def says_big(lines: Sequence[str], text: str) -> bool:
    """Whether the text stands there in big letters, of whichever size."""
    for face in (BROAD, NARROW):
        if face is NARROW and not all(character in face.drawings or character == " " for character in text):
            continue
        for scale in range(1, 6):
            rows = [row.rstrip() for row in written(face, scale, text)]
            first = next((at for at, row in enumerate(rows) if row), 0)
            for top, line in enumerate(lines):
                at = line.find(rows[first])
                while at >= 0:
                    window = lines[top - first : top - first + len(rows)] if top >= first else []
                    if len(window) == len(rows) and all(there[at : at + len(row)] == row for there, row in zip(window, rows, strict=True)):
                        return True
                    at = line.find(rows[first], at + 1)
    return False


def check(shot: WallShot, size: tuple[int, int], stage: WallStage) -> None:
    """All that the sentence promises, at this size."""
    lines, text = stage.lines(), stage.text
    is_small = size == SIZES[0]
    for words in shot.plain if is_small and shot.plain else shot.big:
        assert (words.casefold() in text.casefold()) if is_small else says_big(lines, words), f"{words!r} is not to be read:\n{text}"
    for count in (*shot.counts, *shot.figures, "02:14:07"):
        assert says_big(lines, count), f"{count!r} is not big:\n{text}"
    for words in shot.also:
        assert words in text or says_big(lines, words.upper()), f"{words!r} is nowhere:\n{text}"
    assert [strip.cell_length for strip in stage.strips()] == [size[0]] * size[1]


SHOTS = (
    WallShot("calm", "All twelve channels are fine, at what time, and how many watch.", ("ALL 12 CHANNELS FINE",), also=("no incident is open",)),
    WallShot(
        "edge-stale",
        "One thing is critical: uk-sport-1 is stale at the edges.",
        ("C UK-SPORT-1: 1080P STALE AT 3 OF 4 EDGES",), ("C 1",),
        plain=("C uk-sport-1: 1080p stale at 3 of 4 edges",), also=("INC-af5c", "origin fresh"),
    ),
    WallShot(
        "bad-deploy",
        "packager-emea has made four channels stale, after it was rolled out.",
        ("C PACKAGER-EMEA: STALE ON 4 CHANNELS", "C 8"), plain=("C packager-emea: STALE on 4 channels", "before it: packager-emea 3.8.2"),
        figures=("2.9M", "1.54", "1.70"), also=("news-1",),
    ),
    WallShot(
        "encoder-flap",
        "One channel has lost its contribution three times, and it is in-cricket-1.",
        ("C IN-CRICKET-1: CONTRIBUTION LOST 3 TIMES",), ("C 1",), also=("FLAPPING",),
    ),
    WallShot(
        "cdn-slow",
        "An incident is critical: the edges are slow; six channels suffer, and viewers wait more than a week ago.",
        ("C EDGESLOW: EDGE-SYD",), ("C 1", "W 6"), figures=("1.12", "0.80"), also=("2 of 4 edges",),
    ),
    WallShot(
        "node-lost",
        "Two channels are stale, and whose packager it is.",
        ("C PACKAGER-EMEA: STALE ON 2 CHANNELS",), ("C 2",), also=("KubeNodeNotReady",),
    ),
    WallShot(
        "backend-down",
        "There is no news of the logs: what stands below is not everything.",
        ("NO NEWS: LOGS", "AS FAR AS IS KNOWN"), also=("elasticsearch.tail error · last heard 34s ago", "connection refused"),
    ),
    WallShot(
        "log-storm",
        "An incident that is no channel's is critical: entitlement-api's pool is exhausted.",
        ("C ENTITLEMENTPOOLEXHAUSTED:",), ("C 1",), figures=("0.90",), also=("LogShippersRejected",),
    ),
    WallShot(
        "capacity-crunch",
        "edge-syd is nearly full, and so many more watch than a week ago.",
        ("C EDGEEGRESSNEARCAPACITY: EDGE-SYD",), ("C 1", "W 1"), figures=("4.1M", "17T"), also=("egress syd", "session-api"),
    ),
)  # fmt: skip

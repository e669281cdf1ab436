"""What there is to compose: healthy channels of every kind, and a maker for every fault of the specification's check list."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.streams.broken_answers import Cut, DeadEdge, Dropped, Hanging, Headers, NotPlaylist, Status
from tests.streams.broken_playlists import (
    DateJump,
    DiscontinuityLost,
    DiscontinuityWrong,
    Ended,
    Freeze,
    Future,
    Gaps,
    LadderShrunk,
    Lag,
    Late,
    Mutated,
    OldCopy,
    Restart,
    SequenceJump,
    ShortWindow,
    TargetChanged,
    TooLong,
    Typed,
)
from tests.streams.broken_segments import (
    Heavy,
    KeyRefused,
    KeyTag,
    SegmentBad,
    SegmentGone,
    SegmentMissing,
    SegmentRepeated,
    SegmentSlow,
    WrongPicture,
)
from tests.streams.faults import FOREVER_S, Fault
from tests.streams.show import LADDER, Style

Maker = Callable[[random.Random, Style, float], Fault | None]


def style_of(rng: random.Random, seed: int) -> Style:
    """A healthy channel of some kind."""
    edges = rng.choice([(), ("lhr",), ("lhr", "syd"), ("lhr", "syd", "nrt"), ("lhr", "syd", "nrt", "iad")])
    has_origin = not edges or rng.random() < 0.8
    return Style(
        target_s=rng.choice([2.0, 4.0, 4.0, 4.0, 6.0]),
        window=rng.choice([6, 8, 10, 30]),
        ladder=LADDER[rng.choice([0, 0, 1]) :],
        edges=edges,
        has_origin=has_origin,
        container=rng.choice(["ts", "ts", "fmp4"]),
        has_pdt=rng.random() < 0.85,
        is_pdt_sparse=rng.random() < 0.25,
        is_encrypted=rng.random() < 0.3,
        rotate_every=rng.choice([0, 0, 5]),
        ad_every=rng.choice([0, 0, 7, 9]),
        has_own_numbers=rng.random() < 0.25,
        has_audio=rng.random() < 0.3,
        has_iframes=rng.random() < 0.2,
        ttl_s=rng.choice([0.5, 1.0, 1.0]),
        latency_s=rng.choice([0.1, 0.4, 1.0]),
        jitter_s=rng.choice([0.05, 0.2, 0.4]),
        wobble_s=rng.choice([0.0, 0.0, 0.04]),
        has_age=rng.random() < 0.8,
        delay_s=rng.choice([0.01, 0.03, 0.08]),
        seed=seed,
    )


def _places(rng: random.Random, style: Style, only: str = "") -> tuple[str, ...]:
    """Where a fault is: everywhere, or at some edges."""
    edges = [f"edge-{pop}" for pop in style.edges]
    if only == "edge" or (edges and not only and rng.random() < 0.5):
        return tuple(rng.sample(edges, rng.randint(1, len(edges)))) if edges else ()
    return ("origin",)


def _rung(rng: random.Random, style: Style, all_too: bool = True) -> str | None:
    names = [rung.name for rung in style.renditions if rung.kind == "video"]
    return rng.choice([*names, None, None] if all_too else names)


def _made(kind: type[Fault], only: str = "", needs: Callable[[Style], bool] = lambda style: True, all_too: bool = True, **options: object) -> Maker:
    """Makes a fault of this kind; each option is a tuple of values to choose from."""

    def make(rng: random.Random, style: Style, start: float) -> Fault | None:
        if not needs(style) or (only == "edge" and not style.edges):
            return None
        chosen = {name: rng.choice(values) for name, values in options.items()}  # type: ignore[call-overload]
        places = _places(rng, style, only)
        return kind(start=start, vantages=places, rendition=_rung(rng, style, all_too), **chosen)

    return make


def _of_master_or_media(kind: type[Fault], **options: object) -> Maker:
    return _made(kind, of=("media", "media", "master"), **options)


def _is_encrypted(style: Style) -> bool:
    return style.is_encrypted


def _is_plain(style: Style) -> bool:
    return not style.is_encrypted


def _is_dated(style: Style) -> bool:
    return style.has_pdt


def _has_breaks(style: Style) -> bool:
    return style.ad_every > 0


def _is_compared(style: Style) -> bool:
    return style.has_origin and len(style.edges) > 0


def _leaves_soon(style: Style) -> bool:
    """A discontinuity leaves the window while the night lasts."""
    return style.ad_every > 0 and style.window <= 8 and style.target_s <= 4


def _is_worth_zipping(style: Style) -> bool:
    """A playlist that fits into a packet or two gains nothing by gzip, and nobody asks for it."""
    return style.window >= 30 and style.has_pdt and not style.is_pdt_sparse


_HEADERS = (
    {"Cache-Control": "max-age=60"},
    {"Age": "45"},
    {"Content-Type": "text/html"},
)
MAKERS: tuple[Maker, ...] = (
    _of_master_or_media(Status, status=(503, 500, 403)),
    _made(Status, all_too=False, status=(404, 410)),
    _of_master_or_media(Hanging),
    _of_master_or_media(Dropped),
    _of_master_or_media(NotPlaylist),
    _of_master_or_media(NotPlaylist, body=(b"", b"\x89PNG\r\n\x1a\n\x00\x00", b"#EXTM3U\n#EXT-X-TARGETDURATION:many\n#EXTINF:x,\ny\n")),
    _of_master_or_media(Cut),
    _made(Headers, put=_HEADERS),
    _made(Headers, drop=(("Access-Control-Allow-Origin",),)),
    _made(Headers, drop=(("Content-Encoding",),), needs=_is_worth_zipping),
    _made(DeadEdge, only="edge", all_too=False),
    _made(Freeze),
    _made(Freeze),
    _made(Freeze),
    _made(OldCopy, only="edge", needs=_is_compared),
    _made(Restart, only="origin"),
    _made(SequenceJump, only="origin"),
    _made(TooLong),
    _made(TargetChanged, only="origin"),
    _made(DiscontinuityLost, only="origin", needs=_leaves_soon),
    _made(DiscontinuityWrong, only="origin", by=(-1, 1), needs=_has_breaks),
    _made(Mutated, what=("uri", "extinf", "tag")),
    _made(ShortWindow),
    _made(Ended),
    _made(Typed),
    _made(DateJump, only="origin", by_s=(-3.0, 2.0), needs=_is_dated),
    _made(Future, only="origin", needs=_is_dated),
    _made(Late, only="origin", needs=_is_dated),
    _made(Lag, only="origin", needs=_is_dated, all_too=False),
    _made(Gaps, of=(1, 2), every=(3,)),
    _made(Gaps, is_at_once=(False,), every=(2, 3), length_s=(FOREVER_S,)),
    _made(LadderShrunk, all_too=False),
    _made(SegmentMissing),
    _made(SegmentMissing, for_t=(0.6,)),
    _made(SegmentGone),
    _made(SegmentSlow, ratio=(1.5, 1.2)),
    _made(SegmentBad, how=("zero", "cut", "html", "noise"), needs=_is_plain),
    _made(SegmentRepeated, has_etag=(True, False), needs=_is_plain),
    _made(Heavy, only="origin"),
    _made(WrongPicture, only="origin", needs=lambda style: not style.is_encrypted and style.container == "ts"),
    _made(KeyRefused, needs=_is_encrypted, only="origin", status=(403, 404, 503)),
    _made(KeyRefused, needs=_is_encrypted, only="origin", status=(200,), length=(15, 0)),
    _made(KeyTag, needs=_is_encrypted, only="origin", how=("dropped", "method", "iv")),
)


def is_possible(fault: Fault, style: Style) -> bool:
    """Whether anybody who watches could see it: a place must be watched, and a rung be there."""
    watched = set(style.vantages)
    if not ({"origin"} & set(fault.vantages) or watched & set(fault.vantages)):
        return False
    if isinstance(fault, LadderShrunk):
        return len(style.ladder) > 1
    if isinstance(fault, Lag):
        return len(style.ladder) > 1
    return not (isinstance(fault, Status) and fault.status in (404, 410) and len(style.ladder) < 2)


def second(rng: random.Random, style: Style, first: Fault) -> Fault | None:
    """Another fault of the same packager at another moment, on another rendition: neither explains the other, and both are to be
    found. None where this first one leaves no room for a second.
    """
    kinds: tuple[type[Fault], ...] = (Mutated, TooLong, Typed, Gaps)
    if type(first) not in kinds or first.rendition is None or first.vantages != ("origin",):
        return None
    others = [rung.name for rung in style.ladder if rung.name != first.rendition]
    others_kinds = [kind for kind in kinds if kind is not type(first)]
    if not others:
        return None
    return rng.choice(others_kinds)(start=first.start + rng.uniform(-4, 4), rendition=rng.choice(others))

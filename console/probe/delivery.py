"""CACHE_HDR: what the headers of a playlist's answer give away. Pure.

How long a copy may be held decides how old a live playlist is at the player; that is a number, held / T. The others have none
and count as 1: a playlist of more than a packet that is not compressed, one that a browser on another site may not read, one
whose type says it is something else. RFC 8216 section 4 lets a playlist be known by its name *or* its type, so the types that
storage gives to what it does not know are no fault of an .m3u8.

An origin's headers are remarked upon as an edge's are, though no player may see them: whether what an edge sends came from its
origin, or was added on the way, only both together tell. `kinds` in the evidence says which headers it is about.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from console.model.remark import Fact, Remark
from console.probe.address import printable
from console.probe.fetch import Answer
from console.probe.schedule import CACHE_HDR

GZIP_FROM = 1_500  # bytes: what fits into one packet gains nothing
_MAX_AGE = re.compile(r"(?:^|[\s,])(?:s-maxage|max-age)\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_HLS_TYPES = frozenset(
    ("application/vnd.apple.mpegurl", "audio/mpegurl", "application/x-mpegurl", "audio/x-mpegurl", "vnd.apple.mpegurl")
)
_DASH_TYPES = frozenset(("application/dash+xml", "video/vnd.mpeg.dash.mpd", "application/xml", "text/xml"))
_UNKNOWN_TYPES = frozenset(("", "text/plain", "application/octet-stream", "binary/octet-stream"))
_NAMES = {False: (".m3u8", ".m3u"), True: (".mpd",)}


class Delivery:
    """The header remarks of one playlist; made anew only when the headers that matter changed."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._remarks: tuple[Remark, ...] = ()
        self._last: Answer | None = None

    def remarks(
        self, answer: Answer, body_size: int, target_s: float | None, is_live: bool, is_dash: bool = False
    ) -> tuple[Remark, ...]:
        """The standing remarks of a good answer. A 304 carries few headers, so those of the last whole answer stand; its Age
        is its own. `target_s`: how long a segment is, which is T of an MPD as well.
        """
        if answer.status == 304 and self._last is not None:
            kept = self._last
        else:
            kept = self._last = _bare(answer)
        age_s = answer.age_header_s if is_live and target_s and (answer.age_header_s or 0) > target_s else None
        key = (
            kept.cache_control, kept.content_encoding, kept.content_type, kept.allow_origin,
            body_size > GZIP_FROM, target_s, is_live, age_s,
        )  # fmt: skip
        if key != self._key:
            self._key = key
            self._remarks = _remarks(kept, age_s, body_size, target_s if is_live else None, is_dash)
        return self._remarks


def max_age_s(cache_control: str) -> float:
    """The longest that any cache may keep it; 0 when it may not, or when nothing is said."""
    said = cache_control.lower()
    if "no-store" in said or "no-cache" in said:
        return 0.0
    return float(max((int(number) for number in _MAX_AGE.findall(cache_control)), default=0))


def _bare(answer: Answer) -> Answer:
    """Its headers alone: a body must not be kept alive by them."""
    return Answer(
        answer.outcome, answer.at, answer.elapsed_s, answer.url, status=answer.status, content_type=answer.content_type,
        content_encoding=answer.content_encoding, cache_control=answer.cache_control, allow_origin=answer.allow_origin,
    )  # fmt: skip


def _remarks(
    kept: Answer, age_s: float | None, body_size: int, live_target_s: float | None, is_dash: bool
) -> tuple[Remark, ...]:
    causes: dict[str, list[str]] = {}
    value = 0.0
    if live_target_s:
        held_s = max_age_s(kept.cache_control)
        if held_s > live_target_s / 2:
            value = held_s / live_target_s
            causes["held"] = [f"a cache may keep it for {held_s:g} s, T is {live_target_s:g} s"]
        if age_s is not None:
            value = max(value, age_s / live_target_s)
            causes.setdefault("held", []).append(f"its copy was {age_s:g} s old, T is {live_target_s:g} s")
    if body_size > GZIP_FROM and not kept.content_encoding:
        causes["gzip"] = [f"{body_size} bytes, not compressed"]
    if not kept.allow_origin:
        causes["cors"] = ["no Access-Control-Allow-Origin"]
    if not _is_typed(kept, is_dash):
        causes["type"] = [f"its type is {printable(kept.content_type, 40) or 'missing'}"]
    if not causes:
        return ()
    said = [each for some in causes.values() for each in some]
    evidence: dict[str, Fact] = {
        "cache-control": printable(kept.cache_control, 120),
        "content-encoding": printable(kept.content_encoding, 40),
        "content-type": printable(kept.content_type, 80),
        "access-control-allow-origin": printable(kept.allow_origin, 80),
        "causes": said,
        "kinds": list(causes),
    }
    if age_s is not None:
        evidence["age_s"] = age_s
    return (Remark(code=CACHE_HDR, value=round(value or 1.0, 3), says="; ".join(said)[:120], evidence=evidence),)


def _is_typed(kept: Answer, is_dash: bool) -> bool:
    kind = kept.content_type.partition(";")[0].strip().lower()
    if kind in (_DASH_TYPES if is_dash else _HLS_TYPES):
        return True
    try:
        is_named = urlsplit(kept.url).path.lower().endswith(_NAMES[is_dash])
    except ValueError:
        is_named = False
    return is_named and kind in _UNKNOWN_TYPES

"""FETCH_FAIL, TIMEOUT, NOT_PLAYLIST, RENDITION_MISSING: a playlist that cannot be had."""

from __future__ import annotations

from collections.abc import Iterator

from console.judge.codes import Code
from console.judge.memory import PlaylistMemory
from console.judge.symptom import Fact, Sight, Symptom
from console.model.observation import Outcome
from console.model.severity import Severity

FETCH_CODES = frozenset({Code.FETCH_FAIL, Code.TIMEOUT, Code.NOT_PLAYLIST, Code.RENDITION_MISSING})
_GONE = (404, 410)
_OK = Severity.OK  # asked for every playlist at every step


def check(sight: Sight) -> Iterator[Symptom]:
    for vantage, playlist in sight.masters():
        if playlist.fetches.level is not _OK:
            yield _symptom(vantage, None, playlist, _code(playlist))
    for vantage, rendition, playlist in sight.suspects:
        if playlist.fetches.level is _OK:
            continue
        code = _code(playlist)
        if (
            code is Code.FETCH_FAIL
            and playlist.bad_status in _GONE
            and _has_sibling(sight, vantage, rendition, playlist)
        ):
            code = Code.RENDITION_MISSING
        yield _symptom(vantage, rendition, playlist, code)


def _code(playlist: PlaylistMemory) -> Code:
    if playlist.bad_outcome is Outcome.TIMEOUT:
        return Code.TIMEOUT
    if playlist.bad_outcome in (Outcome.NOT_PLAYLIST, Outcome.MALFORMED):
        return Code.NOT_PLAYLIST
    return Code.FETCH_FAIL


def _has_sibling(sight: Sight, vantage: str, rendition: str, playlist: PlaylistMemory) -> bool:
    """Another rendition at the same vantage was fetched well after this one had failed."""
    first = playlist.fetches.first
    return first is not None and any(
        v == vantage and r != rendition and p.is_answering and p.good_start is not None and p.good_start >= first.mono
        for v, r, p in sight.media()
    )


def _symptom(vantage: str, rendition: str | None, playlist: PlaylistMemory, code: Code) -> Symptom:
    fetches = playlist.fetches
    said = playlist.bad_detail or (str(playlist.bad_status) if playlist.bad_status else "no answer")
    says = f'the body begins "{said}"' if playlist.bad_outcome is Outcome.NOT_PLAYLIST else said
    if playlist.is_answering:
        says += f", {fetches.good} good answers since"
    evidence: dict[str, Fact] = {"detail": said, "url": playlist.url, "target_duration_s": playlist.target_s}
    if playlist.bad_status is not None:
        evidence["status"] = playlist.bad_status
    return Symptom(
        code=code,
        vantage=vantage,
        rendition=rendition,
        severity=fetches.level,
        first=fetches.first or playlist.last_at,
        last=fetches.last or playlist.last_at,
        says=says,
        evidence=evidence,
    )

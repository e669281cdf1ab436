"""The quick reading of a copy that went on says what the full reading says, and nothing else."""

from __future__ import annotations

import random

import msgspec
import pytest

from console.probe.hls import playlist
from console.probe.hls.differences import compared
from console.probe.hls.limits import PlaylistError
from console.probe.hls.media import Media
from console.probe.hls.playlist import read
from tests.console.probe.hls.stream import URL, Shape, Stream
from tests.console.probe.hls.test_fuzz import mutated

COPIES = 12
UNTOLD = {"ends", "form", "is_appended"}  # what a reading keeps for the next one


def shape_of(chance: random.Random) -> Shape:
    return Shape(
        window=chance.choice((3, 6, 20)),
        start=chance.choice((0, 97, 10**9)),
        grown_from=chance.choice((2, 6)),
        digits=chance.choice((0, 3, 6)),
        dates=chance.choice(("none", "all", "all", "first", "some")),
        discontinuities=frozenset(chance.choice(((), (), (4, 9)))),
        key_every=chance.choice((0, 0, 100, 3)),
        has_map=chance.random() < 0.4,
        ranges=chance.choice(("", "", "", "implicit")),
        signs=chance.choice(("", "", "query")),
        has_bitrate=chance.random() < 0.2,
        kind=chance.choice((None, None, "EVENT")),
        eol=chance.choice(("\n", "\r\n")),
        seed=chance.randrange(1000),
    )


def both(body: bytes, url: str, before: Media, monkeypatch: pytest.MonkeyPatch) -> tuple[object, object]:
    """What the quick way and the full reading make of it; an error as its text."""
    told: list[object] = []
    for is_quick in (True, False):
        with monkeypatch.context() as patched:
            if not is_quick:
                patched.setattr(playlist, "appended", lambda *_: None)
            try:
                told.append(read(body, url, None, before))
            except PlaylistError as error:
                told.append(str(error))
    return told[0], told[1]


def fields(media: object) -> object:
    if not isinstance(media, Media):
        return media
    return {name: value for name, value in msgspec.structs.asdict(media).items() if name not in UNTOLD}


def test_copies_of_any_shape_are_read_alike_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    chance, quick = random.Random(5), 0
    for _ in range(120):
        stream = Stream(shape_of(chance))
        last = chance.randrange(2, 9)
        before = read(stream.copy(last), URL)
        for _ in range(COPIES):
            last += chance.choice((0, 1, 1, 1, 2, 3))
            body = stream.copy(last)
            if chance.random() < 0.3:
                body = mutated(body, chance)
            assert isinstance(before, Media)
            ours, full = both(body, URL + str(last) * chance.randrange(2), before, monkeypatch)
            assert fields(ours) == fields(full), body
            if isinstance(ours, Media):
                if ours.is_appended:
                    quick += 1
                    assert compared(before, ours, 0.0) == ()
                before = ours
    assert quick > 150


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"#EXT-X-TARGETDURATION:4", b"#EXT-X-TARGETDURATION:5"),
        (b"#EXTINF:", b"#EXT-X-DISCONTINUITY\n#EXTINF:"),
        (b"#EXT-X-MEDIA-SEQUENCE:", b"#EXT-X-MEDIA-SEQUENCE: "),
    ],
)
def test_what_differs_by_more_than_its_ends_is_read_in_full(old: bytes, new: bytes) -> None:
    stream = Stream(Shape())
    before = read(stream.copy(8), URL)
    assert isinstance(before, Media)
    grown = read(stream.copy(9), URL, None, before)
    assert isinstance(grown, Media) and grown.is_appended
    other = read(stream.copy(9).replace(old, new, 1), URL, None, before)
    assert isinstance(other, Media) and not other.is_appended


def test_an_end_is_read_in_full() -> None:
    stream = Stream(Shape())
    before = read(stream.copy(8), URL)
    assert isinstance(before, Media)
    ended = read(stream.copy(9) + b"#EXT-X-ENDLIST\n", URL, None, before)
    assert isinstance(ended, Media) and not ended.is_appended and ended.facts.has_endlist

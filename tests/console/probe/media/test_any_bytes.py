"""Any bytes get an answer, quickly: mutated segments of each container, and what chance makes."""

from __future__ import annotations

import random
import time
from functools import lru_cache

import pytest

from console.probe.media.look import look
from tests.streams.media import adts_segment, fmp4_init, fmp4_segment, ts_segment, webvtt_segment

ORDINARY, LONG = 2_000, 100_000
METHODS = ("", "", "", "NONE", "SAMPLE-AES", "AES-128")


@lru_cache(maxsize=1)
def seeds() -> tuple[bytes, ...]:
    init = fmp4_init(360)
    return (
        ts_segment(10.0, 1.0, height=240),
        ts_segment(95_443.0, 2.0, height=360, size=60_000, has_audio=True),
        fmp4_segment(5.0, 1.0, height=240, size=20_000),
        fmp4_segment(5.0, 2.0, height=240, chunks=8),
        init + fmp4_segment(5.0, 1.0, height=360),
        fmp4_init(240, is_encrypted=True),
        adts_segment(3.0, 1.0),
        webvtt_segment(3.0),
        b"<html><body>502</body></html>",
        b"",
    )


def mutated(dice: random.Random, body: bytes) -> bytes:
    """A few bytes changed, most of them near the begin, where the structure is; cut, doubled or spliced."""
    data = bytearray(body)
    for _ in range(dice.choice((0, 1, 2, 5, 20))):
        if data:
            reach = len(data) if dice.random() < 0.5 else min(len(data), 600)
            at = dice.randrange(reach)
            match dice.randrange(5):
                case 0:
                    data[at] = dice.randrange(256)
                case 1:
                    data[at : at + 4] = dice.choice((b"\xff\xff\xff\xff", bytes(4), b"\x00\x00\x00\x01", b"\x7f\xff\xff\xff"))
                case 2:
                    del data[at : at + dice.randrange(1, 400)]
                case 3:
                    data[at:at] = dice.randbytes(dice.randrange(1, 64))
                case _:
                    data[at] ^= 1 << dice.randrange(8)
    match dice.randrange(6):
        case 0:
            del data[dice.randrange(len(data) + 1) :]
        case 1:
            other = dice.choice(seeds())
            data[dice.randrange(len(data) + 1) :] = other[dice.randrange(len(other) + 1) :]
    return bytes(data)


def asked(dice: random.Random) -> None:
    """One look at mutated bytes with whatever else the fetch might say; its answer holds together."""
    body = mutated(dice, dice.choice(seeds()))
    init = dice.choice((None, fmp4_init(240), fmp4_init(360), mutated(dice, fmp4_init(360)), mutated(dice, seeds()[0])))
    kept, ended = dice.randrange(len(body) + 1), dice.randrange(len(body) + 1)
    head, tail = (body, b"") if dice.random() < 0.6 else (body[:kept], body[ended:])
    size = dice.choice((None, len(body), len(body), max(0, len(body) + dice.randrange(-500, 500))))
    seen = look(
        head, size=size, tail=tail, is_whole=dice.random() < 0.7, init=init, method=dice.choice(METHODS),
        extinf_s=dice.choice((0.0, 1.0, 4.0)), is_independent=dice.random() < 0.5,
    )  # fmt: skip
    assert seen.duration_s is None or 0 < seen.duration_s <= 3600
    assert seen.height is None or 0 < seen.height <= 65_535
    assert seen.first_time_s is None or seen.first_time_s >= 0
    assert seen.codecs.isascii() and seen.codecs.isprintable() and len(seen.codecs) <= 200
    assert len(seen.remarks) <= 3
    for remark in seen.remarks:
        assert remark.says.isprintable() and remark.says.isascii() and len(remark.says) <= 120


def test_two_thousand_mutated_segments_are_each_answered() -> None:
    dice = random.Random(5)
    begun = time.process_time()
    for _ in range(ORDINARY):
        asked(dice)
    assert time.process_time() - begun < 5


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_a_hundred_thousand_mutated_segments_are_each_answered() -> None:
    dice = random.Random(55)
    for _ in range(LONG):
        asked(dice)


@pytest.mark.parametrize(
    "body",
    [
        b"G" * 3_000_000,
        (b"G\x41\x00\x10\x00\x00\x01\xe0" + b"\x00" * 180) * 16_000,
        (b"G\x41\x00\x30\xb7\x10" + b"\xff" * 182) * 16_000,
        (b"\x00\x00\x00\x08free") * 400_000,
        b"\x00\x00\x00\x08moof" * 400_000,
        (b"\x00\x00\x00\x10moof" + b"\x00\x00\x00\x08traf") * 200_000,
        b"\xff\xf1\x4c\x80\x00\xff\xfc" * 430_000,
        b"ID3\x04\x00\x00\x00\x00\x00\x00" * 300_000,
        b"WEBVTT" + b"\nX-TIMESTAMP-MAP=" * 200_000,
        b"\x00\x00\x01" * 1_000_000,
        b"<" * 3_000_000,
        b" " * 3_000_000,
        bytes(3_000_000),
    ],
    ids=range(13),
)
def test_three_megabytes_of_malice_cost_no_more_than_a_moment(body: bytes) -> None:
    begun = time.process_time()
    look(body, extinf_s=4.0)
    assert time.process_time() - begun < 0.25

"""What waits to be told, and how much of it goes into one frame."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from console.model.instant import Instant
from console.model.observation import Asked, MediaFacts, Observation, Outcome, SegmentFacts, Variant
from console.model.orders import FRAME_LIMIT
from console.model.remark import EVIDENCE_LINE, EVIDENCE_LINES, Remark
from console.probe.outbox import LIMIT, WEIGHT_LIMIT, Outbox, _weight

PLAIN = Observation("c" * 200, "v" * 200, Asked.MEDIA, "r" * 100, Instant(datetime(2024, 1, 1, tzinfo=UTC), 1.0), 0.1, Outcome.OK)
REMARK = Remark("MUTATED", 1.0, "s" * 120, {"diff": ["+" * EVIDENCE_LINE] * EVIDENCE_LINES}, is_event=True)


def test_a_fleet_that_changes_all_at_once_goes_out_in_frames_that_may_be_sent():
    outbox = Outbox()
    heavy = msgspec.structs.replace(PLAIN, remarks=(REMARK,) * 4)
    ladder = msgspec.structs.replace(PLAIN, variants=(Variant("r" * 48, "u" * 300, codecs="c" * 100),) * 64)
    for _ in range(1000):
        outbox.put(heavy)
        outbox.put(ladder)
    told = 0
    while (batch := outbox.take()) is not None:
        assert len(msgspec.msgpack.encode(batch)) < FRAME_LIMIT / 2
        told += len(batch.observations)
    assert 1000 < told <= 2000


def test_its_weight_is_never_guessed_too_low_and_what_waits_is_bounded_by_count_and_by_weight():
    media = MediaFacts(4.0, 2**60, 1000, 2**60, "u" * 300, PLAIN.at.utc, 4.0, 24.0, 2**60, True, "EVENT", 12.0, PLAIN.at.utc)
    segment = SegmentFacts(2**60, 4.0, 10**9, "d" * 32, True, 1.0, 0.5, "encrypted", 4.0, True, 9e9, 10**9, 10**9, "c" * 120, 2160)
    long = msgspec.structs.replace(
        PLAIN, channel="c" * 253, vantage="v" * 253, rendition="r" * 253, detail="d" * 200, url="u" * 300, served_by="b" * 120,
        media=media, segment=segment,
    )  # fmt: skip
    heavy = msgspec.structs.replace(long, remarks=(REMARK,) * 8)
    for one in (PLAIN, long, heavy):
        assert len(msgspec.msgpack.encode(one)) <= _weight(one)
    light, full = Outbox(), Outbox()
    for _ in range(LIMIT + 100):
        light.put(PLAIN)
    for _ in range(1200):
        full.put(heavy)
    assert len(light._waiting) == LIMIT
    assert 0 < full._weight <= WEIGHT_LIMIT

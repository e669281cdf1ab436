"""DASH_UTC's measure, on a clock of the test's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec
import pytest

from console.model.instant import Instant
from console.probe.dash.clock import EVERY_S, ClockWatch, Source, parsed_body, source_of
from console.probe.dash.manifest import Manifest, Timing
from console.probe.date import parsed_date

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
URL = "https://time.test/now"


def manifest(*timings: Timing) -> Manifest:
    return Manifest(
        is_dynamic=True, starts_at=NOW, published_at=None, update_period_s=2.0, depth_s=None, delay_s=None, latency_s=None,
        duration_s=None, timings=timings, periods=(),
    )  # fmt: skip


def watch(scheme: str = "http-iso") -> ClockWatch:
    one = ClockWatch()
    one.follow(manifest(Timing(scheme, URL)), 4.0)
    return one


def ask(one: ClockWatch, mono: float, offset_s: float, elapsed_s: float = 0.1) -> Source | None:
    """Asks if it is due; the source's clock is `offset_s` ahead of ours in the middle of the round trip."""
    source = one.due(mono)
    if source is not None:
        told = NOW + timedelta(seconds=mono + offset_s)
        at = Instant(NOW + timedelta(seconds=mono + elapsed_s / 2), mono + elapsed_s / 2)
        one.answered(source, told.isoformat().encode(), format_datetime(told, usegmt=True), at, elapsed_s)
    return source


def value(one: ClockWatch) -> float | None:
    remark = one.remark()
    return remark.value if remark is not None else None


def test_a_good_source_is_asked_seldom_and_says_nothing() -> None:
    one = watch()
    asked = [mono for mono in range(60) if ask(one, float(mono), 0.2)]
    assert asked == [0, 15, 30, 45] and EVERY_S == 15.0
    assert value(one) is None


def test_a_wrong_source_is_asked_again_at_once_and_then_told_with_every_copy() -> None:
    one = watch()
    ask(one, 0.0, 5.0)
    assert value(one) is None  # one odd answer proves nothing
    assert ask(one, 0.9, 5.2) is None
    assert ask(one, 1.1, 5.2)
    assert value(one) == pytest.approx(5.0, abs=0.01)
    assert ask(one, 17.0, 0.1)
    assert value(one) is None


@pytest.mark.parametrize("offset_s", [0.3, -0.4, 0.54])
def test_what_the_round_trip_leaves_open_is_not_told(offset_s: float) -> None:
    one = watch()
    ask(one, 0.0, offset_s)
    ask(one, 1.5, offset_s)
    assert value(one) is None


def test_a_date_has_whole_seconds_and_gets_the_benefit() -> None:
    one = watch("http-head")
    for mono in (0.0, 1.5):
        ask(one, mono, 0.7)
    assert value(one) is None
    for mono in (16.6, 18.0):
        ask(one, mono, -3.0)
    assert value(one) == pytest.approx(3.0, abs=0.6)


def test_a_slow_or_senseless_answer_measures_nothing() -> None:
    one = watch()
    for mono in (0.0, 1.5, 17.0):
        ask(one, mono, 5.0, elapsed_s=3.0)
    assert value(one) is None
    source = Source(URL, "GET", "http-iso")
    for body in (b"", b"<html>", b"\xff" * 500, b"99999-01-01T00:00:00Z"):
        one.answered(source, body, "", Instant(NOW, 20.0), 0.1)
    assert value(one) is None


def test_when_our_own_clock_is_the_odd_one_nothing_is_told() -> None:
    one = watch()
    for mono in (0.0, 1.5):
        ask(one, mono, 6.0)
    assert value(one) == pytest.approx(6.0, abs=0.01)
    one.served(format_datetime(NOW + timedelta(seconds=6.0), usegmt=True), Instant(NOW, 2.0), 0.1)
    assert value(one) is None
    one.served(format_datetime(NOW, usegmt=True), Instant(NOW, 3.0), 0.1)
    assert value(one) is not None


def test_another_source_begins_anew() -> None:
    one = watch()
    for mono in (0.0, 1.5):
        ask(one, mono, 6.0)
    one.follow(manifest(Timing("http-iso", "https://other.test/")), 4.0)
    assert value(one) is None and one.due(2.0) is not None


def test_only_http_sources_are_asked() -> None:
    assert source_of(Timing("http-head", URL)) == Source(URL, "HEAD", "http-head")
    for timing in (Timing("ntp", "ntp.test"), Timing("direct", "2026-03-01T12:00:00Z"), Timing("http-iso", "file:///etc/passwd")):
        assert source_of(timing) is None
    one = ClockWatch()
    one.follow(msgspec.structs.replace(manifest(Timing("http-iso", URL)), is_dynamic=False), 4.0)
    assert one.due(0.0) is None


def test_times_are_read_as_sources_write_them() -> None:
    for body in (b"2026-03-01T12:00:00Z", b" 2026-03-01T12:00:00.000Z\n", b"2026-03-01T13:00:00+01:00"):
        assert parsed_body(body) == NOW
    assert parsed_date("Sun, 01 Mar 2026 12:00:00 GMT") == NOW
    assert parsed_body(b"noon") is None and parsed_date("noon") is None

"""What the headers of a playlist's answer give away. T = 4 s."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from console.model.channel import Channel, Vantage
from console.model.instant import Instant
from console.model.observation import Asked, Outcome
from console.model.severity import Layer
from console.probe.delivery import Delivery, max_age_s
from console.probe.fetch import Answer
from console.probe.schedule import begun
from console.probe.target import Target
from tests.console.probe.dash.test_remarks import PLAIN, text

GOOD = Answer(
    Outcome.OK,
    Instant(datetime(2024, 1, 1, tzinfo=UTC), 1.0),
    0.1,
    "http://h.test/a/index.m3u8?sig=s3cret",
    status=200,
    content_type="application/vnd.apple.mpegurl; charset=utf-8",
    content_encoding="gzip",
    cache_control="max-age=2",
    allow_origin="*",
)


def told(answer: Answer, size: int = 3000, target_s: float | None = 4.0, is_live: bool = True, **more):
    return Delivery().remarks(answer, size, target_s, is_live, **more)


def with_(**more: object) -> Answer:
    return msgspec.structs.replace(GOOD, **more)


def test_a_well_delivered_playlist_is_not_remarked_upon():
    assert told(GOOD) == ()
    assert told(with_(age_header_s=4.0)) == ()
    assert told(with_(content_encoding=""), size=1400) == ()  # fits into a packet
    assert told(with_(content_type="text/plain")) == ()  # known by its name
    assert told(with_(content_type="application/dash+xml", url="http://h.test/a"), is_dash=True) == ()


@pytest.mark.parametrize(
    ("answer", "value", "word"),
    [
        (with_(cache_control="public, max-age=12"), 3.0, "12 s, T is 4 s"),
        (with_(cache_control="max-age=1, s-maxage=60"), 15.0, "60 s"),
        (with_(age_header_s=10.0), 2.5, "10 s old"),
        (with_(content_encoding=""), 1.0, "not compressed"),
        (with_(allow_origin=""), 1.0, "Access-Control-Allow-Origin"),
        (with_(content_type="text/html"), 1.0, "text/html"),
        (with_(content_type="", url="http://h.test/live"), 1.0, "missing"),
    ],
)
def test_each_cause_is_told_with_its_measure(answer: Answer, value: float, word: str):
    (remark,) = told(answer)
    assert (remark.code, remark.value, remark.is_event) == ("CACHE_HDR", value, False)
    assert word in remark.says and len(remark.says) <= 120
    assert "s3cret" not in repr(remark)


def test_several_causes_are_one_remark_with_the_gravest_measure():
    (remark,) = told(with_(cache_control="max-age=8", content_encoding="", allow_origin="", content_type="text/html"))
    assert remark.value == 2.0
    assert len(remark.evidence["causes"]) == 4  # type: ignore[arg-type]
    assert remark.evidence["kinds"] == ["held", "gzip", "cors", "type"]


def test_what_does_not_move_may_be_kept():
    assert told(with_(cache_control="max-age=3600", age_header_s=900.0), is_live=False) == ()


def test_what_may_not_be_kept_is_not_kept():
    assert max_age_s("no-store, max-age=60") == max_age_s("no-cache") == max_age_s("") == 0.0
    assert max_age_s("public,MAX-AGE = 7") == 7.0


def test_a_304_is_judged_by_the_headers_of_the_answer_that_it_confirms_and_by_its_own_age():
    delivery = Delivery()
    delivery.remarks(GOOD, 3000, 4.0, True)
    bare = Answer(Outcome.OK, GOOD.at, 0.1, GOOD.url, status=304)
    assert delivery.remarks(bare, 3000, 4.0, True) == ()
    (remark,) = delivery.remarks(msgspec.structs.replace(bare, age_header_s=8.0), 3000, 4.0, True)
    assert remark.value == 2.0
    assert delivery.remarks(bare, 3000, 4.0, True) == ()


def test_nothing_is_made_anew_while_the_headers_stay_as_they_are():
    delivery = Delivery()
    first = delivery.remarks(with_(allow_origin=""), 3000, 4.0, True)
    assert first and delivery.remarks(with_(allow_origin=""), 3100, 4.0, True) is first


@pytest.mark.parametrize(
    ("update", "cache_control", "value"),
    [
        ('minimumUpdatePeriod="PT2S"', "max-age=12", 6.0),
        ('minimumUpdatePeriod="PT2S"', "max-age=1", None),
        ('minimumUpdatePeriod="PT30S"', "max-age=12", None),  # its copies are valid for so long
        ('minimumUpdatePeriod="PT30S"', "max-age=60", 2.0),
    ],
)
def test_an_mpd_may_be_kept_for_half_of_a_segment_or_of_its_update_period(update: str, cache_control: str, value: float | None):
    vantage = Vantage("edge", Layer.EDGE, "https://cdn.test/live.mpd")
    target = Target(Channel("one", (vantage,)), vantage, Asked.MASTER, None, vantage.url, begun("one", 0.0, 1.0))
    answer = with_(
        body=text(PLAIN, update=update), url=vantage.url, content_type="application/dash+xml", cache_control=cache_control
    )
    seen = target.observed(answer, is_retry=False)
    assert seen.outcome is Outcome.OK
    assert [remark.value for remark in seen.remarks if remark.code == "CACHE_HDR"] == ([] if value is None else [value])

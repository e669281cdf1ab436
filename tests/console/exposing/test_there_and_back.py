"""What a shard of probers tells is what a console far away reads back, and neither repeats what has grown old."""

from __future__ import annotations

import math
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from console.exposing.port import Spoken, listening
from console.exposing.word import FRESH_S, Word
from console.model import exposition as names
from console.model.channel import Channel
from console.model.finding import ChannelVerdict, Finding
from console.model.instant import Instant
from console.model.observation import Heartbeat
from console.model.severity import Layer, Mark, Severity
from console.sources.prometheus.answer import Series
from console.sources.prometheus.findings import read

AT = datetime(2024, 3, 1, 2, 0, tzinfo=UTC)
NOW = Instant(AT, 1000.0)
STALE = Finding(
    code="STALE",
    entity="uk-sport-1",
    rendition="1080p",
    layer=Layer.EDGE,
    vantage=None,
    severity=Severity.CRIT,
    reason='1080p stale at 3 of 4 edges, "origin" fresh: newest segment 14 s old',
    first_seen=AT - timedelta(seconds=40),
    last_seen=AT,
    evidence={"vantages": ["edge-lhr", "edge-syd"], "age_s": 14.0},
    spec_ref="RFC 8216bis 6.2.1",
)
SICK = ChannelVerdict(
    channel="uk-sport-1",
    severity=Severity.CRIT,
    findings=(STALE,),
    reason=STALE.reason,
    watched_s=62.5,
    is_settled=True,
    target_duration_s=4.0,
    worst_age_over_t=3.5,
    latency_s=31.0,
    renditions_ok=4,
    renditions_expected=5,
)
WELL = ChannelVerdict(channel="jp-music", severity=Severity.OK, mark=Mark.ENDED, watched_s=9.0, is_settled=True)


def word(*verdicts: ChannelVerdict, shard: str = "1/2", at: Instant = NOW) -> Word:
    channels = {verdict.channel: Channel(name=verdict.channel, vantages=()) for verdict in verdicts}
    beat = Heartbeat(at=at, poll_lag_s=0.004, loop_lag_s=0.001, channels=2, polls=90, bytes_in=1, in_flight=0)
    return Word(shard, at, channels, {verdict.channel: verdict for verdict in verdicts}, beat)


def scraped(*words: Word, now: Instant = NOW) -> list[Series]:
    """The words as a store holds them after its scrapes: through the text format and back."""
    series = []
    for each in words:
        spoken, registry = Spoken(lambda: now), CollectorRegistry(auto_describe=False)
        spoken.word = each
        registry.register(spoken)
        for family in text_string_to_metric_families(generate_latest(registry).decode()):
            series += [Series({**sample.labels, "__name__": sample.name}, ((0.0, sample.value),)) for sample in family.samples]
    return series


def test_a_verdict_comes_back_as_it_was_told():
    told = read(scraped(word(SICK, WELL)), AT + timedelta(seconds=5))
    assert told.ages_s == {"1/2": 5.0}
    sick, well = told.verdicts["uk-sport-1"], told.verdicts["jp-music"]
    back = sick.findings[0]
    assert msgspec.structs.replace(sick, findings=(), reason="") == msgspec.structs.replace(SICK, findings=(), reason="")
    assert (back.key, back.severity, back.first_seen, back.spec_ref) == (STALE.key, STALE.severity, STALE.first_seen, STALE.spec_ref)
    assert back.evidence["vantages"] == ["edge-lhr", "edge-syd"]
    assert (well.severity, well.mark, well.findings) == (Severity.OK, Mark.ENDED, ())


def test_a_reason_carries_no_number_that_would_make_a_new_series_of_an_old_fault():
    told = read(scraped(word(SICK)), AT)
    assert told.verdicts["uk-sport-1"].findings[0].reason == '1080p stale at 3 of 4 edges, "origin" fresh'


def test_what_is_not_known_is_no_series():
    series = scraped(word(WELL))
    assert not [one for one in series if one.labels["__name__"] in (names.AGE, names.LATENCY, names.TARGET)]
    assert read(series, AT).verdicts["jp-music"].latency_s is None


def test_a_shard_whose_judge_stands_still_tells_of_no_channel_any_more():
    later = NOW.plus(FRESH_S)
    kept = {one.labels["__name__"] for one in scraped(word(SICK), now=later)}
    assert kept == {names.JUDGED, names.SHARD}


def test_a_shard_that_has_died_makes_its_channels_unknown_though_the_store_still_shows_them():
    told = read(scraped(word(SICK)), AT + timedelta(seconds=90))
    verdict = told.verdicts["uk-sport-1"]
    assert (verdict.severity, verdict.findings) == (Severity.UNKNOWN, ())
    assert "1/2" in verdict.reason and "90 s" in verdict.reason


def test_of_two_replicas_the_one_that_judged_last_is_believed():
    old = word(msgspec.structs.replace(SICK, severity=Severity.OK, findings=()), shard="b")
    new = word(SICK, shard="a", at=NOW.plus(3.0))
    for words in ((old, new), (new, old)):
        assert read(scraped(*words, now=NOW.plus(3.0)), AT + timedelta(seconds=4)).verdicts["uk-sport-1"].severity is Severity.CRIT


def test_two_findings_of_one_series_do_not_spoil_the_scrape():
    twice = msgspec.structs.replace(SICK, findings=(STALE, msgspec.structs.replace(STALE, last_seen=AT)))
    assert len(read(scraped(word(twice)), AT).verdicts["uk-sport-1"].findings) == 1


@given(
    st.lists(
        st.builds(
            Series,
            st.dictionaries(
                st.sampled_from(["__name__", "channel", "shard", "severity", "layer", "code", "which", "mark"]),
                st.one_of(
                    st.sampled_from([names.JUDGED, names.SEVERITY, names.FINDING, names.RENDITIONS, names.STATE, names.AGE]),
                    st.text(max_size=8),
                ),
            ),
            st.tuples(st.tuples(st.just(0.0), st.floats())),
        ),
        max_size=30,
    )
)
def test_whatever_the_store_holds_under_these_names_breaks_nothing(series: list[Series]):
    told = read(series, AT)
    assert all(not math.isnan(age) for age in told.ages_s.values())


@pytest.fixture
def port() -> Any:
    spoken = Spoken(lambda: NOW)
    with listening(spoken, "127.0.0.1", 0) as number:
        yield spoken, number


def test_a_scraper_gets_the_newest_word_over_http(port: Any):
    spoken, number = port
    url = f"http://127.0.0.1:{number}/metrics"
    assert "midwatch_channel" not in urllib.request.urlopen(url, timeout=5).read().decode()
    spoken.word = word(SICK)
    text = urllib.request.urlopen(url, timeout=5).read().decode()
    assert 'midwatch_channel_severity{channel="uk-sport-1",shard="1/2"} 2.0' in text
    assert 'midwatch_prober_polls{shard="1/2"} 90.0' in text

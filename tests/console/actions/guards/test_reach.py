"""What an action may touch, and the line that says so."""

from __future__ import annotations

from datetime import timedelta
from math import nan

import pytest

from console.actions.guards.reach import blast
from console.model.channel import Channel
from console.model.severity import State as Seen
from tests.console.actions.guards.sample import CALM, NOW, SURVEY, case, channel, pods, streams

CHANNELS = (channel("uk-sport-1", "packager"), channel("uk-news-1", "packager"), channel("jp-music-1", "packager-b", pop="nrt"))


def of(**fields: object):
    given = case(**fields)
    return given.blast


def test_the_line_says_what_is_at_stake() -> None:
    reach = of(
        scene_streams=streams(CHANNELS, {"uk-sport-1": 400_000, "uk-news-1": 2_000.4}),
        survey_last_change_at=NOW.utc - timedelta(minutes=13),
    )
    assert (reach.pods, reach.channels, reach.viewers) == (8, ("uk-news-1", "uk-sport-1"), 402_000)
    assert reach.text == "8 pods · 2 channels, 402k viewers now · PDB packager allows 1 · last change 13 min ago"


def test_a_channel_is_touched_by_the_workload_of_its_vantage_too() -> None:
    reach = of(scene_streams=streams(CHANNELS, {"jp-music-1": 5}), survey_services=("edge-nrt",), survey_affected=pods("edge-nrt", "a", 2))
    assert (reach.channels, reach.viewers) == (("jp-music-1",), 5)


@pytest.mark.parametrize(
    ("reading", "viewers"),
    [
        (streams(CHANNELS, {"uk-sport-1": 5, "uk-news-1": 6}), 11),
        (streams(CHANNELS, {"uk-sport-1": 5}), None),
        (streams(CHANNELS, {"uk-sport-1": 5, "uk-news-1": None}), None),
        (streams(CHANNELS, {"uk-sport-1": 5, "uk-news-1": nan}), None),
        (streams(CHANNELS, {"uk-sport-1": 5, "uk-news-1": -1}), None),
        (streams(CHANNELS, {"uk-sport-1": 5, "uk-news-1": 6}, metrics_state=Seen.STALE), None),
        (streams(CHANNELS, {"uk-sport-1": 5, "uk-news-1": 6}, metrics_state=None), None),
        (streams(CHANNELS, {"uk-sport-1": 5, "uk-news-1": 6}, state=Seen.ERROR), None),
    ],
)
def test_a_number_of_viewers_that_is_missing_makes_their_sum_unknown(reading, viewers: int | None) -> None:
    reach = of(scene_streams=reading)
    assert (reach.channels, reach.viewers) == (("uk-news-1", "uk-sport-1"), viewers)
    assert ("viewers not known" in reach.text) == (viewers is None)


@pytest.mark.parametrize(
    "fields",
    [
        {"scene_streams": None},
        {"scene_streams": streams([Channel(name="a", vantages=())], {"a": 5})},  # nothing says which service does what
        {"survey_services": (), "survey_affected": pods("", "a", 2)},
    ],
)
def test_without_knowing_what_stands_behind_a_channel_none_is_ruled_out(fields: dict[str, object]) -> None:
    reach = of(**fields)
    assert (reach.channels, reach.viewers) == (None, None)
    assert "channels and viewers not known" in reach.text


def test_pods_that_could_not_be_read_are_not_none() -> None:
    reach = blast(SURVEY.__class__(unread={"pods": "403"}), CALM)
    assert (reach.pods, reach.channels) == (None, None)
    assert reach.text.startswith("pods not known")


def test_what_takes_nothing_away_touches_no_channel() -> None:
    reach = of(survey_affected=(), survey_budgets=())
    assert (reach.pods, reach.channels, reach.viewers, reach.text) == (0, (), 0, "0 pods")


def test_budgets_that_are_not_known_are_told_so() -> None:
    from tests.console.actions.guards.sample import Budget

    unknown = Budget(namespace="live", name="packager", allowed=None)
    assert "PDB packager allows ?" in of(survey_budgets=(unknown,)).text
    assert "budgets not known" in of(survey_unread={"budgets": "403"}).text


def test_load_that_moves_is_told_by_its_worst_target() -> None:
    reach = of(survey_affected=(), survey_budgets=(), survey_services=("edge-lhr",), survey_load_after=(("cdn-a", 0.8), ("cdn-b", 0.5)))
    assert reach.text == "0 pods · 1 channel, 900 viewers now · cdn-a at 80 % after"

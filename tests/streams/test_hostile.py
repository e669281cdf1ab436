"""Hostile answers: each is a finding, none is a way in, nothing secret is told, and nobody beside them is harmed."""

from __future__ import annotations

import json

import msgspec
import pytest

from console.model.severity import Severity
from tests.streams.hostile import MASTERS, SECRET, HostileShow
from tests.streams.night import Night, channel_of
from tests.streams.show import LADDER, Style
from tests.streams.truth import false_of

pytestmark = pytest.mark.timeout(400)  # a night is as long as its bytes take, however busy the machine is
CONTROLS = ("control-1", "control-2")


@pytest.fixture(scope="module")
def night() -> Night:
    night = Night()
    for how in MASTERS:
        night.add_show(channel_of(how, Style(edges=())), HostileShow(how))
    for name in CONTROLS:
        night.add(name, Style(edges=("lhr",), ladder=LADDER[:2]))
    return night.run(24.0)


@pytest.mark.parametrize("how", MASTERS)
def test_it_is_a_finding_and_the_channel_is_bad(night: Night, how: str):
    watched = night.watched[how]
    assert watched.told, watched.last
    assert watched.last is not None and watched.last.severity is Severity.CRIT


@pytest.mark.parametrize("how", MASTERS)
def test_nothing_secret_and_nothing_unprintable_is_told(night: Night, how: str):
    text = json.dumps([msgspec.to_builtins(told) for told in night.watched[how].told], ensure_ascii=False)
    assert SECRET not in text and "admin:" not in text and "root:" not in text
    assert not [c for c in text if ord(c) < 32 or 126 < ord(c) < 160], text


def test_the_channels_beside_them_are_well(night: Night):
    for name in CONTROLS:
        watched = night.watched[name]
        assert false_of(watched, []) == []
        assert watched.last is not None and (watched.last.severity, watched.last.is_settled) == (Severity.OK, True)


def test_the_prober_lives_and_goes_on_asking(night: Night):
    assert night.errors == []
    assert night.heartbeats[-1].polls > 0 and night.heartbeats[-1].channels == len(night.watched)
    assert all(night.station.asked[name] >= 3 for name in night.watched if name != "endless")


@pytest.mark.parametrize("how", ["to-file", "to-metadata"])
def test_a_redirect_to_where_only_this_machine_can_look_is_refused_and_said(night: Night, how: str):
    reasons = " ".join(told.reason for told in night.watched[how].told)
    assert "only http and https" in reasons or "only this machine" in reasons

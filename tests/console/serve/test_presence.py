"""Who is here, as each of them is told."""

from __future__ import annotations

from console.actions.audit.operation import Actor
from console.serve import presence as rooms
from console.serve.presence import Presence
from tests.hand_clock import HandClock

MEI, INES = Actor(name="mei", id="SHA256:mei"), Actor(name="ines", id="SHA256:ines")


def test_every_session_is_told_once_in_the_order_in_which_they_came() -> None:
    clock = HandClock()
    presence = Presence(clock)
    first = presence.enter(MEI, address="10.0.0.1")
    clock._mono += 60
    second = presence.enter(MEI, address="10.0.0.2")
    third = presence.enter(INES, address="10.0.0.3")
    second.looks_at("logs")
    assert [(each.name, each.view, each.is_self) for each in third.here] == [
        ("mei", "overview", False), ("mei", "logs", False), ("ines", "overview", True),
    ]  # fmt: skip
    assert [(each.since - first.since).total_seconds() for each in third.here] == [0.0, 60.0, 60.0]
    second.leave()
    second.leave()
    assert third.count == 2 and third.is_here("mei")
    first.leave()
    assert third.count == 1 and not third.is_here("mei") and third.is_here("ines")


def test_an_address_is_told_to_its_owner_and_to_who_may_see_it_at_this_moment() -> None:
    may = False
    presence = Presence(HandClock())
    presence.enter(MEI, address="10.0.0.1")
    again = presence.enter(Actor(name="mei", id="SHA256:other"), address="10.0.0.2")
    ines = presence.enter(INES, address="10.0.0.3", sees_addresses=lambda: may)
    assert [each.address for each in again.here] == ["10.0.0.1", "10.0.0.2", ""]
    assert [each.address for each in ines.here] == ["", "", "10.0.0.3"]
    may = True
    assert [each.address for each in ines.here] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def test_when_somebody_was_here_last_counts_from_the_last_of_their_sessions(monkeypatch) -> None:
    monkeypatch.setattr(rooms, "REMEMBERED", 3)
    clock = HandClock()
    presence = Presence(clock)
    one, two = presence.enter(MEI), presence.enter(MEI)
    assert one.last_here is None
    one.leave()
    assert presence.enter(MEI).last_here is None, "another session of theirs has told everything"
    for visit in presence.visits:
        clock._mono += 30
        visit.leave()
    left = clock.now().utc
    clock._mono += 600
    assert presence.enter(MEI).last_here == left
    assert two.last_here is None
    for number in range(10):
        presence.enter(Actor(name=f"guest-{number}")).leave()
    assert len(presence._left) == 3, "of strangers no more is kept than is of use"

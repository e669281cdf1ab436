"""What may not be read is nowhere: in no pane, digest, page, target or line; and what may be read is there."""

from __future__ import annotations

import json
import re

import msgspec
import pytest

from console.app import details
from console.app.targets import targets_of
from console.feeds.desk import VIEWS, Desk, panes_of
from console.feeds.sight import Eyes
from console.model.failure import Failure, FailureKind
from console.model.scope import Scope
from console.model.severity import State
from console.model.sight import Sight
from console.rows import curl, digest
from console.snapshot import Session
from tests.console.feeds.sight_world import WorldDesk, canaries, pod
from tests.hand_clock import HandClock
from views.pane import Selection

LIVE = Sight.of([(("live",), ("*",))])
EVERYWHERE = Scope()
SCOPES = (EVERYWHERE, Scope.parse(["channel=uk-sport-1"]), Scope.parse(["namespace=vod"]), Scope.parse(["service=canary-vod-packager"]))
FORBIDDEN = Failure(FailureKind.UNAUTHORIZED, "list pods in vod", "kubernetes apac-1", "403: no pods in vod", "ask about canary-vod-x")
PANES = tuple(dict.fromkeys(name for view in VIEWS for name in panes_of(view)))


def told(world: WorldDesk, desk: Desk, scope: Scope) -> dict[str, str]:
    """Everything that a desk gives out, as text, by where it was found."""
    now = world.now
    found: dict[str, str] = {}
    seats = {name: desk.sit(name) for name in (*PANES, "channel")}
    for name, seat in seats.items():
        found[f"pane {name}"] = repr(seat.pane(scope, now))
        found[f"reading {name}"] = repr(seat.reading)
    found["rollouts"] = repr(desk.rollouts(seats["workloads"], scope, now))
    for channel in ("uk-sport-1", "fr-news-1"):
        page = desk.channel(channel, seats["streams"], seats["incidents"], seats["workloads"], now)
        found[f"page {channel}"] = repr(page)
        for row in page.findings:
            selection = Selection("streams", channel, channel=channel, service=row.service, row=row)
            found[f"evidence {channel}"] = repr(details.evidence(selection, ()))
            assert page.channel is not None
            found[f"curl {channel}"] = curl.of_finding(page.channel, row.finding)
    for view in VIEWS:
        session = Session(desk, "site", view, scope)
        session.open()
        moment = session.digest()
        session.close()
        found[f"json {view}"] = digest.to_json(moment).decode()
        found[f"text {view}"] = digest.to_text(moment, 400)
    workloads = seats["workloads"].reading
    assert workloads is not None and workloads.value is not None
    for name in PANES:
        for row in seats[name].pane(scope, now).rows[:40]:
            service = getattr(row, "service", None)
            pod = row.name if name == "workloads" else getattr(row, "pod", None)
            selection = Selection(name, row.name, service=service, pod=pod, row=row)
            found[f"describe {name} {row.name}"] = repr(details.described(selection))
            found[f"events {name} {row.name}"] = repr(details.events(selection, workloads.value.events.values()))
            found[f"targets {name} {row.name}"] = repr(targets_of(selection, workloads.value))
    if desk.ring is not None:
        found["ring"] = repr([desk.ring.line(seq) for seq in range(desk.ring.first_seq, desk.ring.last_seq + 1)])
        found["newest"] = repr(list(desk.ring.newest(100)))
    for seat in seats.values():
        seat.close()
    return found


def leaks(found: dict[str, str], scope: Scope = EVERYWHERE) -> dict[str, str]:
    """Where a word of the hidden namespace is, or its name, with what stands around it. What one typed oneself is told back."""
    hits = {}
    for where, text in found.items():
        typed = [json.dumps(dict(scope.pairs), separators=(",", ":")), str(scope) or "\0"]
        for word in typed:
            text = text.replace(word, "")
        if (hit := re.search(r"canary-vod|\bvod\b", text)) is not None:
            hits[where] = text[max(0, hit.start() - 80) : hit.end() + 60]
    return hits


@pytest.mark.parametrize("scope", SCOPES, ids=str)
async def test_no_word_of_a_hidden_namespace_is_given_out_anywhere(scope: Scope) -> None:
    world = WorldDesk(canaries(HandClock().now()))
    found = told(world, world.desk.seen_by(LIVE), scope)
    assert not leaks(found, scope)


async def test_with_the_right_to_read_it_every_place_tells_of_it() -> None:
    world = WorldDesk(canaries(HandClock().now()))
    found = told(world, world.desk.seen_by(Sight.of([(("vod", "live"), ("*",))])), Scope())
    for where in (
        "pane workloads", "reading workloads", "pane streams", "pane logs", "pane incidents", "pane actions", "rollouts", "page uk-sport-1",
        "evidence uk-sport-1", "json overview", "text overview", "json workloads", "json logs", "json incidents", "json actions", "ring",
        "newest", "curl uk-sport-1",
    ):  # fmt: skip
        assert "canary-vod" in found[where], where


async def test_what_may_be_read_is_all_there_beside_what_may_not() -> None:
    world = WorldDesk(canaries(HandClock().now()))
    seen = told(world, world.desk.seen_by(LIVE), Scope())
    for where in ("pane workloads", "pane streams", "pane logs", "pane incidents", "pane actions", "rollouts", "ring", "page fr-news-1"):
        assert "canary-live" in seen[where], where




async def test_while_a_cluster_has_not_answered_no_name_is_shown_that_is_not_known_to_be_readable() -> None:
    """At the start nobody knows whose a name is: neither a channel's workload nor a pod in a sentence is told then."""
    full = canaries(HandClock().now())
    world = WorldDesk(msgspec.structs.replace(full, pods=[], deployments=[], events=[], unread=("apac-1 pods", "apac-1 deployments")))
    found = told(world, world.desk.seen_by(LIVE), EVERYWHERE)
    assert not leaks(found)
    assert "1080p STALE" in found["pane streams"] and "edge-lhr" in found["page uk-sport-1"]


async def test_a_name_that_was_hidden_stays_so_when_its_bearer_is_gone() -> None:
    world = WorldDesk(canaries(HandClock().now()))
    desk = world.desk.seen_by(LIVE)
    told(world, desk, EVERYWHERE)
    world.world.pods = [each for each in world.world.pods if each.namespace != "vod"]
    world.world.deployments = [each for each in world.world.deployments if each.namespace != "vod"]
    world.world.events = []
    world.later(5.0)
    assert not leaks(told(world, desk, EVERYWHERE))


async def test_a_name_that_a_readable_thing_bears_too_is_shown() -> None:
    now = HandClock().now()
    world = canaries(now)
    world.pods.append(pod("live", "canary-vod-packager-1-x", now, service="canary-vod-packager"))
    desk = WorldDesk(world)
    rows = desk.desk.seen_by(LIVE).sit("streams").pane(EVERYWHERE, now).rows
    assert "canary-vod-packager" in [row.service for row in rows]


async def test_what_fails_is_told_by_its_kind_and_not_in_the_words_of_a_backend() -> None:
    world = WorldDesk(canaries(HandClock().now()))
    for feed in world.feeds.values():
        feed.set(msgspec.structs.replace(feed.topic.reading.failed(FORBIDDEN), partial_reason=FORBIDDEN.short))
    desk = world.desk.seen_by(LIVE)
    assert not leaks(told(world, desk, EVERYWHERE))
    pane = desk.sit("workloads").pane(EVERYWHERE, world.now)
    assert pane.error is not None
    assert str(pane.error).startswith("ask on kubernetes: refused our credential")


async def test_a_fault_of_ours_while_filtering_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    world = WorldDesk(canaries(HandClock().now()))
    desk = world.desk.seen_by(LIVE)
    monkeypatch.setattr(Eyes, "_workloads", lambda *_: 1 / 0)
    pane = desk.sit("workloads").pane(EVERYWHERE, world.now)
    assert pane.rows == () and pane.state is State.ERROR and "midwatch" in str(pane.error)


async def test_lines_of_an_index_that_may_not_be_read_are_not_there() -> None:
    world = WorldDesk(canaries(HandClock().now()))
    ring = world.desk.seen_by(Sight.of([(("*",), ("logs-live-*",))])).ring
    assert ring is not None
    lines = list(ring.newest(100))
    assert lines and {line.index for line in lines} == {"logs-live-1"}


async def test_what_counts_are_of_is_said() -> None:
    world = WorldDesk(canaries(HandClock().now()))
    pane = world.desk.seen_by(LIVE).sit("logs").pane(EVERYWHERE, world.now)
    assert "of all lines" in pane.note
    assert "of all lines" not in world.desk.sit("logs").pane(EVERYWHERE, world.now).note


async def test_a_text_from_elsewhere_can_be_held_against_what_is_hidden() -> None:
    world = WorldDesk(canaries(HandClock().now()))
    desk = world.desk.seen_by(LIVE)
    assert desk.hides("evict kube:apac-1/vod/pod/anything") and desk.hides("3 pods of canary-vod-packager-77-x, or so")
    assert not desk.hides("evict kube:apac-1/live/pod/canary-live-db-0")
    assert not world.desk.hides("kube:apac-1/vod/pod/anything")

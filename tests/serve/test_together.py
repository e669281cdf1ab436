"""Two people over real SSH, in one server that writes: what one wants a second person for, the other is asked at once, and what
is then done is done in the first one's name. The witness is the log of what reached the platform's API server.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.e2e.platform import Platform, platform
from tests.e2e.waiting import until
from tests.serve.client import Window
from tests.serve.keys import Keys
from tests.serve.server import Serving, serving

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
POLICY = """
high = { approvals = 1, reason = true }
tiers = { "deployment.*" = "high" }

[roles.operator]
people = ["ada", "grace"]
may = ["deployment.*"]
approve = ["deployment.*"]

[roles.viewer]
people = ["carl"]

[limits]
floor_ratio = 0.0
"""
PEOPLE = ("ada", "grace", "carl")
WHERE = "/apis/apps/v1/namespaces/live/deployments"
NOT_LIVE = ("connecting", "stale", "WHY")
AT_ONCE_S = 3.0  # on a busy machine; on a quiet one it is the time of a frame
PACE_S = 0.15  # between two keys: what types faster is not taken for a hand
SETTLED_S = 0.8  # a form is deaf for half a second after it has opened, and enter counts once the text has stood a moment


class Sent(msgspec.Struct, frozen=True):
    """A request that was to change something, as the API server saw it."""

    method: str
    path: str
    identity: str  # whose token it was
    acts_as: str  # Impersonate-User
    is_dry: bool


@pytest.fixture(scope="module")
def watched(place: Path) -> Iterator[Platform]:
    """A platform that writes down what it is asked."""
    own = place / "watched"
    with platform(own, "calm", wire_log=str(own / "wire.jsonl")) as running:
        yield running


@pytest.fixture(scope="module")
def shared(place: Path, watched: Platform, keys: Keys) -> Iterator[Serving]:
    """A server of theirs, that may write."""
    own = place / "shared"
    (own / "people").mkdir(parents=True, mode=0o755)
    for name in PEOPLE:
        (own / "people" / name).write_text(keys.public(name) + "\n")
    with serving(own, watched, keys, "--write", policy=POLICY) as running:
        yield running


def sent(site: Platform, op: str) -> list[Sent]:
    """Of this operation: rehearsals and locks too."""
    lines = [json.loads(line) for line in (site.place / "wire.jsonl").read_bytes().split(b"\n")[:-1]]
    return [
        Sent(each["method"], each["path"], each.get("identity", ""), each.get("acts_as", ""), bool(each.get("dry_run")))
        for each in lines
        if each.get("write") and f"midwatch ({op}" in each.get("agent", "")
    ]


def hand(terminal: Window, *keys: str) -> None:
    """Keys at a hand's pace."""
    for key in keys:
        time.sleep(PACE_S)
        terminal.press(key)


def meant(terminal: Window, text: str, hint: str) -> None:
    """The text that stands for meaning it, then enter. A busy machine hands keys over in a bunch, which is no hand's."""
    for _ in range(4):
        hand(terminal, *text)
        until(
            lambda: hint in terminal.screen or "type it again" in terminal.screen, f"{hint}, or why not", 20, seen=lambda: terminal.screen
        )
        time.sleep(SETTLED_S)
        if hint in terminal.screen:
            terminal.press("\r")
            return
    raise AssertionError(terminal.screen)


def to_type(terminal: Window, *shown: str) -> tuple[str, str]:
    """The dialog, once it stands there and hears: what is to be typed, and of which operation."""
    screen = terminal.shows("Type ", *shown)
    word, op = re.search(r"Type (\S+) to ", screen), re.search(r"\bop-[0-9a-f]+", screen)
    assert word is not None, screen
    assert op is not None, screen
    time.sleep(SETTLED_S)
    return word[1], op[0]


def within(terminal: Window, *texts: str, since: float) -> float:
    """How long after `since` (monotonic) all of it stood on the screen."""
    return terminal.when(lambda: all(text in terminal.screen for text in texts), 30) - since


def test_one_asks_the_other_is_told_at_once_and_approves_and_it_is_done_in_the_first_ones_name(
    shared: Serving, watched: Platform
):
    target = next(
        each["metadata"]["name"] for each in watched.ask("kubernetes", f"{WHERE}?limit=500")["items"] if not each["spec"].get("paused")
    )

    def spec() -> dict[str, Any]:
        found: dict[str, Any] = watched.ask("kubernetes", f"{WHERE}/{target}")["spec"]
        return found

    people = [shared.client(name) for name in PEOPLE]
    with people[0].window() as ada, people[1].window() as grace, people[2].window() as carl:
        for each in (ada, grace, carl):
            each.shows("Streams", "Workloads", "q quit", "3 here")
        until(lambda: not any(word in ada.screen for word in NOT_LIVE), "every pane live", 90, seen=lambda: ada.screen)
        ada.press(f":act deployment.pause kube:demo-1/live/deployment/{target}\r")
        word, op = to_type(ada, "WHAT", "server dry-run accepted", "one other person", "Ask for approval")
        hand(ada, "\t", *"canary", "\t", "\t")
        meant(ada, word, "enter: ask for approval")
        asked_s = within(grace, "ada asks for a second person: deployment.pause", since=time.monotonic())
        assert "ada asks for a second person" not in carl.screen, "who has no say is not asked"
        assert not [each for each in sent(watched, op) if not each.is_dry], "nothing goes out before the yes"

        grace.press("6")
        grace.shows("awaiting approval", "asked by ada")
        grace.press("\r")
        word, theirs = to_type(grace, "BLAST", "[ Deny ]", "canary")
        assert theirs == op
        hand(grace, "\t", "\t")
        meant(grace, word, "enter: approve")
        approved_s = within(ada, "approved by grace: deployment.pause", since=time.monotonic())
        assert not [each for each in sent(watched, op) if not each.is_dry], "its requester alone can run it"
        assert not spec().get("paused")

        ada.press("6")
        ada.shows("approved by grace")
        ada.press("\r")
        word, own = to_type(ada, "WHAT", "Run")
        assert own == op
        hand(ada, "\t")
        meant(ada, word, "enter: run")
        ada.shows("succeeded", within_s=90)
        grace.shows("ada: deployment.pause", "succeeded")
        until(lambda: bool(spec().get("paused")), "the deployment to be paused", 20)
    print(f"together: asked -> seen by the other {asked_s * 1000:.0f} ms, approved -> seen by the first {approved_s * 1000:.0f} ms")
    assert max(asked_s, approved_s) < AT_ONCE_S

    done = sent(watched, op)
    assert {(each.identity, each.acts_as) for each in done} == {("system:serviceaccount:platform:midwatch-writer", "ada")}
    patches = [each for each in done if each.method == "PATCH" and "deployments" in each.path]
    assert [each.is_dry for each in patches if not each.is_dry] == [False] and any(each.is_dry for each in patches)
    assert all(each.path.endswith(f"/{target}") for each in patches)
    records = [each["record"] for each in shared.records() if "record" in each]
    by = {each["event.action"]: each["user"] for each in records if each.get("trace.id") == op and "user" in each}
    assert {by[f"operation.{what}"]["name"] for what in ("planned", "confirmed", "approved")} == {"ada", "grace"}, by
    assert by["operation.approved"]["name"] == "grace", by

"""From the alert to the cure by keys in a real terminal: the bad deploy is undone, and the streams themselves prove it."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.platform import NICE, Platform, platform
from tests.e2e.terminal import Terminal, need_tmux, tmux_server
from tests.e2e.waiting import until

pytestmark = pytest.mark.tmux


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A bad deploy of its own: it is healed here."""
    place = tmp_path_factory.mktemp("undone")
    with platform(
        place, "bad-deploy", NICE, start_after_s=0.1, duration_s=3600, wire_log=str(place / "wire.jsonl")
    ) as running:
        yield running


def typed(terminal: Terminal, text: str) -> None:
    """As fast as a person: what types faster is not believed to be one."""
    for character in text:
        time.sleep(0.15)
        terminal.tmux("send-keys", "-t", terminal.name, "-l", character)


def enabled(terminal: Terminal) -> bool:
    """Whether Run is, or what was typed has been cleared."""
    until(
        lambda: "Run (disabled)" not in terminal.screen or "type it again" in terminal.screen,
        "Run, or why not", 20, seen=lambda: terminal.screen,
    )  # fmt: skip
    time.sleep(0.8)  # deaf for half a second after a burst; and enter counts once the text has stood a moment
    return "Run (disabled)" not in terminal.screen


def writes(night: Platform) -> list[dict[str, str]]:
    lines = (night.place / "wire.jsonl").read_bytes().splitlines()
    asked = [json.loads(line) for line in lines if b'"method"' in line]
    return [each for each in asked if each["write"] and not each.get("dry_run")]


@pytest.mark.timeout(240)
def test_the_bad_deploy_is_undone_by_keys_and_the_streams_prove_it(night: Platform, tmp_path: Path) -> None:
    need_tmux()
    with tmux_server(tmp_path) as server:
        terminal = server.terminal("acting", 120, 36)
        terminal.midwatch("--config", night.config, "--write")
        terminal.shows("CRIT ", "INC-", "ROLLOUT packager-emea 3.8.2", "4 Capacity worst:")
        terminal.press("a")
        terminal.shows("rollout undo", "packager-emea")
        terminal.press("2")
        terminal.shows("revision=")
        terminal.press("Enter")
        plan = terminal.shows("WHAT", "rollout undo: 4 pods", "3.8.1", "server dry-run accepted", "Type ", "to confirm")
        assert not writes(night), "something was written before anybody confirmed"
        asked = re.search(r"Type (\S+) to confirm", plan)
        assert asked is not None and asked[1] in ("packager-emea", "demo-1/live/packager-emea"), plan
        time.sleep(0.7)  # for half a second after it opened no key counts
        terminal.press("Tab")
        typed(terminal, "3.8.2 crash-loops")
        terminal.shows("REASON [3.8.2 crash-loops")
        terminal.press("Tab")
        terminal.press("Tab")
        for _ in range(4):  # a busy machine may hand keys over in a bunch, which is no hand either
            typed(terminal, asked[1])
            if enabled(terminal):
                break
        assert enabled(terminal), terminal.screen
        terminal.press("Tab")
        terminal.press("Enter")
        terminal.shows("OK again", within_s=90)
        terminal.shows("STATE  succeeded", "u undo")
        terminal.press("Escape")
        until(lambda: "esc closes" not in terminal.screen, "the page to close", 20, seen=lambda: terminal.screen)
        terminal.press("6")
        terminal.shows("6 Actions", "deployment.undo", "succeeded")
        terminal.press("q")
        terminal.comes_back()
    patches = [each for each in writes(night) if each["method"] == "PATCH"]
    assert len(patches) == 1 and patches[0]["path"].endswith("/deployments/packager-emea")
    assert {told.kind for told in night.truth if told.entity == "uk-sport-1"} == {"start", "end"}

"""What a person may not read is nowhere: not on a screen, in a snapshot, a search, the palette, or a word typed to find it.

The canary is the namespace `vod`, as the platform itself tells it: names of its pods, services and deployments. ana may read
`live` and `platform`. First it is shown that mei does see each of them there, or its absence would mean nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.platform import Platform
from tests.e2e.waiting import until
from tests.serve.client import Window
from tests.serve.server import Serving

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]
VIEWS = ("overview", "streams", "logs", "workloads", "capacity", "incidents", "actions", "sources")
FORMATS = ("text", "json", "ansi", "svg", "html")


@pytest.fixture(scope="module")
def canaries(site: Platform) -> frozenset[str]:
    """The services of the namespace, as the API server of the platform tells them, without any of midwatch between."""
    pods = site.ask("kubernetes", "/api/v1/namespaces/vod/pods?limit=500")["items"]
    others = site.ask("kubernetes", "/api/v1/pods?limit=5000")["items"]
    seen = {_service(pod) for pod in others if pod["metadata"]["namespace"] != "vod"}
    found = {_service(pod) for pod in pods} - seen
    assert found, "there is nothing in namespace vod to look for"
    return frozenset(found)


def _service(pod: Any) -> str:
    name: str = pod["metadata"]["name"]
    return name.rsplit("-", 2)[0]


def _found(text: str, canaries: frozenset[str]) -> set[str]:
    return {name for name in canaries if name in text}


def _typed(terminal: Window, key: str, *words: str) -> None:
    """What opens a prompt; then, once it stands, what is typed into it."""
    terminal.press(key)
    until(lambda: "q quit" not in terminal.screen, "the prompt", 20, seen=lambda: terminal.screen)
    for word in words:
        terminal.press(word)


@pytest.fixture
def screens(server: Serving) -> Iterator[tuple[Window, Window]]:
    """mei's and ana's, side by side."""
    with server.client("mei").window(size=(200, 50)) as wide, server.client("ana").window(size=(200, 50)) as narrow:
        for terminal in (wide, narrow):
            terminal.shows("Streams", "Logs", "Workloads", "Capacity", "q quit")
        yield wide, narrow


def test_a_snapshot_of_every_view_and_kind_is_without_it(server: Serving, canaries: frozenset[str]):
    seen = set[str]()
    for view in VIEWS:
        for kind in FORMATS if view in ("overview", "workloads") else FORMATS[:2]:
            wide, narrow = (server.client(who).run("snapshot", view, "--format", kind).out for who in ("mei", "ana"))
            assert narrow, (view, kind)
            assert not _found(narrow, canaries), (view, kind, _found(narrow, canaries))
            seen |= _found(wide, canaries)
    assert seen, "mei sees nothing of it either: this test could not fail"


def test_numbers_are_counted_after_it_was_taken_away(server: Serving, site: Platform):
    pods = site.ask("kubernetes", "/api/v1/pods?limit=5000")["items"]
    of_vod = sum(pod["metadata"]["namespace"] == "vod" for pod in pods)
    counts = {}
    for who in ("mei", "ana"):
        pane = json.loads(server.client(who).run("snapshot", "workloads", "--format", "json").out)["panes"][0]
        counts[who] = len(pane["rows"])
        assert f"{len(pane['rows'])} pods" in pane["summary"]
        assert {row["namespace"] for row in pane["rows"]} >= {"live"}
    assert of_vod > 0
    assert abs(counts["mei"] - counts["ana"] - of_vod) <= 2  # a rollout may be between the two


def test_lines_of_its_pods_are_not_in_the_log(server: Serving, canaries: frozenset[str], screens: tuple[Window, Window]):
    wide, narrow = screens
    for terminal in screens:
        terminal.press("2")
        terminal.shows("received")
    shown: set[str] = set()

    def seen() -> bool:
        nonlocal shown
        assert not _found(narrow.screen, canaries), narrow.screen
        shown |= _found(wide.screen, canaries)
        return bool(shown)

    until(seen, "a line of namespace vod on the screen of who may read it", 60, seen=lambda: wide.screen)


def test_a_filter_for_it_finds_nothing(canaries: frozenset[str], screens: tuple[Window, Window]):
    wide, narrow = screens
    name = sorted(canaries)[0]
    for terminal in screens:
        terminal.press("3")
        until(lambda terminal=terminal: "Streams" not in terminal.lines[1], "the workloads", 30, seen=lambda terminal=terminal: terminal.screen)
        _typed(terminal, "/", name, "\r")
    until(lambda: sum(f"{name}-" in line for line in wide.lines) > 1, "its pods where they may be read", 30, seen=lambda: wide.screen)
    assert not any(f"{name}-" in line for line in narrow.lines), narrow.screen


def test_neither_palette_nor_scope_nor_command_completes_or_tells_it(canaries: frozenset[str], screens: tuple[Window, Window]):
    _, narrow = screens
    for typed in ("", "scope namespace=v", "scope namespace=vod", "scope service=", "vod"):
        _typed(narrow, ":", typed)
        seen = until(lambda typed=typed: screen if typed in (screen := narrow.screen) else None, f"{typed} on the screen", 20, seen=lambda: narrow.screen)
        hits = _found(seen, canaries - {word for word in canaries if word in typed})
        assert not hits, (typed, hits, seen)
        narrow.press("\x1b")
        narrow.shows("q quit")
    _typed(narrow, ":", "scope namespace=vod", "\r")
    narrow.shows("q quit")
    narrow.press("3")
    until(lambda: "pods" in narrow.screen, "the workloads", 20, seen=lambda: narrow.screen)
    assert not _found(narrow.screen, canaries), narrow.screen

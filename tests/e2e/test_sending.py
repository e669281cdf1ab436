"""`S` in a real terminal: what is shown is what arrives, and the console says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chat.taker import taker
from tests.e2e.terminal import need_tmux, tmux_server
from tests.e2e.waiting import until

pytestmark = [pytest.mark.tmux, pytest.mark.slow]
CONFIG = """\
[sites.closed.prometheus]
url = "http://127.0.0.1:1"
[[sites.closed.gauges]]
name = "egress"
used = "used"
total = "total"
[chat.oncall]
kind = "webhook"
url = "{url}"
"""


def test_what_is_shown_is_what_arrives(tmp_path: Path) -> None:
    need_tmux()
    config = tmp_path / "midwatch.toml"
    with taker() as chat, tmux_server(tmp_path) as server:
        config.write_text(CONFIG.format(url=chat.url))
        terminal = server.terminal("sending", 120, 36)
        terminal.midwatch("--config", config)
        terminal.shows("4 Capacity", "refused", "q quit")
        terminal.press("4", "S")
        shown = terminal.shows("snapshot of capacity", "to oncall", "midwatch --site closed", "enter posts this")
        assert not chat.documents
        terminal.press("Enter")
        terminal.shows("arrived at oncall, its picture", within_s=60)
        terminal.press("Escape")
        until(lambda: "snapshot of" not in terminal.screen, "the page to go", 20, seen=lambda: terminal.screen)
        terminal.press("q")
        assert terminal.comes_back() == 0
        until(lambda: chat.pictures, "the picture", 20)
    (document,) = chat.documents
    assert document["view"] == "capacity" and document["message_id"] in shown
    seen = " ".join(shown.replace("│", " ").split())
    assert all(" ".join(line.split())[:80] in seen for line in document["text"].split("\n"))
    assert chat.pictures[0].startswith(b"\x89PNG")

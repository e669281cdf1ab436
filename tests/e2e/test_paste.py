"""A paste into a real terminal, with the escape that ends its own bracket: the dialog of an action is not moved by it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e.platform import Platform
from tests.e2e.terminal import Terminal, need_tmux, tmux_server

pytestmark = [pytest.mark.tmux, pytest.mark.proof]
TARGET = "kube:demo-1/live/deployment/packager-emea"
PAYLOADS = (b"foo \x1b[201~ y\r", b"y\r", b"y\ry\ry\r")


def pasted(terminal: Terminal, place: Path, payload: bytes, *, with_brackets: bool) -> None:
    (place / "payload").write_bytes(payload)
    terminal.tmux("load-buffer", str(place / "payload"))
    terminal.tmux("paste-buffer", "-r", *(["-p"] if with_brackets else []), "-t", terminal.name)
    time.sleep(0.7)


def test_what_is_pasted_never_presses_run(broken: Platform, tmp_path: Path) -> None:
    need_tmux()
    with tmux_server(tmp_path) as server:
        terminal = server.terminal("pasting", 100, 30)
        terminal.midwatch("--config", broken.config, "--write")
        terminal.shows("CRIT ", "ROLLOUT packager-emea")
        terminal.press(":")
        terminal.shows("command")
        terminal.tmux("send-keys", "-t", terminal.name, "-l", f"act deployment.pause {TARGET}")
        terminal.press("Enter")
        terminal.shows("pause the rollout", "Type y to confirm", "Run (disabled)")
        time.sleep(0.7)
        for _ in range(3):
            terminal.press("Tab")
        for payload in PAYLOADS:
            for with_brackets in (True, False):
                pasted(terminal, tmp_path, payload, with_brackets=with_brackets)
                terminal.shows("pause the rollout", "Type y to confirm")
        terminal.press("Escape")
        terminal.shows("WHY ")
        terminal.press("6")
        terminal.shows("6 Actions", "deployment.pause", "cancelled")
        terminal.press("q")
        assert terminal.comes_back() == 0

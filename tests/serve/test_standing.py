"""How a server starts, refuses to, is asked whether it is well, and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from console.serve.exposing import STUCK_S
from tests.e2e.midwatch import MIDWATCH
from tests.e2e.platform import ROOT, Platform
from tests.e2e.waiting import until
from tests.serve.client import Ended, ended
from tests.serve.keys import Keys
from tests.serve.ports import answers, free_port
from tests.serve.server import configured, environment, serving

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]


def _started(config: Path, *words: str) -> Ended:
    """`midwatch serve` that must not stand."""
    return ended([*MIDWATCH, "--config", str(config), "serve", *words], environment(config.parent), 40)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o666, 0o660])
def test_a_host_key_that_others_can_read_keeps_it_from_starting(place: Path, site: Platform, keys: Keys, mode: int):
    own = place / f"host-{mode:o}"
    key = keys.key(f"host-{mode:o}")
    config = configured(own, site, keys, port := free_port(), "127.0.0.1", host_key=str(key))
    key.chmod(mode)
    done = _started(config)
    assert done.code == 2
    assert str(key) in done.err
    assert f"{mode:04o}" in done.err
    assert "chmod 600" in done.err
    assert not answers(port)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"host_key": "/nonexistent/key"}, "there is no host key"),
        ({"authorized_keys": "/nonexistent"}, "/nonexistent"),
        ({"listen": "192.0.2.1:2222"}, "192.0.2.1:2222"),
    ],
)
def test_what_it_cannot_use_is_named(place: Path, site: Platform, keys: Keys, broken: dict[str, str], says: str):
    settings = {"ca_keys": None, **broken} if "authorized_keys" in broken else broken
    config = configured(place / f"broken-{next(iter(broken))}", site, keys, free_port(), "127.0.0.1", **{k: v for k, v in settings.items() if v})
    if "authorized_keys" in broken:
        config.write_text("".join(line for line in config.read_text().splitlines(True) if not line.startswith("ca_keys")))
    done = _started(config)
    assert done.code == 2, done
    assert says in done.err


def test_the_host_key_it_makes_is_private_and_is_the_same_after_a_restart(place: Path, site: Platform, keys: Keys):
    own, seen = place / "again", []
    for _ in range(2):
        with serving(own, site, keys) as server:
            seen.append(server.known_hosts.read_text())
            assert server.host_key.stat().st_mode & 0o777 == 0o600
            assert server.host_key.parent.stat().st_mode & 0o777 == 0o700
    assert seen[0] == seen[1]


def test_a_second_server_over_one_state_stands_by_and_takes_over(place: Path, site: Platform, keys: Keys):
    own = place / "two"
    with serving(own, site, keys) as first:
        done = _started(first.config, "--listen", f"127.0.0.1:{free_port()}")
        assert done.code == 2
        assert f"pid {first.child.pid}" in done.err
        port = free_port()
        log = own / "standby.stderr"
        with log.open("wb") as told:
            second = subprocess.Popen(
                [sys.executable, "-m", "console", "--config", str(first.config), "serve", "--standby", "--listen", f"127.0.0.1:{port}"],
                cwd=ROOT, env=environment(own), stdin=subprocess.DEVNULL, stdout=told, stderr=told,
            )  # fmt: skip
        try:
            until(lambda: "standing by" in log.read_text(), "the standby", 30, seen=log.read_text)
            assert not answers(port)
            os.kill(first.child.pid, signal.SIGKILL)
            begin = time.monotonic()
            until(lambda: answers(port), "the standby to take over", 30, seen=log.read_text)
            print(f"standby: answered {time.monotonic() - begin:.1f} s after the first was killed")
            done = first.client("mei", port=port).run("snapshot", "actions")
            assert done.code == 0, done
        finally:
            second.terminate()
            second.wait(45)


def test_it_drains_who_is_here_is_told_nobody_new_is_let_in_and_health_says_so(place: Path, site: Platform, keys: Keys):
    with serving(place / "drained", site, keys) as server:
        assert server.asked("/healthz") == (200, "ok\n")
        with server.client("mei").window() as terminal:
            terminal.shows("Streams", "Capacity", "q quit")
            server.child.send_signal(signal.SIGTERM)
            begin = time.monotonic()
            assert terminal.ended(30) == 0
            until(lambda: "stopped" in terminal.screen, "why it ended", 5, seen=lambda: terminal.screen)
        assert server.child.wait(30) == 0
        print(f"drain: the last session ended {time.monotonic() - begin:.1f} s after SIGTERM")
        assert not answers(server.port)
        records = server.audit("show").out
        assert "session.logout" in records, records


def test_a_loop_that_stands_still_is_unhealthy_and_well_again_when_it_turns(place: Path, site: Platform, keys: Keys):
    """The process is stopped for a while, as a host that is out of memory or a debugger does; after it the pulse goes on."""
    with serving(place / "stopped", site, keys) as server:
        assert server.asked("/healthz")[0] == 200
        stands, begin = Path(f"/proc/{server.child.pid}/stat"), time.monotonic()
        os.kill(server.child.pid, signal.SIGSTOP)
        try:
            until(
                lambda: stands.read_text().rpartition(")")[2].split()[0] == "T" and time.monotonic() - begin > STUCK_S + 0.5,
                "it to have stood still for longer than a loop may", 30, seen=stands.read_text,
            )  # fmt: skip
        finally:
            os.kill(server.child.pid, signal.SIGCONT)
        until(
            lambda: server.number("midwatch_serve_loop_lag_seconds_sum") > STUCK_S and server.asked("/healthz")[0] == 200,
            "the loop to say how late it was, and health", 20, seen=lambda: server.asked()[1],
        )  # fmt: skip
        assert server.number("midwatch_serve_loop_lag_seconds_bucket", le="5.0") < server.number("midwatch_serve_loop_lag_seconds_count")


def test_what_prometheus_gets_names_nobody(place: Path, site: Platform, keys: Keys):
    with serving(place / "scraped", site, keys) as server:
        assert server.client("mei").run("snapshot", "sources").code == 0
        assert server.client("mei", keys.key("ana")).run("snapshot", "sources").code == 255
        until(lambda: server.number("midwatch_serve_refusals_total", reason="wrong_key") == 1, "the refusal to be counted", 20)
        code, text = server.asked()
        assert code == 200
        assert server.number("midwatch_serve_logins_total", method="key") == 1
        assert server.number("midwatch_serve_source_requests_total", source="alertmanager.alerts", kind="alertmanager") > 0
        for name in ('"mei', '"ana"', "127.0.0.1", "SHA256"):
            assert name not in text

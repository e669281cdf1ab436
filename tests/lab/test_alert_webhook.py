"""A real Alertmanager rings the bell of a real `midwatch serve`: what arrives at a Slack of ours, how soon, and once. How soon is
decided by the CPU that it took: on a busy machine the wall's clock tells of the others.

Needs Debian's prometheus-alertmanager and no `make lab`: the Alertmanagers of the lab tell nobody, and one of its own is begun here.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from console.feeds.clock import SystemClock
from tests.bench.harness import cpu_s
from tests.chat import slack
from tests.e2e.platform import NICE, ROOT, Platform, platform
from tests.lab.proof import figure, record
from tests.serve.keys import Keys
from tests.serve.ports import free_port
from tests.serve.server import configured, environment

ALERTMANAGER = shutil.which("prometheus-alertmanager")
TOKEN = "canary-bell-token-0001"
STORM = 5000
PATIENCE_S = 180.0  # of a machine that has other things to do
ASK = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(400),
    pytest.mark.skipif(ALERTMANAGER is None, reason="prometheus-alertmanager is missing: apt install prometheus-alertmanager"),
    pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is missing: apt install openssh-client"),
]


@contextmanager
def running(command: list[str], said: Path, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A child, ended by its pid."""
    with said.open("wb") as words:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, cwd=ROOT, **more)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(30)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextmanager
def alertmanager(place: Path, port: int, bell: int) -> Iterator[str]:
    """Its address. What is labelled `storm` makes a call an alert."""
    place.mkdir()
    (place / "token").write_text(TOKEN)
    hook = f'[{{url: "http://127.0.0.1:{bell}/", send_resolved: true, http_config: {{authorization: {{credentials_file: {place}/token}}}}}}]'
    (place / "alertmanager.yml").write_text(
        "route:\n  {receiver: bell, group_by: [alertname], group_wait: 0s, group_interval: 5s, repeat_interval: 1h,\n"
        '   routes: [{matchers: [storm="yes"], group_by: ["..."], receiver: bell}]}\n'
        f"receivers: [{{name: bell, webhook_configs: {hook}}}]\n"
    )
    url = f"http://127.0.0.1:{port}"
    told = ["--config.file", str(place / "alertmanager.yml"), "--storage.path", str(place / "data"), "--web.listen-address", f"127.0.0.1:{port}"]
    with running([str(ALERTMANAGER), *told, "--cluster.listen-address", "", "--log.level", "warn"], place / "said"):
        yield url


def post(url: str, alerts: list[dict[str, Any]]) -> None:
    request = urllib.request.Request(f"{url}/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"})
    with ASK(request, timeout=30) as answer:
        assert answer.status == 200


def alert(name: str, *, is_over: bool = False, **labels: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    told = {"labels": {"alertname": name, "severity": "critical", **labels}, "annotations": {"summary": f"{name} of the lab"}}
    return {**told, "endsAt": now.isoformat()} if is_over else told


class Chat(slack.Slack):
    """When what arrived, and what of it counts."""

    def __init__(self) -> None:
        super().__init__(SystemClock())  # type: ignore[arg-type] - it is asked for the time alone

    @property
    def said(self) -> dict[str, str]:
        """By id: a copy says the same again."""
        return {each["metadata"]["event_payload"]["id"]: "\n".join([each["text"], *slack.texts(each["blocks"])]) for each in self.messages}

    @property
    def fired(self) -> int:
        found = (re.search(r"(?<!all )(?<![\d,])([\d,]+) fired", said) for said in self.said.values())
        return sum(int(each[1].replace(",", "")) for each in found if each is not None)

    @property
    def threads(self) -> set[str]:
        return {each.get("thread_ts", each["ts"]) for each in self.messages}


async def until(condition: Callable[[], bool], what: str, child: subprocess.Popen[bytes], said: Path) -> float:
    start = time.monotonic()
    while not condition():
        assert child.poll() is None, said.read_text(errors="replace")
        assert time.monotonic() - start < PATIENCE_S, f"waited for {what}\n{said.read_text(errors='replace')[-2000:]}"
        await asyncio.sleep(0.02)
    return time.monotonic() - start


class House:
    """A server with its bell, the Alertmanager that rings it, and the chat."""

    def __init__(self, chat: Chat, child: subprocess.Popen[bytes], said: Path, url: str, metrics: int, place: Path) -> None:
        self.chat, self.child, self.said, self.url, self.metrics, self.place = chat, child, said, url, metrics, place

    async def until(self, condition: Callable[[], bool], what: str) -> float:
        return await until(condition, what, self.child, self.said)

    def number(self, name: str) -> float:
        with ASK(f"http://127.0.0.1:{self.metrics}/metrics", timeout=10) as answer:
            found = re.search(rf"^{re.escape(name)} (\S+)$", answer.read().decode(), re.MULTILINE)
        return float(found[1]) if found is not None else 0.0


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    os.chmod(tmp_path, 0o700)
    chat = Chat()
    await chat.start()
    try:
        with platform(tmp_path / "platform", "calm", NICE) as site:
            bell, metrics = free_port(), free_port()
            config = written(tmp_path / "server", site, Keys(tmp_path / "keys"), chat)
            said = tmp_path / "server" / "said"
            command = [sys.executable, "-m", "console", "--config", str(config), "serve", "--metrics", f"127.0.0.1:{metrics}"]
            command += ["--alert-webhook", f"127.0.0.1:{bell}"]
            with running(command, said, env=environment(tmp_path / "server")) as child:
                await until(lambda: b"serving" in said.read_bytes(), "midwatch serve", child, said)
                with alertmanager(tmp_path / "alertmanager", free_port(), bell) as url:
                    await until(lambda: is_ready(url), "alertmanager", child, tmp_path / "alertmanager" / "said")
                    yield House(chat, child, said, url, metrics, tmp_path)
    finally:
        await chat.stop()


def is_ready(url: str) -> bool:
    try:
        with ASK(f"{url}/-/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def written(place: Path, site: Platform, keys: Keys, chat: Chat) -> Path:
    """The configuration of a server over the platform, with a bell."""
    path = configured(place, site, keys, free_port(), "127.0.0.1")
    for name, secret in (("slack", slack.TOKEN), ("bell", TOKEN)):
        (place / name).write_text(secret)
        (place / name).chmod(0o600)
    more = {
        "chat": {"oncall": {"kind": "slack", "url": f"{chat.url}/api", "token_file": str(place / "slack"), "channel": slack.CHANNEL}},
        "bell": {"to": ["oncall"], "auth": {"bearer_file": str(place / "bell")}},
    }
    path.write_text(path.read_text() + "\n" + tomli_w.dumps(more))
    return path


async def test_alertmanager_rings_and_what_is_seen_of_the_alert_arrives_with_its_picture(house: House) -> None:
    sent, cpu_before = time.monotonic(), cpu_s(house.child.pid)
    await asyncio.to_thread(post, house.url, [alert("ChannelStale", channel="uk-sport-1", region="emea")])
    await house.until(lambda: bool(house.chat.messages), "the text")
    text_after, cpu_at_text = time.monotonic() - sent, cpu_s(house.child.pid)
    (told,) = house.chat.said.values()
    assert "FIRING · ChannelStale" in told and "channel=uk-sport-1: ChannelStale of the lab" in told
    await house.until(lambda: bool(house.chat.pictures), "the picture")
    picture_after = time.monotonic() - sent
    picture, where = house.chat.pictures[0]
    assert picture.startswith(slack.PNG) and where["thread_ts"] == house.chat.messages[0]["ts"]
    await asyncio.to_thread(post, house.url, [alert("ChannelStale", channel="uk-sport-1", region="emea", is_over=True)])
    await house.until(lambda: len(house.chat.said) == 2, "the end")
    assert "RESOLVED · ChannelStale" in house.chat.messages[-1]["text"]
    assert house.chat.messages[-1]["thread_ts"] == house.chat.messages[0]["ts"] and not house.chat.complaints
    assert await asyncio.to_thread(house.number, 'midwatch_bell_calls_total{code="200"}') >= 2
    assert await asyncio.to_thread(house.number, "midwatch_bell_texts_total") == 2
    record(
        "lab-alert-webhook",
        "a real Alertmanager's alert, as text and picture in one thread of the chat, and its end",
        figure("CPU of serve until the text", cpu_at_text - cpu_before, "s", most=1.5),
        figure("text after the alert", text_after, "s"),
        figure("picture after the alert", picture_after, "s"),
    )


async def test_a_storm_of_five_thousand_makes_one_thread_and_every_alert_is_counted(house: House) -> None:
    sent, cpu_before = time.monotonic(), cpu_s(house.child.pid)
    for first in range(0, STORM, 500):
        some = [alert("PodDown", pod=f"p-{number}", storm="yes") for number in range(first, first + 500)]
        await asyncio.to_thread(post, house.url, some)
    await house.until(lambda: bool(house.chat.messages), "the first text")
    text_after, cpu_at_text = time.monotonic() - sent, cpu_s(house.child.pid)
    await house.until(lambda: house.chat.fired >= STORM, "all of them")
    all_after = time.monotonic() - sent
    with ASK(f"http://127.0.0.1:{house.metrics}/metrics", timeout=10) as answer:
        print("\n".join(line for line in answer.read().decode().splitlines() if line.startswith("midwatch_bell_")))
    held = await asyncio.to_thread(house.number, 'midwatch_serve_loop_lag_recent_seconds{quantile="0.99"}')
    assert house.chat.fired == STORM and len(house.chat.threads) == 1 and not house.chat.complaints
    record(
        "lab-alert-storm",
        "5,000 alerts in 5,000 groups from a real Alertmanager: one thread, every alert counted in a text",
        figure("CPU of serve until the first text", cpu_at_text - cpu_before, "s", most=3.0),
        figure("CPU of serve until all were counted", cpu_s(house.child.pid) - cpu_before, "s"),
        figure("first text after the first alert", text_after, "s"),
        figure("all counted after", all_after, "s"),
        figure("texts", len(house.chat.said), "messages", most=7),
        figure("loop lag of serve, p99 of the minute", held, "s"),
    )

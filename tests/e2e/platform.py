"""The embedded platform as a child, and configurations that look at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from tests.e2e.waiting import until

ROOT = Path(__file__).parents[2]
NICE = ("nice", "-n", "5")
"""Before the commands of tests that run beside the recorded nights: whose deadlines are judged goes first."""
VANTAGES = ("origin", "edge-lhr", "edge-syd", "edge-nrt", "edge-iad")


class Told(msgspec.Struct, frozen=True):
    """One line of the truth file."""

    t: datetime
    entity: str
    rendition: str | None
    vantages: tuple[str, ...]
    layer: str
    codes: tuple[str, ...]
    cause: str
    kind: str


class Platform:
    """A running platform: its configuration, its ports, and what it says has happened."""

    def __init__(self, place: Path, child: subprocess.Popen[bytes]) -> None:
        self.child = child
        self.place = place
        self.config = place / "midwatch.toml"

    @property
    def truth(self) -> list[Told]:
        lines = (self.place / "truth.jsonl").read_bytes().splitlines()
        return [msgspec.json.decode(line, type=Told) for line in lines]

    @property
    def ports(self) -> dict[str, int]:
        site = tomllib.loads(self.config.read_text())["sites"]["demo"]
        channels = json.loads((self.place / site["channels"]["files"][0]).read_bytes())["channels"]
        urls = {
            "prometheus": site["prometheus"]["url"],
            "elasticsearch": site["elasticsearch"]["url"],
            "kubernetes": site["kubernetes"]["demo-1"]["url"],
            **{f"alertmanager-{n}": url for n, url in enumerate(site["alertmanager"]["urls"])},
            **{vantage["name"]: vantage["connect_to"] for vantage in channels[0]["vantages"]},
        }
        return {name: int(url.rpartition(":")[2]) for name, url in urls.items()}

    def ask(self, server: str, path: str, body: Any = None) -> Any:
        """The server's own answer to one question, without midwatch in between."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.ports[server]}{path}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def lines(self, since: datetime, until: datetime) -> int:
        """How many log lines were ingested in [since, until), as the index counts them."""
        span = {"range": {"event.ingested": {"gte": since.isoformat(), "lt": until.isoformat()}}}
        count: int = self.ask("elasticsearch", "/logs-video-*/_count", {"query": span})["count"]
        return count

    def view(
        self, name: str, channels: Iterable[str] | None = None, ports: Mapping[str, int] | None = None
    ) -> Path:
        """A configuration of another name beside the first: fewer channels, or other ports on the way."""
        listed = json.loads((self.place / "midwatch.toml.channels.json").read_bytes())
        if channels is not None:
            wanted = set(channels)
            listed["channels"] = [one for one in listed["channels"] if one["name"] in wanted]
        texts = {f"{name}.toml": self.config.read_text().replace("midwatch.toml.channels", f"{name}.channels"),
                 f"{name}.channels.json": json.dumps(listed)}  # fmt: skip
        for server, port in self.ports.items():
            for file in texts:
                other = (ports or {}).get(server, port)
                texts[file] = texts[file].replace(f'127.0.0.1:{port}"', f'127.0.0.1:{other}"')
        for file, text in texts.items():
            (self.place / file).write_text(text)
        return self.place / f"{name}.toml"


@contextmanager
def platform(place: Path, scenario: str, before: Sequence[str] = (), **settings: Any) -> Iterator[Platform]:
    """A platform, ready; ended and waited for on the way out. `before`: words before its command (NICE)."""
    place.mkdir(parents=True, exist_ok=True)
    wanted = {
        "scenario": scenario,
        "config_out": str(place / "midwatch.toml"),
        "truth_out": str(place / "truth.jsonl"),
        "parent_pid": os.getpid(),
        **settings,
    }
    errors = place / "platform.stderr"
    with errors.open("wb") as stderr:
        child = subprocess.Popen(
            [*before, sys.executable, "-m", "console.demo", json.dumps(wanted)],
            cwd=ROOT, stderr=stderr, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        running = Platform(place, child)
        until(lambda: running.config.exists() or child.poll() is not None, "the platform", seen=errors.read_text)
        assert child.poll() is None, errors.read_text()
        yield running
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

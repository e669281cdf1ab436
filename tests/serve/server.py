"""`midwatch serve` as a child, over a platform, with a policy and the keys of three people."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomli_w
from prometheus_client.parser import text_string_to_metric_families

from tests.bench.harness import cpu_s
from tests.e2e.midwatch import MIDWATCH
from tests.e2e.platform import ROOT, Platform
from tests.e2e.waiting import PATIENCE_S, until
from tests.serve.client import Client, Ended, ended
from tests.serve.keys import Keys
from tests.serve.ports import answers, free_port

POLICY = """
[roles.lead]
people  = ["mei"]
may     = ["*"]
approve = ["*"]
read    = { sites = ["demo"] }

[roles.operator]
people  = ["otto"]
may     = ["deployment.*"]
read    = { sites = ["demo"] }

[roles.viewer]
people  = ["ana", "otto"]
may     = []
read    = { sites = ["demo"], namespaces = ["live", "platform"], indices = ["logs-video-*"] }

[roles.elsewhere]
people  = ["zoe"]
may     = ["*"]
read    = { sites = ["other"] }
"""
"""mei sees and does all, ana sees nothing of namespace vod, otto is either by his key, zoe belongs to another site."""


class Serving:
    """A server that runs."""

    def __init__(self, place: Path, keys: Keys, child: subprocess.Popen[bytes], host: str, port: int, metrics: int) -> None:
        self.place, self.keys, self.child = place, keys, child
        self.host, self.port, self.metrics_port = host, port, metrics
        self.config = place / "midwatch.toml"
        self.known_hosts = place / "known_hosts"

    @property
    def host_key(self) -> Path:
        """The key that it made for itself."""
        return self.place / "state" / "midwatch" / "ssh_host_ed25519_key"

    @property
    def told(self) -> str:
        """What it said on stderr."""
        return (self.place / "serve.stderr").read_text(errors="replace")

    @property
    def log(self) -> str:
        """Its own log."""
        return (self.place / "state" / "midwatch" / "log" / "serve.log").read_text(errors="replace")

    def client(self, user: str, identity: Path | None = None, **more: Any) -> Client:
        """Who logs in with the key of their name, or another."""
        wanted = {"port": self.port, "host": self.host, **more}
        return Client(known_hosts=self.known_hosts, user=user, identity=identity or self.keys.key(user), **wanted)

    def audit(self, *words: str) -> Ended:
        """`midwatch audit ...` of this server's state."""
        return ended([*MIDWATCH, "--config", str(self.config), "audit", *words], environment(self.place), 60)

    def records(self) -> list[dict[str, Any]]:
        """All that its audit holds, as `midwatch audit show --json` tells it."""
        done = self.audit("show", "--json")
        assert done.code == 0, done.err
        return [json.loads(line) for line in done.out.splitlines() if line.strip()]

    def asked(self, path: str = "/metrics") -> tuple[int, str]:
        """Of its metrics port."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def number(self, name: str, **labels: str) -> float:
        """A sample of its metrics; 0 where there is none yet."""
        for family in text_string_to_metric_families(self.asked()[1]):
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return float(sample.value)
        return 0.0

    @property
    def resident_mb(self) -> float:
        for line in Path(f"/proc/{self.child.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise AssertionError("no VmRSS")

    @property
    def cpu_s(self) -> float:
        return cpu_s(self.child.pid)

    def ended(self, within_s: float = 60.0) -> int:
        """SIGTERM, and its exit code."""
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(within_s)


def environment(place: Path) -> dict[str, str]:
    """Nothing of the user's own."""
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(place), "XDG_STATE_HOME": str(place / "state"),
        "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8",
    }  # fmt: skip


def people(keys: Keys, place: Path) -> None:
    """A directory of authorized keys, one file a person; otto has a second key that is only a viewer's."""
    folder = place / "people"
    folder.mkdir(mode=0o755, exist_ok=True)
    for name in ("mei", "ana", "otto", "zoe"):
        (folder / name).write_text(keys.public(name) + "\n")
    with (folder / "otto").open("a") as more:
        more.write(f'environment="MIDWATCH_ROLES=viewer" {keys.public("otto-at-home")}\n')
    with (folder / "mei").open("a") as more:
        more.write(f"{keys.public('lost')}\n")


def configured(place: Path, platform: Platform, keys: Keys, port: int, host: str, **settings: Any) -> Path:
    """The platform's configuration with `[serve]` and a policy of ours, in a folder of its own."""
    place.mkdir(parents=True, exist_ok=True)
    people(keys, place)
    (place / "policy.toml").write_text(settings.pop("policy", POLICY))
    (place / "ca.pub").write_text(keys.public("authority") + "\n")
    (place / "revoked").write_text(f"{keys.public('lost')}\nserial: 66\n")
    told = tomllib.loads(platform.config.read_text())
    told["chat"] = settings.pop("chat", {})
    told["policy_file"] = str(place / "policy.toml")
    channels = told["sites"]["demo"]["channels"]
    channels["files"] = [str(platform.place / file) for file in channels["files"]]
    limits = {"sessions": 40, "per_user": 20, **settings.pop("limits", {})}
    told["serve"] = {
        "listen": f"{host}:{port}", "authorized_keys": str(place / "people"),
        "ca_keys": str(place / "ca.pub"), "revoked_keys": str(place / "revoked"), "limits": limits, **settings,
    }  # fmt: skip
    path = place / "midwatch.toml"
    path.write_text(tomli_w.dumps(told))
    return path


@contextmanager
def serving(
    place: Path, platform: Platform, keys: Keys, *words: str, host: str = "127.0.0.1", before: Sequence[str] = (),
    environ: Mapping[str, str] | None = None, **settings: Any,
) -> Iterator[Serving]:  # fmt: skip
    """A server, ready; ended by its pid and waited for on the way out. `settings` are keys of [serve]."""
    port, metrics = free_port(), free_port()
    config = configured(place, platform, keys, port, host, **settings)
    with (place / "serve.stderr").open("wb") as stderr:
        child = subprocess.Popen(
            [*before, sys.executable, "-m", "console", "--config", str(config), "serve",
             "--metrics", f"127.0.0.1:{metrics}", *words],
            cwd=ROOT, env={**environment(place), **(environ or {})}, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr,
        )  # fmt: skip
    running = Serving(place, keys, child, host, port, metrics)
    try:
        until(lambda: answers(port, host) or child.poll() is not None, "midwatch serve", PATIENCE_S, seen=lambda: running.told)
        assert child.poll() is None, running.told
        public = ended(["ssh-keygen", "-y", "-f", str(running.host_key)], environment(place), 20).out.strip()
        running.known_hosts.write_text(f"* {public}\n")  # by whatever address, or way, it is reached
        yield running
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(45)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

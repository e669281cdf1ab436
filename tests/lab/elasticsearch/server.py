"""The lab's Elasticsearch as the tests meet it: where it is, which process it is, and its REST API without any client."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

HERE = Path(__file__).parent
MAPPING = {
    "properties": {
        "@timestamp": {"type": "date"},
        "message": {"type": "text"},
        "log": {"properties": {"level": {"type": "keyword"}}},
        "service": {"properties": {"name": {"type": "keyword"}}},
        "kubernetes": {
            "properties": {"namespace": {"type": "keyword"}, "pod": {"properties": {"name": {"type": "keyword"}}}}
        },
        "host": {"properties": {"name": {"type": "keyword"}}},
        "cloud": {"properties": {"region": {"type": "keyword"}}},
        "labels": {"properties": {"channel": {"type": "keyword"}}},
    }
}


def folder() -> Path:
    """Where the scripts keep the server, as they reckon it."""
    asked = subprocess.run(
        ["bash", "-c", '. "$0"; echo "$LAB"', str(HERE / "folders.sh")], capture_output=True, text=True, check=True
    )
    return Path(asked.stdout.strip())


@contextmanager
def alone(lab: Path) -> Iterator[None]:
    """One run at a time: these tests freeze, restart and empty the server. Another one is skipped."""
    with (lab / ".lab").open() as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pytest.skip("another run of these tests has the lab's Elasticsearch: run them again when it is over")
        yield


class Server:
    """One that `make lab-elasticsearch` brought up."""

    def __init__(self, lab: Path) -> None:
        self.lab = lab
        text = (lab / "site.toml").read_text()
        self.url = next(line.split('"')[1] for line in text.splitlines() if line.startswith("url = "))
        self.started = json.loads(next(line[11:] for line in text.splitlines() if line.startswith("# started: ")))

    @property
    def pid(self) -> int:
        pid = int((self.lab / "elasticsearch.pid").read_text())
        assert f"{self.lab}/".encode() in Path(f"/proc/{pid}/cmdline").read_bytes(), f"{pid} is not the lab's server"
        return pid

    @property
    def is_up(self) -> bool:
        try:
            return self.ask("GET", "/_cluster/health", timeout_s=5)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    @property
    def cpu_s(self) -> float:
        """Of the process, since it started."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def rss_mb(self) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) // 1024

    def ask(self, method: str, path: str, body: Any = None, timeout_s: float = 60.0) -> Any:
        """The JSON answer, of whatever status: (status, value)."""
        at = urlsplit(self.url)
        connection = http.client.HTTPConnection(at.hostname or "", at.port, timeout=timeout_s)
        try:
            sent = None if body is None else json.dumps(body).encode()
            connection.request(method, path, sent, {"Content-Type": "application/json"} if sent is not None else {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read() or b"null")
        finally:
            connection.close()

    def done(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to what must succeed."""
        status, value = self.ask(method, path, body)
        assert status in (200, 201), f"{method} {path}: {status} {value}"
        return value

    def create(self, index: str, shards: int = 3, refresh: str = "1s", mapping: Any = None, **settings: Any) -> None:
        wanted = {"number_of_shards": shards, "number_of_replicas": 0, "refresh_interval": refresh, **settings}
        body = {"settings": {"index": wanted}, "mappings": MAPPING if mapping is None else mapping}
        self.done("PUT", f"/{index}?wait_for_active_shards={0 if settings else 1}", body)

    def put(self, index: str, *documents: dict[str, Any]) -> None:
        """Each is visible when this returns."""
        for document in documents:
            self.done("POST", f"/{index}/_doc?refresh=true", document)

    def count(self, index: str) -> int:
        """How many there are, after a refresh."""
        self.done("POST", f"/{index}/_refresh")
        told = self.done("POST", f"/{index}/_count")
        assert told["_shards"]["failed"] == 0
        return int(told["count"])

    def drop(self, index: str) -> None:
        """Every index of a pattern (which the server itself refuses to delete by pattern)."""
        for name in self.done("GET", f"/{index}/_settings?expand_wildcards=all&filter_path=*.settings.index.uuid"):
            self.done("DELETE", f"/{name}")

    def unassign(self, index: str) -> None:
        """Takes every shard of it away, as when the disk that holds them is gone: where they lie is renamed, and the server
        made to look for them again. It would place them in spite of any rule that forbids the only node there is.
        """
        kept, shards = self._shards(index)
        self.done("POST", f"/{index}/_flush")
        kept.rename(kept.with_suffix(".gone"))
        cancelled = {"index": index, "node": "lab-0", "allow_primary": True}
        self.done(
            "POST", "/_cluster/reroute", {"commands": [{"cancel": {**cancelled, "shard": each}} for each in shards]}
        )
        self._until(index, "active_shards", 0)

    def assign(self, index: str) -> None:
        """Brings them back, and waits until all are there."""
        kept, shards = self._shards(index)
        shutil.rmtree(kept, ignore_errors=True)
        kept.with_suffix(".gone").rename(kept)
        # It remembers that it found none, and takes these only when told to: "stale" is its word for it, they are whole.
        told = {"index": index, "node": "lab-0", "accept_data_loss": True}
        commands = [{"allocate_stale_primary": {**told, "shard": each}} for each in shards]
        self.done("POST", "/_cluster/reroute", {"commands": commands})
        self._until(index, "active_shards", len(shards))

    def _shards(self, index: str) -> tuple[Path, list[int]]:
        """The folder that holds them, and their numbers."""
        told = self.done("GET", f"/{index}/_settings?flat_settings=true")[index]["settings"]
        folder = self.lab / "data/indices" / str(told["index.uuid"])
        return folder, list(range(int(told["index.number_of_shards"])))

    def _until(self, index: str, what: str, count: int) -> None:
        deadline = time.monotonic() + 30
        while (told := self.done("GET", f"/_cluster/health/{index}"))[what] != count or told["initializing_shards"]:
            assert time.monotonic() < deadline, f"{index}: {what} is not {count}: {told}"
            time.sleep(0.05)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The process stands still inside."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def end(self) -> None:
        """As an operator does it: SIGTERM, then wait until it is gone."""
        pid = self.pid
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
            assert time.monotonic() < deadline, f"{pid} did not end within 30 s of SIGTERM"
            time.sleep(0.05)

    def start(self) -> float:
        """Again on its port with what it held; the seconds it took."""
        began = time.monotonic()
        subprocess.run([HERE / "up.sh"], check=True, capture_output=True, timeout=240)
        return time.monotonic() - began

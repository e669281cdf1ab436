"""The lab's kube-apiserver and etcd as a test drives them: by their pids, their HTTP faces and their audit log."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx

HERE = Path(__file__).parent
SITE = HERE.parent / "kubernetes.toml"
SCRIPT_S = 180.0  # for a start; on an idle machine it is 4 s

Json = dict[str, Any]


class Cluster:
    """`folder` is the one that the site file names."""

    def __init__(self) -> None:
        self.folder = Path(next(line[7:] for line in SITE.read_text().splitlines() if line.startswith("# lab: ")))
        ports = dict(line.split("=") for line in (self.folder / "ports").read_text().split())
        self.port = int(ports["API_PORT"])
        self.url = f"https://127.0.0.1:{self.port}"
        self.etcd = f"http://127.0.0.1:{ports['ETCD_PORT']}"

    @property
    def built(self) -> Json:
        """How the binaries were made: versions, seconds."""
        built: Json = json.loads((self.folder.parent / "bin/built.json").read_text())
        return built

    @property
    def ready_s(self) -> float:
        return float((self.folder / "kube-apiserver.ready-s").read_text())

    def client(self, agent: str, token: str = "token") -> httpx.AsyncClient:
        """An independent way in: nothing of the product's is between it and the server."""
        return httpx.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {(self.folder / token).read_text().strip()}", "User-Agent": agent},
            verify=ssl.create_default_context(cafile=str(self.folder / "certs/apiserver.crt")),
            timeout=30.0,
            trust_env=False,
            limits=httpx.Limits(max_connections=16),
        )

    def pid(self, name: str = "kube-apiserver") -> int:
        """Fails when the process of that number is not the lab's."""
        pid = int((self.folder / f"{name}.pid").read_text())
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
        assert str(self.folder).encode() in line, f"process {pid} is not the lab's {name}"
        return pid

    def rss_mb(self, name: str = "kube-apiserver") -> float:
        pages = int(Path(f"/proc/{self.pid(name)}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    async def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End kube-apiserver and wait until it is gone. By SIGTERM it lets open watches live for a minute, unless it was
        started to end them.
        """
        pid = self.pid()
        os.kill(pid, how)
        async with asyncio.timeout(90):
            while _lives(pid):  # noqa: ASYNC110, a process that is not our child has no event
                await asyncio.sleep(0.02)

    async def start(self, *flags: str) -> float:
        """Start it again, on the same port over the same data; seconds until it was ready."""
        ran = await asyncio.to_thread(
            subprocess.run,
            [HERE / "start.sh", "kube-apiserver", *flags],
            env={**os.environ, "LAB_KUBERNETES": str(self.folder.parent)},
            capture_output=True,
            text=True,
            timeout=SCRIPT_S,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return float(ran.stdout)

    async def revision(self) -> int:
        """Of etcd: the newest resourceVersion there is."""
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{self.etcd}/v3/kv/range", json={"key": _b64("/none")})
            return int(answer.raise_for_status().json()["header"]["revision"])

    async def compact(self) -> int:
        """Make etcd forget everything before now; the revision that was compacted to."""
        at = await self.revision()
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{self.etcd}/v3/kv/compaction", json={"revision": str(at), "physical": True})
            # Done already at that revision is as good.
            assert answer.status_code == 200 or "compacted" in answer.text, answer.text
        return at

    async def erase(self, key: str) -> None:
        """Delete an object in etcd, as another API server of the same cluster would; `key` as "pods/live/p0"."""
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"{self.etcd}/v3/kv/deleterange", json={"key": _b64(f"/registry/{key}")})
            assert answer.raise_for_status().json().get("deleted") == "1", answer.text

    def audit_mark(self) -> int:
        """A place in the audit log, for `asked`."""
        return (self.folder / "audit.log").stat().st_size

    def asked(self, since: int, agent: str = "midwatch/") -> list[Json]:
        """What a client asked since the mark, as the server itself wrote it down: verb, requestURI."""
        with (self.folder / "audit.log").open("rb") as file:
            file.seek(since)
            # A SIGKILL may leave half a line, and the next server writes on behind it.
            return [entry for line in file if (entry := _json(line)) and entry.get("userAgent", "").startswith(agent)]


def _json(line: bytes) -> Json | None:
    try:
        entry: Json = json.loads(line)
    except ValueError:
        return None
    return entry


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def _b64(text: str) -> str:
    return b64encode(text.encode()).decode()



"""What the containers of the platform print, for the log subresource: a pure function of pod and time.

One line every two seconds, on the pod's own phase, so that two requests for overlapping spans agree line by
line. A node keeps only the newest lines, as with rotated files.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from console.demo.kubernetes.podlog import Line
from console.demo.world.names import RENDITIONS, TARGET_DURATION_S
from console.demo.world.world import World

EVERY_S = 2
KEPT = 2000
_CRASH = (
    'level=error msg="manifest writer: no rendition ladder for channel"',
    "panic: runtime error: index out of range [0] with length 0",
    "",
    "goroutine 1 [running]:",
    "main.(*Publisher).publish(0x0)",
    "\t/src/packager/publish.go:118",
)


class PodStory:
    def __init__(self, world: World) -> None:
        self._world = world

    def lines(
        self, pod: Mapping[str, Any], container: str, since: datetime, until: datetime, exit_code: int | None
    ) -> list[Line]:
        name = pod["metadata"]["name"]
        phase = self._draw(name, "phase") * EVERY_S
        first = int((since.timestamp() - phase) // EVERY_S) + 1
        last = int((until.timestamp() - phase) // EVERY_S)
        first = max(first, last - KEPT + 1)
        found = []
        for tick in range(first, last + 1):
            at = datetime.fromtimestamp(tick * EVERY_S + phase, since.tzinfo)
            if since <= at < until:
                found.append(Line(at, self._text(pod, container, tick, at), tick % 1000))
        if exit_code:
            found += [
                Line(until - timedelta(microseconds=len(_CRASH) - n), text) for n, text in enumerate(_CRASH)
            ]
        return found

    def _draw(self, *parts: object) -> float:
        digest = blake2b("/".join(map(str, (self._world.seed, *parts))).encode(), digest_size=8).digest()
        return int.from_bytes(digest) / 2**64

    def _text(self, pod: Mapping[str, Any], container: str, tick: int, at: datetime) -> str:
        dice = self._draw(pod["metadata"]["name"], tick)
        segment = int(at.timestamp()) // TARGET_DURATION_S
        rendition = RENDITIONS[int(dice * 1e6) % len(RENDITIONS)]
        channel = pod["metadata"].get("labels", {}).get("channel", "-")
        if dice > 0.996:
            return f'level=warn msg="slow upstream" ms={int(dice * 9e5) % 900 + 200}'
        match container:
            case "entitlement-api" if self._world.active("log-storm", at) is not None:
                return f'level=error msg="entitlement check failed: no free database connection" attempt={int(dice * 39) + 1}'
            case "session-api" if self._world.active("capacity-crunch", at) is not None:
                return f'level=warn msg="admission: new sessions refused" count={int(dice * 60) + 20}'
            case "packager":
                ready = any(
                    c["type"] == "Ready" and c["status"] == "True"
                    for c in pod["status"].get("conditions", [])
                )
                if not ready:
                    return (
                        f'level=error msg="segment {segment} late by {int(dice * 9) + 4} s" channel={channel}'
                    )
                return f'level=info msg="published" channel={channel} rendition={rendition} segment={segment}'
            case "transcoder" | "vod-encoder":
                speed = f"fps={48 + dice * 4:.1f} speed={1 + dice / 9:.2f}x"
                return f'level=info msg="encoded" rendition={rendition} {speed}'
            case "origin" | "edge":
                return f"GET /live/{rendition}/seg-{segment}.ts 200 {dice * 40:.1f}ms"
        return f'level=info msg="handled" ms={dice * 30:.1f}'

"""The words of the log: every kind of line each service writes, in calm and in each fault.

A message is made from (emitter, n, second): n is the line's own random number, so the same line always says
the same.
"""

from __future__ import annotations

from functools import lru_cache

from console.demo.elasticsearch.documents import Emitter, Template
from console.demo.world.names import POPS, RENDITIONS, TARGET_DURATION_S

_TITLES = (
    "harbour-lights-s02e04",
    "the-long-tide",
    "northern-line-s01e09",
    "glass-mountain",
    "cup-final-replay-1998",
)
_PLAYERS = ("ExoPlayer/2.19.1", "AVPlayer/17.4", "hls.js/1.5.8", "Shaka/4.7.11", "tizen-player/6.0")
_TOPICS = ("cmcd.v1", "sessions.v2", "ad-markers.v1", "vod-jobs.v3")


def _rendition(n: int) -> str:
    return RENDITIONS[n % 5]


def _segment(second: int) -> int:
    """The segment number a packager is at: wall clock over target duration, one back as it must be
    complete."""
    return second // TARGET_DURATION_S - 1


def _missed(n: int, elapsed_s: int) -> int:
    """Which of the segments that have come due since the freeze the line is about."""
    return n % (max(elapsed_s, 0) // TARGET_DURATION_S + 1)


def _address(n: int) -> str:
    return f"10.{n % 200 + 16}.{n >> 8 & 255}.{n >> 16 & 255}"


def _path(e: Emitter, n: int, second: int) -> str:
    tail = f"seg-{_segment(second) - n % 3}.ts" if n & 8 else "index.m3u8"
    return f"/live/{e.channel}/{_rendition(n >> 4)}/{tail}"


CALM: tuple[Template, ...] = (
    # packagers: one replica a channel
    Template(
        "packager",
        "info",
        5.0,
        lambda e, n, s: (
            f"published segment {_segment(s)} of {e.channel}/{_rendition(n)} in {120 + n % 260} ms, "
            f"{900 + n % 4200} KiB"
        ),
    ),
    Template(
        "packager",
        "debug",
        2.2,
        lambda e, n, s: (
            f"playlist {e.channel}/{_rendition(n)} rewritten, media sequence {_segment(s) - 7}, 8 segments"
        ),
    ),
    Template(
        "packager",
        "info",
        0.4,
        lambda e, n, s: (
            f"SCTE-35 splice_insert id {n % 90000 + 10000} on {e.channel}, out of network in "
            f"{2 + n % 7}.{n % 10} s"
        ),
    ),
    Template(
        "packager",
        "warn",
        0.25,
        lambda e, n, s: (
            f"clock of encoder for {e.channel} drifts {12 + n % 30} ms, PROGRAM-DATE-TIME adjusted"
        ),
    ),
    # transcoders
    Template(
        "transcoder",
        "info",
        6.0,
        lambda e, n, s: (
            f"gop closed {e.channel} {_rendition(n)} frames=50 qp={22 + n % 9}.{n % 10} "
            f"speed={1 + n % 60 / 100:.2f}x"
        ),
    ),
    Template(
        "transcoder",
        "debug",
        2.0,
        lambda e, n, s: (
            f"input {e.channel} pid 0x{256 + n % 8:x} pcr jitter {n % 900} us, buffer {40 + n % 50} %"
        ),
    ),
    Template(
        "transcoder",
        "warn",
        0.35,
        lambda e, n, s: (
            f"continuity counter error on {e.channel} pid 0x{256 + n % 8:x}, {1 + n % 3} packet(s) concealed"
        ),
    ),
    Template(
        "transcoder",
        "error",
        0.04,
        lambda e, n, s: (
            f"decoder reset on {e.channel}: invalid NAL unit size {n % 65536}, resumed at the next IDR after "
            f"{n % 900 + 80} ms"
        ),
    ),
    # origin and edges
    Template(
        "origin",
        "info",
        6.0,
        lambda e, n, s: f"GET {_path(e, n, s)} 200 {n % 5000 + 300}B {1 + n % 14}ms shield-{POPS[n % 4]}",
    ),
    Template(
        "origin",
        "warn",
        0.15,
        lambda e, n, s: f"slow read {_path(e, n, s)}: {410 + n % 500} ms from store, served",
    ),
    Template(
        "origin",
        "error",
        0.02,
        lambda e, n, s: f"client {_address(n)} reset connection after {n % 400} KiB of {_path(e, n, s)}",
    ),
    Template(
        "edge",
        "info",
        21.0,
        lambda e, n, s: (
            f"{_address(n)} GET {_path(e, n, s)} 200 {'HIT' if n % 25 else 'MISS'} {n % 4000 + 300}B "
            f"{n % 9}.{n % 10}ms {_PLAYERS[n % 5]}"
        ),
    ),
    Template(
        "edge",
        "debug",
        2.6,
        lambda e, n, s: f"revalidated {_path(e, n & ~8, s)} with shield: 304, age {n % 4} s",
    ),
    Template(
        "edge",
        "warn",
        0.5,
        lambda e, n, s: (
            f"client {_address(n)} asked for seg-{_segment(s) - 20 - n % 40} of {e.channel}, gone from the "
            "window: 404"
        ),
    ),
    Template(
        "edge",
        "error",
        0.06,
        lambda e, n, s: (
            f"upstream timed out (110: Connection timed out) while reading {_path(e, n, s)}, retried on next "
            "shield"
        ),
    ),
    # video on demand
    Template(
        "vod-encoder",
        "info",
        3.4,
        lambda e, n, s: (
            f"job {n % 900000 + 100000} {_TITLES[n % 5]} {_rendition(n)} {n % 100} % done, "
            f"{1 + n % 30 / 10:.1f}x realtime"
        ),
    ),
    Template(
        "vod-encoder",
        "warn",
        0.2,
        lambda e, n, s: (
            f"job {n % 900000 + 100000} two-pass log is short, falling back to one pass for {_rendition(n)}"
        ),
    ),
    Template(
        "vod-encoder",
        "error",
        0.03,
        lambda e, n, s: (
            f"job {n % 900000 + 100000} failed: mezzanine {_TITLES[n % 5]}.mxf has no audio track "
            f"{n % 4 + 1}; requeued"
        ),
    ),
    Template(
        "vod-api",
        "info",
        2.6,
        lambda e, n, s: f"POST /v2/playback/{_TITLES[n % 5]} 200 {8 + n % 40}ms session={n & 0xFFFFFFFF:08x}",
    ),
    Template(
        "vod-api",
        "error",
        0.02,
        lambda e, n, s: (
            f"POST /v2/playback/{_TITLES[n % 5]} 502: entitlement-api closed the connection; "
            f"session={n & 0xFFFFFFFF:08x}"
        ),
    ),
    # the platform beneath
    Template(
        "session-api",
        "info",
        2.2,
        lambda e, n, s: f"heartbeat batch of {20 + n % 200} sessions accepted in {2 + n % 12} ms",
    ),
    Template(
        "drm-license",
        "info",
        1.4,
        lambda e, n, s: (
            f"license issued kid={n & 0xFFFFFFFFFFFF:012x} "
            f"robustness={'HW_SECURE_ALL' if n & 1 else 'SW_SECURE_CRYPTO'} "
            f"{6 + n % 30}ms"
        ),
    ),
    Template(
        "drm-license",
        "warn",
        0.1,
        lambda e, n, s: f"client {_address(n)} presented a revoked device certificate, refused",
    ),
    Template(
        "drm-license",
        "error",
        0.02,
        lambda e, n, s: (
            f"key server answered after {1000 + n % 800} ms, license for kid={n & 0xFFFFFFFFFFFF:012x} not "
            "issued in time"
        ),
    ),
    Template(
        "entitlement-api",
        "info",
        0.9,
        lambda e, n, s: f"subscriber {n % 10**9:09d} entitled, cache {n % 97} s old",
    ),
    Template(
        "cmcd-collector",
        "debug",
        1.2,
        lambda e, n, s: f"flushed {200 + n % 900} CMCD beacons to {_TOPICS[n % 4]}",
    ),
    Template(
        "kafka",
        "info",
        0.5,
        lambda e, n, s: (
            f"[Log partition={_TOPICS[n % 4]}-{n % 12}] Rolled new log segment at offset {n & 0xFFFFFFFF}"
        ),
    ),
    Template(
        "redis",
        "info",
        0.3,
        lambda e, n, s: f"Background saving terminated with success, {n % 400 + 20} MB copy-on-write",
    ),
    Template(
        "ingress",
        "info",
        1.1,
        lambda e, n, s: f'{_address(n)} "POST /beacon HTTP/2.0" 204 upstream {n % 20 + 1}ms',
    ),
    Template(
        "ingress",
        "error",
        0.03,
        lambda e, n, s: (
            f"*{n % 10**7} upstream prematurely closed connection while reading response header, client "
            f"{_address(n)}"
        ),
    ),
    Template(
        "scheduler",
        "info",
        0.4,
        lambda e, n, s: f"rundown of {n % 12 + 1} channel(s) reconciled, {n % 40} event(s) ahead",
    ),
    Template(
        "log-shipper", "debug", 0.6, lambda e, n, s: f"harvester caught up, {n % 900} events acknowledged"
    ),
    Template(
        "config-api",
        "info",
        0.1,
        lambda e, n, s: f"configuration revision {n % 4000} served to {n % 30 + 1} watcher(s)",
    ),
)

STALE_SHIELD: tuple[Template, ...] = (
    Template(
        "edge",
        "error",
        3.0,
        lambda e, n, s: (
            f"revalidation failed for /live/{e.channel}/1080p/index.m3u8: shield answered 200 with the ETag "
            "it already had, "
            f"serving stale copy to {_address(n)}"
        ),
    ),
    Template(
        "edge",
        "error",
        1.0,
        lambda e, n, s: (
            f"revalidation failed for /live/{e.channel}/1080p/index.m3u8: object pinned at shield, "
            f"max-age exceeded by {1 + n % 30} s"
        ),
    ),
)
"""Written by the three edges behind the shield, with a rate per edge."""


@lru_cache(maxsize=8)
def late_packager(since: int) -> tuple[Template, ...]:
    """What packager-emea writes from second `since` on, when it crash-loops. The lateness grows by the
    clock."""
    return (
        Template(
            "packager",
            "error",
            8.0,
            lambda e, n, s: (
                f"segment {_segment(since) + 1 + _missed(n, s - since)} of {e.channel}/{_rendition(n >> 8)} "
                "late by "
                f"{max(s - since - TARGET_DURATION_S * _missed(n, s - since), 1)} s"
            ),
        ),
        Template(
            "packager",
            "error",
            1.0,
            lambda e, n, s: (
                f"panic: runtime error: index out of range [{5 + n % 3}] with length 5, goroutine "
                f"{n % 400 + 1} "
                f"[running]: packager/timeline.(*Window).Publish timeline.go:212"
            ),
        ),
        Template(
            "packager",
            "error",
            0.6,
            lambda e, n, s: (
                f"process exited with code 1 while publishing {e.channel}, restart {1 + (s - since) // 20}"
            ),
        ),
        Template(
            "packager",
            "error",
            0.4,
            lambda e, n, s: (
                f"ladder of {e.channel} incomplete: {_rendition(n)} has no timeline, refusing to write the "
                "master playlist"
            ),
        ),
    )

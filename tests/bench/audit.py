"""What an acknowledged audit record costs beside a bare loop of write and fdatasync of as many bytes: for one operation that
waits for each record, and for many at once that share their fsyncs.

The goal of a single append is set beside the same loop behind a thread: an fsync may not stand in the event loop, and
changing threads twice costs what it costs. What is ours is the rest: the checks, the hash, the numbering.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench.figure import Figure, Goal, figure
from tests.bench.harness import interleaved, measured

MANY = 64
LINE_BYTES = 830  # what the bare loop writes; audit_record says what ours are


def _ms(told: dict[str, Any]) -> float:
    return float(told["wall_s"] / told["records"] * 1e3)


def _per_s(told: dict[str, Any]) -> float:
    return float(told["records"] / told["wall_s"])


def _bytes_per_sync(told: dict[str, Any]) -> float:
    return float(told["bytes_out"] / told["syncs"])


def run(is_quick: bool) -> Iterator[Figure]:
    few, many, repeats = (20, 200, 1) if is_quick else (1000, 10_000, 5)
    alone, bare = interleaved(
        lambda: measured("audit_load", "ours", 1, few), lambda: measured("audit_load", "bare", LINE_BYTES, few), repeats
    )
    yield figure(
        "audit_append", "ms/record", [*map(_ms, alone)], [*map(_ms, bare)], goal=None, basis="wall"
    )
    again, handed = interleaved(
        lambda: measured("audit_load", "ours", 1, few), lambda: measured("audit_load", "handed", LINE_BYTES, few), repeats
    )
    yield figure(
        "audit_append_handed", "ms/record", [*map(_ms, again)], [*map(_ms, handed)],
        goal=Goal(1.5, is_ratio=True), basis="wall",
    )  # fmt: skip
    cpu = [told["cpu_s"] / told["records"] * 1e6 for told in alone]
    yield figure("audit_append_cpu", "us/record", cpu, goal=None)
    yield figure("audit_record", "bytes", [told["bytes_out"] / told["records"] for told in alone], goal=None, basis="bytes")
    shared, bare = interleaved(
        lambda: measured("audit_load", "ours", MANY, many), lambda: measured("audit_load", "bare", LINE_BYTES, few), repeats
    )
    yield figure(
        "audit_shared", "records/s", [*map(_per_s, shared)], [*map(_per_s, bare)],
        goal=Goal(2.0, is_ratio=True), better="higher", basis="wall",
    )  # fmt: skip
    yield figure(
        "audit_bytes_per_fsync", "bytes", [*map(_bytes_per_sync, shared)], [*map(_bytes_per_sync, alone)],
        goal=None, better="higher", basis="bytes",
    )  # fmt: skip

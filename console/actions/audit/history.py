"""All chains of a state directory together: what was recorded, in the order in which it happened, and what it adds up to.

Within a chain the sequence says what came first. Between chains of one boot the monotonic clock does, which all processes
of a host share; between boots only the wall clock is left, which may have been set in between. Therefore a record that
carries an operation on names the record it continues, and never stands before it.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from console.actions.audit.derive import operations
from console.actions.audit.kinds import Resumed
from console.actions.audit.operation import Operation, State, may_resume, may_undo, state_of
from console.actions.audit.reading import ReadChain, Standing, chains, read_chain
from console.actions.audit.record import Record

MAX_BYTES = 512 * 1024 * 1024  # of all chains; decoded they take some three times that


class TooLarge(Exception):
    """More than can be held in memory at once. `verify` reads line by line and has no such limit."""


class Known(msgspec.Struct, frozen=True):
    """An operation, where it stands now, and what may be offered. Nothing of it happens by itself."""

    operation: Operation
    state: State
    may_resume: bool
    may_undo: bool


class History(msgspec.Struct, frozen=True):
    """What the chains held when they were read."""

    chains: tuple[ReadChain, ...]
    records: tuple[Record, ...]  # merged
    alive: frozenset[str]  # chains whose process holds its lock

    def operations(self, now: datetime) -> list[Known]:
        """All of them, in the order in which they began. The state is that of `now`."""
        return [self._known(operation, now) for operation in operations(self.records).values()]

    def _known(self, operation: Operation, now: datetime) -> Known:
        state = state_of(operation, now, self.alive)
        # Of a damaged chain the end is missing: how far it came is not known, and nothing may be built on that.
        damaged = {each.name for each in self.damaged}
        is_whole = damaged.isdisjoint((operation.chain, operation.last_chain))
        return Known(
            operation, state, is_whole and may_resume(operation, state), is_whole and may_undo(operation, state)
        )

    @property
    def damaged(self) -> tuple[ReadChain, ...]:
        """Chains of which not all could be believed: an operation may have gone further than is told here."""
        return tuple(each for each in self.chains if each.standing in (Standing.TAMPERED, Standing.UNREADABLE))


def history(directory: Path) -> History:
    """Read and merge all chains under `directory`. Blocks. Raises OSError, and TooLarge."""
    paths = chains(directory)
    size = sum(path.lstat().st_size for path in paths)
    if size > MAX_BYTES:
        raise TooLarge(f"the audit under {directory} has {size:,} bytes; at most {MAX_BYTES:,} are shown at once")
    read: list[ReadChain] = []
    by_chain: dict[str, list[Record]] = {}
    for path in paths:
        records: list[Record] = []
        chain = read_chain(path, records.append)
        read.append(chain)
        by_chain[chain.name] = records
    alive = frozenset(chain.name for chain in read if chain.is_alive)
    return History(tuple(read), tuple(merged(by_chain)), alive)


def merged(by_chain: Mapping[str, Sequence[Record]]) -> Iterable[Record]:
    """The records of all chains; each chain's in its own order, and none before the one that it continues."""
    boots: dict[tuple[str, str], list[str]] = {}
    for name, records in by_chain.items():
        if records:
            boots.setdefault((records[0].header.host, records[0].header.boot), []).append(name)
    streams = [_of_one_boot([by_chain[name] for name in names]) for names in boots.values()]
    lengths = {name: len(records) for name, records in by_chain.items()}
    passed: dict[str, int] = {}
    waiting: dict[int, Resumed] = {}  # stream -> what its next record continues
    heap = [(stream[0].header.at, number) for number, stream in enumerate(streams)]
    heapq.heapify(heap)
    at = [0] * len(streams)
    while heap or waiting:
        if heap:
            _, number = heapq.heappop(heap)
            entry = streams[number][at[number]].entry
            if isinstance(entry, Resumed) and not _is_passed(entry, passed, lengths):
                waiting[number] = entry
                continue
        else:  # they wait for each other, which no honest writers bring about: told in their order all the same
            number = min(waiting)
            del waiting[number]
        record = streams[number][at[number]]
        yield record
        passed[record.header.chain] = record.header.sequence
        at[number] += 1
        if at[number] < len(streams[number]):
            heapq.heappush(heap, (streams[number][at[number]].header.at, number))
        for other, continued in list(waiting.items()):
            if _is_passed(continued, passed, lengths):
                del waiting[other]
                heapq.heappush(heap, (streams[other][at[other]].header.at, other))


def _of_one_boot(chains_of_boot: Sequence[Sequence[Record]]) -> list[Record]:
    return list(heapq.merge(*chains_of_boot, key=lambda record: record.header.mono_us))


def _is_passed(entry: Resumed, passed: Mapping[str, int], lengths: Mapping[str, int]) -> bool:
    """Whether the record that this one continues has been told, or is not there to wait for."""
    return passed.get(entry.after_chain, 0) >= min(entry.after_sequence, lengths.get(entry.after_chain, 0))

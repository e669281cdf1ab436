"""Whether the journal is as it was written: every chain by itself, and beside the checkpoints that went elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from console.actions.audit.checkpoint import BadLine, Checkpoint, ForeignLine, TornLine
from console.actions.audit.reading import ReadChain, Standing, chains, read_chain
from console.actions.audit.record import Record


class Proof(msgspec.Struct, frozen=True):
    """What the lines of a checkpoint file say, by chain: sequence -> hash. `bad` lines are damage of the proof itself."""

    by_chain: Mapping[str, Mapping[int, str]] = {}
    bad: tuple[BadLine, ...] = ()
    foreign: int = 0  # lines of another key
    is_torn: bool = False

    @classmethod
    def of(cls, lines: Iterable[Checkpoint | BadLine | ForeignLine | TornLine]) -> Proof:
        """Gather them. Two lines that contradict each other for one record are damage too."""
        by_chain: dict[str, dict[int, str]] = {}
        bad: list[BadLine] = []
        foreign, is_torn = 0, False
        for line in lines:
            match line:
                case Checkpoint():
                    said = by_chain.setdefault(line.chain, {}).setdefault(line.sequence, line.hash)
                    if said != line.hash:
                        bad.append(BadLine(0, f"two hashes were signed for record {line.sequence} of {line.chain}"))
                case BadLine():
                    bad.append(line)
                case ForeignLine():
                    foreign += 1
                case TornLine():
                    is_torn = True
        return cls(by_chain, tuple(bad), foreign, is_torn)


class Checked(msgspec.Struct, frozen=True):
    """The verdict on one chain. `proven` is the last record that a checkpoint covers; 0 when none does."""

    chain: ReadChain
    proven: int = 0


def checked(directory: Path, proof: Proof | None = None) -> list[Checked]:
    """Every chain there is, and every chain there should be. Blocks. Raises OSError when the directory cannot be read."""
    found = [_checked(path, proof or Proof()) for path in chains(directory)]
    there = {each.chain.name for each in found}
    for name, signed in (proof.by_chain if proof else {}).items():
        if name not in there:
            why = f"is gone with its whole chain: a checkpoint knows of record {max(signed)}"
            path = directory / name
            found.append(Checked(ReadChain(name=name, path=path, standing=Standing.TAMPERED, bad=1, why=why)))
    return found


def _checked(path: Path, proof: Proof) -> Checked:
    signed = proof.by_chain.get(path.stem, {})
    differs: list[int] = []
    last = max(signed, default=0)

    def compare(record: Record) -> None:
        number = record.header.sequence
        if number in signed and signed[number] != record.header.hash:
            differs.append(number)

    chain = read_chain(path, compare)
    if chain.standing is Standing.UNREADABLE:
        return Checked(chain)
    if differs:
        good = max((number for number in signed if number < differs[0]), default=0)
        why = f"is not the one that was signed: it or one since record {good} was written anew"
        return Checked(_tampered(chain, differs[0], why), good)
    if chain.standing is not Standing.TAMPERED and last > chain.records:
        why = f"is gone: the chain was cut after record {chain.records}, a checkpoint knows of record {last}"
        return Checked(_tampered(chain, chain.records + 1, why), chain.records)
    return Checked(chain, min(last, chain.records))


def _tampered(chain: ReadChain, bad: int, why: str) -> ReadChain:
    earlier = chain.bad is not None and chain.bad < bad
    if earlier:
        return chain
    return msgspec.structs.replace(chain, standing=Standing.TAMPERED, bad=bad, why=why)

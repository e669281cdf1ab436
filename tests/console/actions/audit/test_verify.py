"""Checkpoints: a chain cut, rewritten or taken away is found by what another host has collected."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from console.actions.audit import kinds
from console.actions.audit.checkpoint import BadLine, Checkpoint, ForeignLine, TornLine
from console.actions.audit.journal import Journal
from console.actions.audit.operation import Outcome
from console.actions.audit.reading import Standing
from console.actions.audit.signing import Checkpoints, KeyUnusable, public_key, public_key_path, read, signing_key
from console.actions.audit.verify import Checked, Proof, checked
from tests.console.actions.audit.sample import ANNA, HERE, WHOLE, Memory, chained, records_of, until, written
from tests.hand_clock import START, HandClock


class Site:
    """A state directory with a chain, and the file that a collector carried away."""

    def __init__(self, place: Path) -> None:
        self.state, self.file = place / "midwatch", place / "checkpoints.jsonl"
        self.audit = self.state / "audit"
        self.path = Path()

    async def write(self, every_records: int = 4) -> None:
        notary = Checkpoints(self.file, signing_key(self.state), every_records, every_s=3600)
        self.path = await written(self.audit, *WHOLE, notary=notary)

    def lines(self) -> list[Checkpoint | BadLine | ForeignLine | TornLine]:
        return list(read(self.file, public_key(public_key_path(self.state))))

    def verdict(self) -> Checked:
        (only,) = checked(self.audit, Proof.of(self.lines()))
        return only


@pytest.fixture
async def site(tmp_path: Path) -> Site:
    found = Site(tmp_path)
    await found.write()
    return found


def test_a_chain_is_signed_every_so_many_records_and_at_its_end_and_its_own_records_say_so(site: Site) -> None:
    records = records_of(site.path)
    signed = [line for line in site.lines() if isinstance(line, Checkpoint)]
    assert len(signed) == len(site.lines()) >= 3
    assert signed[-1].sequence == len(records), "the closing record"
    assert all(records[line.sequence - 1].header.hash == line.hash for line in signed)
    told = [each.entry for each in records if isinstance(each.entry, kinds.Checkpointed)]
    assert [entry.sequence for entry in told] == [line.sequence for line in signed[:-1]]
    verdict = site.verdict()
    assert (verdict.chain.standing, verdict.proven) == (Standing.CLOSED, len(records))


async def test_what_is_not_signed_by_number_is_signed_by_the_clock(tmp_path: Path) -> None:
    notary = Checkpoints(tmp_path / "file", signing_key(tmp_path), every_records=1000, every_s=0.05)
    async with await Journal.open(tmp_path / "audit", HandClock(), ANNA, identity=HERE, disk=Memory(), notary=notary) as journal:
        first = await journal.append(WHOLE[0])


        await until(lambda: (tmp_path / "file").exists() and first.hash in (tmp_path / "file").read_text())
    count = len((tmp_path / "file").read_text().splitlines())
    assert count <= 4, "its own records are no reason for another checkpoint"


@pytest.mark.parametrize("keep", range(12))
def test_a_chain_cut_at_any_boundary_is_found_and_the_first_missing_record_named(site: Site, keep: int) -> None:
    lines = site.path.read_bytes().splitlines(keepends=True)
    site.path.write_bytes(b"".join(lines[:keep]))
    verdict = site.verdict().chain
    assert (verdict.standing, verdict.bad) == (Standing.TAMPERED, keep + 1)
    assert f"cut after record {keep}" in verdict.why
    (alone,) = checked(site.audit)
    assert (alone.chain.standing, alone.chain.records) == (Standing.UNPROVEN, keep), "without checkpoints it is only unproven"


def test_a_chain_that_its_owner_wrote_anew_is_found(site: Site) -> None:
    others = [entry for entry in WHOLE if not isinstance(entry, kinds.Verified)]
    names = chained(*others, *others, chain=HERE.name)
    site.path.write_bytes(b"".join(names))
    (alone,) = checked(site.audit)
    assert alone.chain.standing is Standing.UNPROVEN, "every hash of it is right"
    verdict = site.verdict().chain
    assert verdict.standing is Standing.TAMPERED
    assert verdict.bad == min(line.sequence for line in site.lines() if isinstance(line, Checkpoint))


def test_a_chain_that_was_taken_away_is_named(site: Site) -> None:
    site.path.unlink()
    assert (site.verdict().chain.name, site.verdict().chain.standing, site.verdict().chain.bad) == (HERE.name, Standing.TAMPERED, 1)
    assert checked(site.audit) == []


def test_a_tail_after_the_last_checkpoint_stays_unproven(site: Site) -> None:
    lines = site.file.read_text().splitlines(keepends=True)
    site.file.write_text("".join(lines[:1]))
    chain = site.path.read_bytes().splitlines(keepends=True)
    site.path.write_bytes(b"".join(chain[:-2]))
    assert (site.verdict().chain.standing, site.verdict().proven) == (Standing.UNPROVEN, 4)


def test_any_byte_changed_in_a_line_takes_its_signature_away(site: Site) -> None:
    line = site.file.read_bytes().splitlines(keepends=True)[0]
    ids = 0
    for place in range(len(line) - 1):
        site.file.write_bytes(line[:place] + bytes((line[place] ^ 1,)) + line[place + 1 :])
        assert not any(isinstance(each, Checkpoint) for each in site.lines()), place
        ids += any(isinstance(each, ForeignLine) for each in site.lines())
    assert ids <= 16, "only a changed name of the key looks like another host's line"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{}\n", BadLine),
        (b"\n", BadLine),
        (b"\xff\xfe\n", BadLine),
        (b"[" * 5000 + b"\n", BadLine),
        (b"x" * 100_000, BadLine),
        (b'{"@timestamp"', TornLine),
    ],
)
def test_a_line_that_is_no_checkpoint_is_told_by_its_number(site: Site, content: bytes, kind: type) -> None:
    count = len(site.lines())
    with site.file.open("ab") as file:
        file.write(content)
    *before, last = site.lines()
    assert len(before) == count
    assert isinstance(last, kind) and last.number == count + 1  # type: ignore[attr-defined]


async def test_lines_of_another_host_in_the_same_file_are_left_to_its_own_key(site: Site, tmp_path: Path) -> None:
    other = signing_key(tmp_path / "other")
    Checkpoints(site.file, other).append("elsewhere", 7, "00", START)
    assert sum(isinstance(line, ForeignLine) for line in site.lines()) == 1
    assert site.verdict().chain.standing is Standing.CLOSED
    assert Proof.of(site.lines()).foreign == 1


def test_two_signed_hashes_for_one_record_are_damage_in_themselves(site: Site) -> None:
    Checkpoints(site.file, signing_key(site.state)).append(HERE.name, 4, "00", START)
    assert "two hashes were signed for record 4" in Proof.of(site.lines()).bad[0].why


async def test_a_checkpoint_file_that_cannot_be_written_is_told_and_recorded_and_does_not_stop_the_journal(tmp_path: Path) -> None:
    notary = Checkpoints(tmp_path / "no" / "such" / "file", signing_key(tmp_path), every_records=3)
    async with await Journal.open(tmp_path / "audit", HandClock(), ANNA, identity=HERE, disk=Memory(), notary=notary) as journal:
        for entry in WHOLE:
            await journal.append(entry)
        assert "No such file" in str(journal.checkpoint_error)
    told = [each.entry for each in records_of(journal.path) if isinstance(each.entry, kinds.Checkpointed)]
    assert told and all(entry.outcome is Outcome.FAILURE and "No such file" in entry.reason for entry in told)


def test_the_key_is_made_once_private_and_its_public_half_lies_beside_it(tmp_path: Path) -> None:
    first, second = signing_key(tmp_path / "s"), signing_key(tmp_path / "s")
    assert first.private_bytes_raw() == second.private_bytes_raw()
    assert stat.S_IMODE((tmp_path / "s" / "checkpoint.key").stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path / "s")) == ["checkpoint.key", "checkpoint.pub"]
    assert public_key(public_key_path(tmp_path / "s")).public_bytes_raw() == first.public_key().public_bytes_raw()


def test_a_key_that_others_can_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    signing_key(tmp_path)
    (tmp_path / "checkpoint.key").chmod(0o644)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        signing_key(tmp_path)
    (tmp_path / "checkpoint.key").chmod(0o600)
    (tmp_path / "checkpoint.key").write_text("nonsense")
    with pytest.raises(KeyUnusable, match="holds no private key"):
        signing_key(tmp_path)
    with pytest.raises(KeyUnusable, match="cannot read the public key"):
        public_key(tmp_path / "none")

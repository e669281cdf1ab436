"""One process, one chain: who may write to it, and who is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.actions.audit.chain import Chain, ChainHeld, Identity, is_held
from console.actions.audit.journal import Journal
from console.actions.audit.person import person_here
from tests.console.actions.audit.sample import ANNA, HERE, Memory, planned, written
from tests.hand_clock import HandClock

ROOT = Path(__file__).parents[4]
OPENER = """
import sys
from pathlib import Path
from console.actions.audit.chain import Chain, ChainHeld, Identity
try:
    Chain.create(Path(sys.argv[1]), Identity("edge-1", "b00t", 4711))
except ChainHeld as refused:
    print("refused:", refused)
else:
    print("opened", flush=True)
    sys.stdin.read()
"""


def opener(directory: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OPENER, str(directory)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


async def test_an_opener_in_another_process_is_refused_while_the_first_one_lives(tmp_path: Path) -> None:
    async with await Journal.open(tmp_path, HandClock(), ANNA, identity=HERE, disk=Memory()) as journal:
        said, _ = opener(tmp_path).communicate(timeout=20)
        assert said.startswith("refused: ") and str(journal.path) in said
        with pytest.raises(ChainHeld, match="held by another opener"):
            await Journal.open(tmp_path, HandClock(), ANNA, identity=HERE)
        assert len(list(tmp_path.iterdir())) == 1
        await journal.append(planned())


def test_a_chain_whose_process_was_killed_is_left_alone_and_the_next_one_of_its_name_gets_another_file(tmp_path: Path) -> None:
    first = opener(tmp_path)
    assert first.stdout is not None
    assert first.stdout.readline() == "opened\n"
    with pytest.raises(ChainHeld):
        Chain.create(tmp_path, HERE)
    first.kill()
    first.communicate()
    old = tmp_path / f"{HERE.name}.jsonl"
    old.write_bytes(b"torn")
    chain = Chain.create(tmp_path, HERE)
    assert (chain.place.chain, chain.path) == (f"{HERE.name}.2", tmp_path / f"{HERE.name}.2.jsonl")
    assert old.read_bytes() == b"torn"
    assert is_held(chain.path)
    os.close(chain.descriptor)
    assert not is_held(chain.path)


async def test_a_chain_that_was_closed_is_not_opened_again_either(tmp_path: Path) -> None:
    first, second = await written(tmp_path), await written(tmp_path)
    assert (first.name, second.name) == (f"{HERE.name}.jsonl", f"{HERE.name}.2.jsonl")


def test_openers_of_one_identity_at_the_same_moment_get_one_chain_between_them(tmp_path: Path) -> None:
    openers = [opener(tmp_path) for _ in range(3)]
    said = []
    for each in openers:
        assert each.stdout is not None
        said.append(each.stdout.readline().split()[0])
    for each in openers:
        each.communicate()
    assert sorted(said) == ["opened", "refused:", "refused:"]


def test_the_name_of_a_host_cannot_lead_out_of_the_directory() -> None:
    assert Identity("../../etc\x1b[2J", "b", 1).name == ".._.._etc__2J-b-1"
    assert Identity("", "b", 1).name == "host-b-1"
    assert "/" not in Identity.here().name


def test_this_process_knows_its_boot_and_its_pid() -> None:
    here = Identity.here()
    assert here == Identity.here()
    assert here.pid == os.getpid() and len(here.boot) >= 3


def test_under_sudo_the_caller_is_named_and_root_only_as_the_account_that_acts() -> None:
    sudo = {"SUDO_USER": "anna", "SUDO_UID": "1000"}
    assert (person := person_here(sudo, uid=0)).name == "anna"
    assert (person.id, person.effective) == ("1000", "root")
    assert person_here(sudo, uid=4_000_000).name == "uid-4000000", "who is not root can set any variable"
    assert person_here({}, uid=0).name == "root"



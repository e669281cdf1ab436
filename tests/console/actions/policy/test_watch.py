"""The policy is asked anew at every decision; while it is broken there is none."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from console.actions.policy.policy import PolicyError
from console.actions.policy.watch import Policies

ROLE = '[roles.operator]\npeople = ["mei"]\nmay = ["deployment.*"]\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "policy.toml"
    place.write_text(ROLE)
    return place


async def test_a_changed_policy_is_used_at_once_even_when_its_time_and_size_stand_still(path: Path) -> None:
    policies = Policies(path)
    before = await policies.current()
    stamp = path.stat()
    path.write_text(ROLE.replace("mei", "ana"))
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    after = await policies.current()
    assert (before.roles["operator"].people, after.roles["operator"].people) == (("mei",), ("ana",))
    assert before.version != after.version


async def test_an_unchanged_policy_is_parsed_once(path: Path) -> None:
    policies = Policies(path)
    first, *rest = await asyncio.gather(*(policies.current() for _ in range(20)))
    assert all(each is first for each in rest)


async def test_a_broken_policy_is_none_and_never_the_last_good_one(path: Path) -> None:
    policies = Policies(path)
    await policies.current()
    path.write_text(ROLE + "[limits]\nheadrom = 2\n")
    for _ in range(2):
        with pytest.raises(PolicyError, match="did you mean `headroom`"):
            await policies.current()
    path.write_text(ROLE)
    assert (await policies.current()).roles


async def test_a_policy_that_is_gone_or_opened_to_everybody_is_none(path: Path) -> None:
    policies = Policies(path)
    await policies.current()
    path.chmod(0o666)
    with pytest.raises(PolicyError, match="by everyone"):
        await policies.current()
    path.unlink()
    with pytest.raises(PolicyError, match="No such file"):
        await policies.current()
    path.write_text(ROLE)
    path.chmod(0o644)
    assert (await policies.current()).roles


async def test_without_a_policy_file_nothing_may_be_written() -> None:
    with pytest.raises(PolicyError, match="set policy_file"):
        await Policies(None).current()

"""Who is kept off a target: this process, this user's others, and every other user of the host."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from console.actions.locks import Locks, TargetHeld

TARGET, KNOWN = "kube:prod/live/deployment/packager", "uid-of-kube-system/kube:live/deployment/packager"


def two(tmp_path: Path) -> tuple[Locks, Locks]:
    """Of two users: a state directory each, and the place that all may write to."""
    host = tmp_path / "run-lock"
    host.mkdir()
    host.chmod(0o1777)
    return Locks(tmp_path / "anna", host), Locks(tmp_path / "boris", host)


async def test_another_user_is_held_off_by_what_the_target_is_and_not_by_its_name_in_a_configuration(tmp_path: Path) -> None:
    anna, boris = two(tmp_path)
    async with anna.held(TARGET, "op-1", KNOWN):
        with pytest.raises(TargetHeld, match="kube:main/live/deployment/packager is held by a midwatch of another user"):
            async with boris.held("kube:main/live/deployment/packager", "op-2", KNOWN):
                pass
        assert boris.holder("kube:main/live/deployment/packager") is None
        async with boris.held(TARGET, "op-3", "another cluster of the same name"):
            pass
    async with boris.held(TARGET, "op-4", KNOWN):
        pass
    (path, _) = sorted((tmp_path / "run-lock").iterdir(), key=lambda each: each.stat().st_mtime)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644, "another user can open what this one made"


async def test_a_lock_that_was_refused_leaves_nothing_open(tmp_path: Path) -> None:
    anna, boris = two(tmp_path)
    async with anna.held(TARGET, "op-1", KNOWN):
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            with pytest.raises(TargetHeld):
                async with boris.held(TARGET, "op-2", KNOWN):
                    pass
        assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("kind", ["nowhere", "link", "pipe", "folder"])
async def test_what_stands_in_the_place_of_the_hosts_lock_is_neither_followed_nor_waited_for(tmp_path: Path, kind: str) -> None:
    anna, _ = two(tmp_path)
    async with anna.held(TARGET, "op-1", KNOWN):
        (path,) = (tmp_path / "run-lock").iterdir()
    path.unlink()
    victim = tmp_path / "victim"
    match kind:
        case "nowhere":
            path.parent.rmdir()
        case "link":
            path.symlink_to(victim)
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
    async with anna.held(TARGET, "op-2", KNOWN):
        assert anna.holder(TARGET) == "op-2", "this user's own lock is held all the same"
    assert not victim.exists()

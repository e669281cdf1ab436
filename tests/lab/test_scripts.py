"""What up.sh and down.sh must never do, whoever's machine this is. Needs no server and no lab."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
SITE = HERE / "site.toml"


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [HERE / script], env={**os.environ, "LAB": str(folder)}, capture_output=True, text=True, timeout=30, check=False
    )


@contextmanager
def sleeper(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", *arguments]) as process:
        try:
            yield process
        finally:
            process.kill()


def lab_with(folder: Path, pid: int) -> Path:
    """A lab's folder in which ffmpeg is said to be `pid`."""
    folder.mkdir()
    (folder / ".lab").touch()
    (folder / "ffmpeg.pid").write_text(f"{pid}\n")
    return folder


def test_down_leaves_alone_a_process_that_only_has_the_pid_of_one_of_ours(tmp_path: Path) -> None:
    with sleeper() as foreign:
        lab = lab_with(tmp_path / "lab", foreign.pid)
        ended = run("down.sh", lab)
        assert (ended.returncode, ended.stdout) == (0, "lab: nothing was up\n")
        assert foreign.poll() is None
        assert not lab.exists()


def test_down_ends_its_own_process_even_when_it_was_stopped(tmp_path: Path) -> None:
    with sleeper(f"{tmp_path}/lab/media") as ours:
        ours.send_signal(signal.SIGSTOP)
        ended = run("down.sh", lab_with(tmp_path / "lab", ours.pid))
        assert (ended.returncode, ended.stdout) == (0, "lab: stopped ffmpeg\n")
        assert ours.wait(timeout=5) == -signal.SIGTERM


def test_down_keeps_what_is_not_the_labs(tmp_path: Path) -> None:
    before = SITE.read_bytes() if SITE.exists() else None
    lab = lab_with(tmp_path / "lab", 0)
    (lab / "notes").write_text("mine")
    ended = run("down.sh", lab)
    assert ended.returncode == 0
    assert [path.name for path in lab.iterdir()] == ["notes"]
    assert str(lab) in ended.stderr
    assert (SITE.read_bytes() if SITE.exists() else None) == before, "another lab's site.toml was touched"


def test_up_and_down_touch_nothing_in_a_folder_that_is_no_lab(tmp_path: Path) -> None:
    data = tmp_path / "prometheus"
    data.mkdir()
    refused = run("up.sh", tmp_path)
    assert refused.returncode == 1
    assert f"{tmp_path} is not empty and no lab of ours" in refused.stderr
    assert run("down.sh", tmp_path).returncode == 0
    assert data.is_dir()

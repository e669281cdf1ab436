"""What the scripts of this lab must never do, whoever's machine this is. Needs no server, no Go and no network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SITE = HERE.parent / "kubernetes.toml"


def run(script: str, folder: Path, path: str | None = None) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "LAB_KUBERNETES": str(folder)}
    if path is not None:
        environ["PATH"] = path
    return subprocess.run([HERE / script], env=environ, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("script", ["up.sh", "down.sh", "build.sh", "start.sh"])
def test_a_folder_that_is_none_of_ours_is_refused_and_untouched(tmp_path: Path, script: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "somebodys.pid").write_text("1\n")
    refused = run(script, tmp_path)
    assert refused.returncode == 1
    assert f"{tmp_path} is not empty and none of ours; name another folder with LAB_KUBERNETES=FOLDER" in refused.stderr
    assert (tmp_path / "run" / "somebodys.pid").exists()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["run"]


def test_down_leaves_alone_a_process_that_only_has_the_pid_of_one_of_ours_and_what_was_built(tmp_path: Path) -> None:
    before = SITE.read_bytes() if SITE.exists() else None
    (tmp_path / ".midwatch").touch()
    (tmp_path / "bin").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lab").touch()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as foreign:
        try:
            (tmp_path / "run" / "etcd.pid").write_text(f"{foreign.pid}\n")
            ended = run("down.sh", tmp_path)
            assert ended.returncode == 0
            assert ended.stdout == f"lab: nothing was up\nlab: the built servers stay in {tmp_path}/bin\n"
            assert foreign.poll() is None
        finally:
            foreign.kill()
    assert sorted(each.name for each in tmp_path.iterdir()) == [".midwatch", "bin"]
    assert (SITE.read_bytes() if SITE.exists() else None) == before, "another lab's kubernetes.toml was touched"

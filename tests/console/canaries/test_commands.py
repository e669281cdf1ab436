"""The commands, as a user starts them, on a site with canaries everywhere: stdout, stderr, files and what is posted are searched.

The robot that is posted to quotes what it was shown, so that giving up is told with its words.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.canaries.hostile import FOREIGN, hostile
from tests.canaries.planted import Planted, planted
from tests.canaries.searching import found

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]
ROOT = Path(__file__).parents[3]
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("config", "check"),
    ("doctor",),
    ("doctor", "--json"),
    ("snapshot", "overview", "--format", "json"),
    ("snapshot", "logs", "--size", "400x100"),
    ("snapshot", "overview", "--format", "png", "-o", "o.png"),
    ("snapshot", "overview", "--post", "robot"),
    ("snapshot", "overview", "--post", "bot-command"),
    ("snapshot", "overview", "--post", "group-env"),
)
WITHOUT_LINES = (  # what the screen shows of strangers' words stays as it is, so only our own are looked for
    ("snapshot", "sources", "--format", "json"),
    ("snapshot", "workloads", "--format", "html", "-o", "plain.html"),
    ("act", "list", "--write"),
)


async def ran(made: Planted, place: Path, number: int, words: Sequence[str]) -> dict[str, bytes]:
    """Everything that one command left: what it said, its log file, its state."""
    home = place / str(number)
    home.mkdir()
    own = {name: value for name, value in os.environ.items() if not name.startswith("MIDWATCH_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console", "--config", str(made.config), "--log-file", str(home / "own.log"), *words,
        *(("--wait", "25s") if words[0] == "snapshot" else ()),
        cwd=home, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, stdin=asyncio.subprocess.DEVNULL,
        env={**own, **made.environ, "PYTHONPATH": str(ROOT), "XDG_STATE_HOME": str(home / "state"), "COLUMNS": "400"},
    )  # fmt: skip
    out, err = await process.communicate()
    assert b"Traceback" not in err, err.decode()
    left = {"stdout": out, "stderr": err}
    left |= {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}
    return left


async def test_no_command_says_writes_keeps_or_posts_a_canary(tmp_path: Path) -> None:
    garden = tmp_path / "garden"
    garden.mkdir()
    wrong, said = [], 0
    async with hostile() as (urls, poison):
        made = planted(garden, urls)
        in_lines = ("Credential.bearer_file", "Basic.password_env", "ChatDestination.secret_file")
        poison.known = [canary for where, canary in made.canaries.items() if where.rpartition(".")[0] in in_lines]
        foreign = {f"foreign {name}": canary for name, canary in FOREIGN.items()}
        gate = asyncio.Semaphore(2)

        async def searched(number: int, words: tuple[str, ...], canaries: dict[str, str]) -> int:
            async with gate:
                left = await ran(made, tmp_path, number, words)
            wrong.extend(
                f"{' '.join(words)}: {where} in {name}: {content[:600]!r}"
                for name, content in left.items() for where in found(content, canaries)
            )  # fmt: skip
            return sum(map(len, left.values()))

        everything = {**made.canaries, **foreign}
        tasks = [searched(number, words, everything) for number, words in enumerate(COMMANDS)]
        tasks += [searched(100 + number, words, dict(made.canaries)) for number, words in enumerate(WITHOUT_LINES)]
        said = sum(await asyncio.gather(*tasks))
        posted = [content for _, content in poison.posted]
        wrong += [f"posted to {path}: {where}" for path, content in poison.posted for where in found(content, everything)]
    assert said > 100_000 and len(posted) >= 3, (said, len(posted))
    assert not wrong, "\n".join(wrong)

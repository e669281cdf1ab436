"""The floors of the house, held by importing: the engine has no face, and the command line has no weight."""

from __future__ import annotations

import ast
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import console
from console.shadow import OURS, foreign_package

ROOT = Path(console.__file__).parents[1]
ENGINE = ("model", "config", "sources", "judge", "feeds", "rows", "probe", "assembly", "doctor", "actions", "link")
CONNECTORS = ("aiohttp", "httpx", "kubernetes", "elasticsearch", "prometheus_api_client", "requests", "asyncssh", "textual")


def modules_after(code: str) -> set[str]:
    """The top-level packages a fresh interpreter has loaded after running `code` in the project's root."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport json, sys; print(json.dumps(sorted({{n.partition('.')[0] for n in sys.modules}})))"],
        capture_output=True, text=True, cwd=ROOT, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stdout.splitlines()[-1]))


def engine_modules() -> list[str]:
    found: list[str] = []
    for room in ENGINE:
        place = ROOT / "console" / room
        if place.with_suffix(".py").exists():
            found.append(f"console.{room}")
        elif (place / "__init__.py").exists():
            found.append(f"console.{room}")
            found += [module.name for module in pkgutil.walk_packages([str(place)], f"console.{room}.")]
    return [name for name in found if not name.endswith(".__main__")]


def test_no_module_of_the_engine_brings_in_the_face() -> None:
    modules = engine_modules()
    assert "console.config.load" in modules
    loaded = modules_after("\n".join(f"import {name}" for name in modules))
    assert not loaded & {"textual", "widgets", "views", "themes"}


def test_the_command_line_brings_in_no_connector_and_no_face() -> None:
    assert not modules_after("import console.cli") & {*CONNECTORS, "rich", "widgets", "views", "themes"}


@pytest.mark.parametrize("argv", [["version"], ["config", "path"], ["demo", "--headless"], ["wall"]])
def test_a_command_that_asks_nobody_loads_no_connector(argv: list[str]) -> None:
    assert not modules_after(f"from console.cli import main; main({argv!r})") & {*CONNECTORS, "rich"}


@pytest.mark.parametrize("format", ["text", "json"])
def test_a_snapshot_in_words_needs_no_face_and_a_snapshot_from_afar_no_engine(tmp_path: Path, format: str) -> None:
    config = tmp_path / "midwatch.toml"
    config.write_text('[sites.a.prometheus]\nurl = "http://127.0.0.1:1"\n[[sites.a.gauges]]\nname = "g"\nused = "u"\n')
    words = ["--config", str(config), "snapshot", "overview", "--format", format]
    engine = {"console.chat", "console.app", "console.serve", "console.actions.service"}
    face = {"textual", "rich", "widgets", "views", "themes", "resvg_py", "apprise"}
    told = "import json, sys; print(json.dumps(sorted(sys.modules)))"
    code = f"from console.cli import main; main({[*words, '--wait', '0']!r}); {told}"
    assert not _all_after(code) & {*face, *engine}
    code = f"from console.cli import main; main({[*words, '--from', '-x']!r}); {told}"
    assert not _all_after(code) & {*face, *engine, "aiohttp"}


def _all_after(code: str) -> set[str]:
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stdout.splitlines()[-1]))


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def sources() -> list[Path]:
    return [path for name in OURS for path in sorted((ROOT / name).rglob("*.py"))]


def test_the_demo_and_the_engine_share_no_code() -> None:
    for path in sources():
        is_demo = (ROOT / "console" / "demo") in path.parents
        ours = {name for name in imports_of(path) if name.partition(".")[0] in OURS and name != "console"}
        of_demo = {name for name in ours if name == "console.demo" or name.startswith("console.demo.")}
        assert (ours - of_demo if is_demo else of_demo) == set(), path


def test_each_room_opens_with_what_it_is() -> None:
    for path in sources():
        if path.name == "__init__.py":
            assert ast.get_docstring(ast.parse(path.read_text())), f"{path} does not say what the room is"


def test_a_foreign_package_of_our_name_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "__init__.py").touch()
    told = foreign_package(search=[str(tmp_path), str(ROOT)])
    assert told is not None
    assert f"`views`, at {tmp_path / 'views'}" in told
    assert "pipx install midwatch" in told


def test_a_foreign_module_of_our_name_is_told_too(tmp_path: Path) -> None:
    (tmp_path / "widgets.py").touch()
    assert "`widgets`" in (foreign_package(search=[str(tmp_path), str(ROOT)]) or "")


def test_our_own_packages_are_not_taken_for_foreign_ones() -> None:
    assert foreign_package(search=[str(ROOT)]) is None

"""The command line: what is understood, what is refused, and with which words and code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from console import __version__, cli
from console.commands import platform
from console.commands.flags import Flags, UsageError, merged
from console.config.link import LinkMode
from console.model.scope import Scope

ROOT = Path(cli.__file__).parents[1]
GOOD = '[sites.apac.prometheus]\nurl = "http://p"\n[sites.emea.prometheus]\nurl = "http://p"\n'


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}


@pytest.fixture
def midwatch(home: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs one command line in this process: code, stdout, stderr."""

    def run(*argv: str, **environ: str) -> tuple[int, str, str]:
        code = cli.main(argv, {**home, **environ})
        captured = capsys.readouterr()
        return int(code), captured.out, captured.err

    return run


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Flags, dict[str, object]]]:
    """What a command was called with, in place of its work."""
    calls: list[tuple[Flags, dict[str, object]]] = []

    class Command:
        @staticmethod
        def run(flags: Flags, _environ: dict[str, str], **options: object) -> int:
            calls.append((flags, options))
            return 0

    monkeypatch.setattr(cli, "import_module", lambda _name: Command)
    return calls


def test_version_is_data_on_stdout(midwatch) -> None:
    assert midwatch("version") == midwatch("--version") == (0, f"midwatch {__version__}\n", "")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("demmo",), "unknown command `demmo`; did you mean `demo`?"),
        (("xyzzy",), "unknown command `xyzzy` (midwatch --help)"),
        (("--sight", "apac"), "unknown flag `--sight`; did you mean `--site`?"),
        (("demo", "--scenaro", "calm"), "demo: unknown flag `--scenaro`; did you mean `--scenario`?"),
        (("demo", "--scenaro=calm"), "demo: unknown flag `--scenaro`; did you mean `--scenario`?"),
        (("version", "--thme"), "version: unknown flag `--thme`; did you mean `--theme`?"),
        (("version", "now"), "version: unexpected `now`"),
        (("--link", "fast", "version"), "there is no link `fast`; there are full, slow, off"),
        (("config", "chek"), "did you mean `check`?"),
        (("config",), "config: the following arguments are required: check|schema|path|init"),
        (("snapshot", "stream"), "did you mean `streams`?"),
        (("snapshot", "streams", "--wait", "soon"), "`soon` is no duration; write 10s, 500ms or 2m"),
        (("snapshot", "streams", "--size", "120"), "`120` is no size"),
        (("snapshot", "streams", "--size", "9999x9999"), "`9999x9999` is no size"),
        (("--site",), "--site: expected one argument"),
        (("--scope", "regoin=apac", "version"), "scope 'regoin=apac' is not DIMENSION=VALUE"),
        (("demo", "--headless"), "demo --headless needs --config-out FILE"),
        (("demo", "--config-out", "x"), "demo --config-out goes with --headless"),
    ],
)
def test_what_is_not_understood_is_refused_with_code_2_and_what_was_meant(midwatch, argv, words: str) -> None:
    code, out, err = midwatch(*argv)
    assert (code, out) == (2, "")
    assert err.startswith("midwatch: ")
    assert words in err


@pytest.mark.parametrize("command", cli.NOT_BUILT)
def test_a_command_that_is_not_built_says_so_and_does_nothing(midwatch, command: str) -> None:
    assert midwatch(command, "--any", "thing") == (
        2, "", f"midwatch: `midwatch {command}` is not built yet in {__version__}\n")  # fmt: skip


def test_help_lists_what_works_and_apart_from_it_what_is_not_built(midwatch) -> None:
    code, out, _err = midwatch("--help")
    assert code == 0
    assert all(f"midwatch {name} " in out for name in cli.COMMANDS)
    assert not any(f"midwatch {name} " in out for name in cli.NOT_BUILT)
    assert midwatch("demo", "--help")[0] == 0


@pytest.mark.parametrize("asked", ["help", "--help"])
def test_help_for_a_command_is_the_same_as_the_help_of_the_command(midwatch, asked: str) -> None:
    assert midwatch(asked, "snapshot") == midwatch("snapshot", "--help")


def test_a_misspelt_theme_is_told_even_where_nothing_is_painted(midwatch, tmp_path: Path) -> None:
    config = str(tmp_path / "config.toml")
    assert midwatch("config", "init", "--config", config)[0] == 0
    code, out, err = midwatch("--config", config, "--theme", "nihgt", "snapshot", "overview", "--wait", "0")
    assert (code, out) == (2, "")
    assert "there is no theme 'nihgt'" in err


@pytest.mark.parametrize("flag", [True, False])
def test_a_log_file_that_cannot_be_written_is_a_refusal_and_no_fault_of_midwatch(
    midwatch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flag: bool
) -> None:
    config, blocked = str(tmp_path / "config.toml"), tmp_path / "a-file"
    assert midwatch("config", "init", "--config", config)[0] == 0
    blocked.write_text("")
    monkeypatch.setattr("console.commands.console._has_terminal", lambda _environ: True)
    argv = ("--log-file", str(blocked / "deeper" / "x.log")) if flag else ()
    code, _out, err = midwatch("--config", config, *argv, XDG_STATE_HOME=str(blocked / "state"))
    assert code == 2
    assert f"cannot write the log file {blocked}" in err
    assert "--log-file FILE" in err


GLOBALS = ("--config", "c.toml", "--site", "apac", "--scope", "region=apac", "--write", "--theme", "t", "--log-file=l", "--link", "slow")


@pytest.mark.parametrize(
    "argv",
    [
        (*GLOBALS, "snapshot", "streams", "--size", "80x24", "--wait", "500ms", "-o", "f", "--exit-status"),
        ("snapshot", "streams", "--size", "80x24", "--wait", "500ms", "-o", "f", "--exit-status", *GLOBALS),
        ("snapshot", *GLOBALS, "streams", "--size=80x24", "-o", "f", "--wait", "0.5", "--exit-status"),
    ],
)
def test_global_flags_mean_the_same_wherever_they_stand(midwatch, seen, argv) -> None:
    midwatch(*argv)
    ((flags, options),) = seen
    assert flags == Flags(
        config=Path("c.toml"), site="apac", scope=Scope((("region", "apac"),)), write=True, theme="t", log_file=Path("l"),
        link=LinkMode.SLOW,
    )
    assert options == {
        "view": "streams", "format": "text", "size": (80, 24), "output": Path("f"), "wait": 0.5, "from_host": None,
        "exit_status": True, "post": None, "as_seen": False,
    }  # fmt: skip


def test_scopes_from_both_sides_of_the_command_are_joined(midwatch, seen) -> None:
    midwatch("--scope", "region=apac", "doctor", "--scope", "channel=x")
    assert str(seen[0][0].scope) == "region=apac channel=x"


def test_a_flag_wins_over_its_variable_and_no_variable_lets_us_write() -> None:
    environ = {"MIDWATCH_SITE": "emea", "MIDWATCH_SCOPE": "pop=lhr pod=a", "MIDWATCH_LOG_FILE": "l", "MIDWATCH_WRITE": "1"}
    assert merged({}, environ) == Flags(
        site="emea", scope=Scope((("pop", "lhr"), ("pod", "a"))), log_file=Path("l"), write=False
    )
    assert merged({"site": "apac", "scope": ["pop=syd"]}, environ).site == "apac"
    assert str(merged({"scope": ["pop=syd"]}, environ).scope) == "pop=syd"


@pytest.mark.parametrize("argv", [(), ("snapshot", "streams"), ("doctor",), ("config", "check")])
def test_without_a_configuration_it_says_how_to_begin(midwatch, argv, tmp_path: Path) -> None:
    code, out, err = midwatch(*argv)
    assert (code, out) == (2, "")
    assert f"there is no configuration at {tmp_path}/.config/midwatch/config.toml" in err
    assert "midwatch config init" in err
    assert "midwatch demo" in err


def test_config_path_tells_where_it_is_looked_for(midwatch, tmp_path: Path) -> None:
    assert midwatch("config", "path")[1] == f"{tmp_path}/.config/midwatch/config.toml\n"
    assert midwatch("config", "path", MIDWATCH_CONFIG="/e")[1] == "/e\n"
    assert midwatch("config", "path", "--config", "/f", MIDWATCH_CONFIG="/e")[1] == "/f\n"


def test_config_init_writes_one_that_check_calls_good_and_never_overwrites(midwatch, tmp_path: Path) -> None:
    path = tmp_path / ".config/midwatch/config.toml"
    assert midwatch("config", "init") == (0, f"{path}\n", "")
    assert midwatch("config", "check") == (0, f"{path}: good; site example\n", "")
    code, out, err = midwatch("config", "init")
    assert (code, out) == (2, "")
    assert "exists already" in err
    assert midwatch("config", "init", "--config", "/proc/x/c.toml")[0] == 2


def test_config_check_tells_every_error_on_stderr(midwatch, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[sites.a]\ngaurd = 'none'\nx = 1\n")
    code, out, err = midwatch("config", "check", "--config", str(path))
    assert (code, out) == (2, "")
    assert "the configuration has 2 errors" in err
    assert f"{path}:2: sites.a.gaurd: unknown key; did you mean `guard`?" in err
    assert f"{path}:3: sites.a.x: unknown key" in err


def test_config_check_looks_at_the_site_that_was_asked_for(midwatch, tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(GOOD)
    assert midwatch("config", "check", "--config", str(path))[1] == f"{path}: good; sites apac, emea\n"
    code, _, err = midwatch("config", "check", "--config", str(path), "--site", "apak")
    assert code == 2
    assert "did you mean `apac`" in err


def test_config_schema_is_json(midwatch) -> None:
    code, out, _ = midwatch("config", "schema")
    assert code == 0
    assert "Config" in json.loads(out)["$defs"]


def test_a_fault_of_our_own_is_not_taken_for_a_verdict(midwatch, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_name: str) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(cli, "import_module", broken)
    code, out, err = midwatch("version")
    assert (code, out) == (70, "")
    assert "a bug" in err


def test_an_interrupt_ends_with_130(midwatch, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "import_module", interrupted)
    assert midwatch("version") == (130, "", "")


def test_a_reader_that_leaves_early_is_no_error(home: dict[str, str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as stdout:
        ended = subprocess.run(
            [sys.executable, "-m", "console", "config", "schema"],
            stdout=stdout, stderr=subprocess.PIPE, env=home, cwd=ROOT, timeout=30, check=False,
        )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, b"")


def until(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.02)


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_platform_alone_runs_until_it_is_told_to_stop(tmp_path: Path, home, sign: signal.Signals, code: int) -> None:
    out = tmp_path / "demo.toml"
    with subprocess.Popen(
        [sys.executable, "-m", "console", "demo", "--headless", "--config-out", str(out), "--scenario", "calm"],
        env=home, cwd=ROOT, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            until(lambda: out.exists() or process.poll() is not None)
            assert cli.main(["config", "check", "--config", str(out)], home) == 0
            process.send_signal(sign)
            assert process.wait(15) == code
        finally:
            process.kill()


def test_a_scenario_that_does_not_exist_ends_with_2_and_the_words_of_the_platform(tmp_path: Path, home) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "console", "demo", "--headless", "--config-out", str(tmp_path / "c"), "--scenario", "x"],
        env=home, cwd=ROOT, capture_output=True, timeout=30, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert b"no scenario 'x'" in ended.stderr


def test_the_console_on_a_platform_that_does_not_start_repeats_its_words(midwatch) -> None:
    code, out, err = midwatch("demo", "--scenario", "x")
    assert (code, out) == (2, "")
    assert "ended with code 2 before it was ready; it said:" in err
    assert "no scenario 'x'" in err


def test_a_platform_that_is_silent_is_given_up_and_stopped(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as child:
        try:
            with pytest.raises(platform.PlatformFailed, match=r"not ready within 0.1 s; it said nothing"):
                (tmp_path / "said").touch()
                platform.await_ready(child, tmp_path / "never", tmp_path / "said", within_s=0.1)
        finally:
            assert platform.stop(child) == -signal.SIGTERM


def test_a_console_package_where_the_user_stands_is_not_taken_for_the_platform(tmp_path: Path, home) -> None:
    (tmp_path / "console" / "demo").mkdir(parents=True)
    (tmp_path / "console" / "__init__.py").touch()
    (tmp_path / "console" / "demo" / "__init__.py").touch()
    (tmp_path / "console" / "demo" / "__main__.py").write_text("raise SystemExit(99)")
    said = tmp_path / "said"
    here = Path.cwd()
    os.chdir(tmp_path)
    try:
        with said.open("wb") as stderr:
            child = platform.started({"config_out": tmp_path / "c", "scenario": "x"}, home, stderr)
        assert child.wait(30) == 2
    finally:
        os.chdir(here)


def test_a_scope_that_is_wrong_in_the_environment_is_refused() -> None:
    with pytest.raises(UsageError, match="known dimension"):
        merged({}, {"MIDWATCH_SCOPE": "nonsense"})


def test_a_wall_takes_pages_and_says_what_it_does_not_know(midwatch, seen) -> None:
    midwatch("wall", "streams", "logs", "--rotate", "30s")
    midwatch("wall")
    assert [options for _, options in seen] == [{"views": ["streams", "logs"], "rotate": 30.0}, {"views": [], "rotate": 20.0}]
    code, _, err = midwatch("wall", "strems")
    assert code == 2 and "did you mean `streams`?" in err


@pytest.mark.parametrize("argv", [("--write",), ("--rotate", "1s"), ()], ids=["write", "fast", "no terminal"])
def test_a_wall_refuses_to_write_to_turn_too_fast_and_to_draw_on_nothing(midwatch, argv: tuple[str, ...]) -> None:
    code, out, err = midwatch("wall", *argv)
    assert (code, out) == (2, "") and err.startswith("midwatch: wall ")


def test_the_demo_turns_pages_only_on_its_wall(midwatch) -> None:
    code, _, err = midwatch("demo", "--rotate", "10s")
    assert code == 2 and "goes with --wall" in err

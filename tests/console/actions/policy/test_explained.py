"""`midwatch config check` on the policy: what is wrong with it, and what a person may do to a target."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.actions.policy.policy import Policy
from console.actions.target import Target
from console.cli import main
from console.commands.rights import explained

PACKAGER = "kube:apac-1/live/deployment/packager"
POLICY = """
[roles.operator]
people = ["mei"]
may = ["deployment.*", "alert.ack"]
never = ["deployment.scale"]
approve = ["deployment.*"]
on = ["kube:apac-*/live/*"]
[roles.lead]
people = ["ines"]
may = ["*"]
override_freeze = true
[tiers]
"deployment.undo" = "high"
"""
FREEZE = '[[freezes]]\nname = "cup"\nfrom = 2020-01-01T00:00:00Z\nuntil = 2999-12-31T00:00:00Z\nactions = ["deployment.restart"]\noverride = true\n'


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Exit code, stdout and stderr of `config check` over this policy; None: none is named."""

    def run(policy: str | None, *argv: str) -> tuple[int, str, str]:
        named = "" if policy is None else 'policy_file = "policy.toml"\n'
        config = tmp_path / "config.toml"
        config.write_text(f'{named}[sites.apac.prometheus]\nurl = "http://127.0.0.1:9"\n')
        if policy is not None:
            (tmp_path / "policy.toml").write_text(policy)
        code = main(["config", "check", "--config", str(config), *argv], {"HOME": str(tmp_path)})
        told = capsys.readouterr()
        return code, told.out.replace(f"{tmp_path}/", ""), told.err.replace(f"{tmp_path}/", "")

    return run


def test_a_good_policy_is_told_beside_the_configuration(check) -> None:
    code, out, _ = check(POLICY + FREEZE)
    assert code == 0
    assert "config.toml: good; site apac\npolicy.toml: good; 2 roles, 1 freeze, version " in out


def test_a_console_that_only_reads_needs_no_policy_and_nothing_may_be_written_there(check) -> None:
    assert check(None)[:2] == (0, "config.toml: good; site apac\n")
    code, _, err = check(None, "--person", "mei", "--on", PACKAGER)
    assert (code, "so nothing may be written" in err) == (2, True)


@pytest.mark.parametrize("argv", [(), ("--person", "mei", "--on", PACKAGER)])
def test_a_broken_policy_is_exit_2_with_every_error(check, argv: tuple[str, ...]) -> None:
    code, _, err = check(POLICY + "[limits]\nheadrom = 2\nhigh_pods = 1\n", *argv)
    assert code == 2
    assert "the policy has 2 errors, and nothing may be written until it is mended" in err
    assert "policy.toml:15: limits.headrom: unknown key; did you mean `headroom`?" in err


def test_every_action_that_fits_the_target_is_answered_with_its_reason(check) -> None:
    code, out, _ = check(POLICY, "--person", "mei", "--on", PACKAGER)
    lines = {line.split()[1]: " ".join(line.split()) for line in out.splitlines()[1:-1]}
    assert code == 0
    assert lines["deployment.restart"] == "yes deployment.restart role operator; tier medium or more; may approve it for others"
    assert lines["deployment.undo"].startswith("yes deployment.undo role operator; tier high or more")
    assert lines["deployment.scale"] == "no deployment.scale role operator never allows deployment.scale"
    assert not any(name.startswith(("pod.", "node.")) for name in lines)


def test_who_may_do_nothing_is_exit_6(check) -> None:
    code, out, _ = check(POLICY, "--person", "tomas", "--on", PACKAGER)
    assert (code, "tomas has no role" in out) == (6, True)
    assert check(POLICY, "--person", "mei", "--on", "node:apac-1/w-3")[0] == 6


def test_a_freeze_is_told_with_its_end_and_who_may_override_it(check) -> None:
    _, out, _ = check(POLICY + FREEZE, "--person", "mei", "--on", PACKAGER)
    assert "no  deployment.restart    role operator, but freeze `cup` until Tue 31 Dec 00:00 UTC; may approve" in out
    _, out, _ = check(POLICY + FREEZE, "--person", "ines", "--on", PACKAGER)
    assert "freeze `cup` until Tue 31 Dec 00:00 UTC, which role lead may override when it is planned" in out


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("--person", "mei"), "--person NAME and --on TARGET go together"),
        (("--on", PACKAGER), "--person NAME and --on TARGET go together"),
        (("--person", "mei", "--on", "kube:apac"), "is not kube:CLUSTER/NAMESPACE/KIND/NAME"),
        (("--person", "mei", "--on", PACKAGER, "--site", "apca"), "did you mean `apac`?"),
    ],
)
def test_words_that_do_not_fit_are_exit_2(check, argv: tuple[str, ...], expected: str) -> None:
    code, _, err = check(POLICY, *argv)
    assert (code, expected in err) == (2, True)


def test_the_flags_go_with_check_only(check, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "path", "--person", "mei"], {"HOME": "/"}) == 2
    assert "go with `config check`" in capsys.readouterr().err


def test_a_foreign_name_is_shown_by_its_code_points(check) -> None:
    code, out, _ = check(POLICY, "--person", "m\u0435i\x1b[2J", "--on", PACKAGER)
    assert code == 6
    assert "\x1b" not in out and "\\u0435" in out


def test_a_calendar_that_cannot_be_reckoned_allows_nothing() -> None:
    from console.actions.policy.policy import Freeze, Role, Weekly

    nowhere = Freeze(name="odd", weekly=Weekly(days=("mon",), begin="01:00", until="02:00", timezone="Mars/Olympus"))
    policy = Policy(version="v", roles={"r": Role(people=("mei",), may=("*",))}, freezes=(nowhere,))
    lines, may_any = explained(policy, "apac", "mei", Target.parse(PACKAGER), datetime(2026, 11, 22, tzinfo=UTC))
    assert not may_any
    assert "so it counts as frozen" in lines[1]

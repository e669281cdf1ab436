"""`midwatch audit show|verify`: what it prints and how it ends."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from console import cli
from console.actions.audit import kinds
from console.actions.audit.operation import Outcome, PlannedStep
from console.actions.audit.signing import Checkpoints, signing_key
from tests.console.actions.audit.sample import WHOLE, chained, confirmed, done, intent, planned, written

Run = Callable[..., tuple[int, str, str]]
HOSTILE = "node:apac-1/w\x1b]52;c;eHg=\x07\x9b2J\u202e\u200b<o>\x7f"


@pytest.fixture
def midwatch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*argv: str) -> tuple[int, str, str]:
        code = cli.main(argv, {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "XDG_STATE_HOME": str(tmp_path)})
        captured = capsys.readouterr()
        return int(code), captured.out, captured.err

    return run


@pytest.fixture
def audit(tmp_path: Path) -> Path:
    place = tmp_path / "midwatch" / "audit"
    place.mkdir(parents=True, mode=0o700)
    return place


def interrupted(audit: Path, target: str = "node:apac-1/w-3") -> Path:
    path = audit / "edge-1-b00t-1.jsonl"
    drain = planned(steps=("cordon", *("evict",) * 12), target=target)
    steps = [entry for number in range(1, 9) for entry in done(number)]
    path.write_bytes(b"".join(chained(drain, confirmed(), intent(), *steps, kinds.StepBegun(op="op-1", step=9))))
    return path


@pytest.mark.parametrize("argv", [("show",), ("show", "--json"), ("verify",)])
def test_with_no_audit_at_all_it_says_so_and_all_is_well(midwatch: Run, argv: tuple[str, ...]) -> None:
    code, out, err = midwatch("audit", *argv)
    assert code == 0
    assert "there is no audit under" in out + err
    assert "--json" not in argv or out == ""


async def test_an_intact_chain_is_shown_and_verified(midwatch: Run, audit: Path) -> None:
    path = await written(audit, *WHOLE)
    code, out, _err = midwatch("audit", "verify")
    assert (code, out.split()[:2]) == (0, ["intact", f"{path.stem}:"])
    code, out, err = midwatch("audit", "show")
    assert (code, err) == (0, "")
    assert "succeeded" in out and "node.drain" in out and "reason: disk" in out
    assert all(len(line) <= 120 for line in out.splitlines())


def test_after_a_crash_it_tells_how_far_it_came_and_what_can_be_offered(midwatch: Run, audit: Path) -> None:
    interrupted(audit)
    code, out, err = midwatch("audit", "show")
    assert code == 0
    assert "interrupted" in out and "cordon 1 of 1, evict 7 of 12" in out
    assert "in doubt, to be read back first: step 9" in out and "can be resumed or undone" in out
    assert "tail unproven" in err


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda content: content, 5, "tail unproven"),
        (lambda content: content[:-1], 5, "torn"),
        (lambda content: content[:-200], 5, "torn"),
        (lambda content: b"", 5, "tail unproven"),
        (lambda content: content.replace(b'"midwatch.step":2', b'"midwatch.step":3', 1), 1, "record 7 its hash does not fit"),
        (lambda content: b"".join(content.splitlines(True)[1:]), 1, "record 1 says it is record 2"),
    ],
)
def test_verify_ends_with_the_code_of_what_it_found(midwatch: Run, audit: Path, change: Callable[[bytes], bytes], code: int, words: str) -> None:
    path = interrupted(audit)
    path.write_bytes(change(path.read_bytes()))
    ended, out, _err = midwatch("audit", "verify")
    assert ended == code
    assert words in out


async def test_of_several_chains_the_worst_decides_and_each_is_told(midwatch: Run, audit: Path) -> None:
    await written(audit, *WHOLE)
    torn = interrupted(audit)
    torn.write_bytes(torn.read_bytes()[:-5])
    assert midwatch("audit", "verify")[0] == 5
    (audit / "bad.jsonl").write_bytes(b"{}\n")
    code, out, _err = midwatch("audit", "verify")
    assert (code, len(out.splitlines())) == (1, 3)
    (audit / "pipe.jsonl").mkdir()
    code, out, _err = midwatch("audit", "verify")
    assert (code, len(out.splitlines())) == (2, 4)
    assert midwatch("audit", "show")[0] == 5


def test_a_directory_that_cannot_be_read_is_code_2(midwatch: Run, tmp_path: Path) -> None:
    (tmp_path / "midwatch").mkdir()
    (tmp_path / "midwatch" / "audit").write_text("a file")
    for action in ("show", "verify"):
        code, out, err = midwatch("audit", action)
        assert (code, out) == (2, "")
        assert "cannot read" in err and "Not a directory" in err


async def test_verify_beside_checkpoints(midwatch: Run, audit: Path, tmp_path: Path) -> None:
    file = tmp_path / "collected"
    path = await written(audit, *WHOLE, notary=Checkpoints(file, signing_key(audit.parent), every_records=4))
    code, out, err = midwatch("audit", "verify", "--checkpoint", str(file))
    assert (code, err) == (0, "")
    assert "signed up to" in out
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:6]))
    assert midwatch("audit", "verify")[0] == 5
    code, out, _err = midwatch("audit", "verify", "--checkpoint", str(file))
    assert code == 1
    assert "record 7 is gone: the chain was cut after record 6" in out
    path.unlink()
    code, out, _err = midwatch("audit", "verify", "--checkpoint", str(file))
    assert code == 1 and "is gone with its whole chain" in out


async def test_a_checkpoint_file_or_key_that_is_no_use_is_told_as_such(midwatch: Run, audit: Path, tmp_path: Path) -> None:
    file = tmp_path / "collected"
    await written(audit, *WHOLE)
    code, _out, err = midwatch("audit", "verify", "--checkpoint", str(file))
    assert code == 2 and "cannot read the public key" in err and "--key FILE" in err
    signing_key(audit.parent)
    code, _out, err = midwatch("audit", "verify", "--checkpoint", str(file))
    assert code == 2 and f"cannot read {file}" in err
    file.write_text("")
    code, _out, err = midwatch("audit", "verify", "--checkpoint", str(file))
    assert code == 5 and "it proves nothing" in err
    file.write_text("{}\n")
    code, out, _err = midwatch("audit", "verify", "--checkpoint", str(file))
    assert code == 1 and "line 1 of it is no checkpoint" in out


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_nothing_hostile_in_a_record_reaches_the_terminal(midwatch: Run, audit: Path, form: tuple[str, ...]) -> None:
    path = audit / "edge-1-b00t-1.jsonl"
    step = PlannedStep(what=HOSTILE, target=HOSTILE)
    entries = (
        kinds.Refused(op=HOSTILE, guard=HOSTILE, reason=HOSTILE, target=HOSTILE, action=HOSTILE), planned(target=HOSTILE), confirmed(), intent(),
        kinds.StepBegun(op="op-1", step=1), kinds.StepDone(op="op-1", step=1, outcome=Outcome.SUCCESS, answer=HOSTILE, new=HOSTILE),
        msgspec.structs.replace(planned("op-2"), steps=(step,)), confirmed("op-2", reason=HOSTILE), intent("op-2"),
    )  # fmt: skip
    path.write_bytes(b"".join(chained(*entries)))
    code, out, _err = midwatch("audit", "show", *form)
    assert code == 0 and "<o>" in out
    assert all(line.isascii() or form == () for line in out.splitlines())
    assert all(character.isprintable() or character == "\n" for character in out)


def test_json_is_a_line_for_each_operation_and_record(midwatch: Run, audit: Path) -> None:
    interrupted(audit)
    code, out, _err = midwatch("audit", "show", "--json")
    documents = [json.loads(line) for line in out.splitlines()]
    (known,) = [each["operation"] for each in documents if "operation" in each]
    assert code == 0
    assert (known["state"], known["may_resume"], known["operation"]["id"]) == ("interrupted", True, "op-1")
    records = [each["record"] for each in documents if "record" in each]
    assert [record["event.sequence"] for record in records] == list(range(1, 22))


def test_it_can_be_narrowed_to_a_time_and_a_target(midwatch: Run, audit: Path) -> None:
    interrupted(audit)
    assert "op-1" in midwatch("audit", "show", "--since", "2026-11-22T02:14:07Z", "--target", "w-3")[1]
    assert "op-1" not in midwatch("audit", "show", "--target", "w-4")[1]
    assert "op-1" not in midwatch("audit", "show", "--since", "2999-01-01")[1]
    assert midwatch("audit", "show", "--since", "7d")[0] == 0
    code, _out, err = midwatch("audit", "show", "--since", "yesterday")
    assert code == 2 and "is no time" in err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("verify", "--json"), "go with `audit show`"),
        (("show", "--checkpoint", "x"), "go with `audit verify`"),
        (("verify", "--key", "x"), "--key goes with --checkpoint"),
        (("verfy",), "did you mean `verify`?"),
        ((), "required: show|verify"),
        (("show", "--sinse", "1h"), "did you mean `--since`?"),
    ],
)
def test_what_does_not_go_together_is_refused(midwatch: Run, argv: tuple[str, ...], words: str) -> None:
    code, out, err = midwatch("audit", *argv)
    assert (code, out) == (2, "")
    assert words in err

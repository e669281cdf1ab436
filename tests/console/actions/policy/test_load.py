"""policy.toml becomes one Policy, or one list of everything that is wrong with it."""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path

import pytest

from console.actions.audit.operation import Tier
from console.actions.policy.load import load
from console.actions.policy.policy import PolicyError
from console.commands.rights import warnings

ROLE = '[roles.operator]\npeople = ["mei"]\nmay = ["deployment.*"]\n'
PAGE = Path(__file__).parents[4] / "docs" / "policy.md"


def freeze(*lines: str) -> str:
    return ROLE + '[[freezes]]\nname = "cup"\n' + "\n".join(lines)


def weekly(table: str) -> str:
    return freeze(f"weekly = {{ {table} }}")


def test_the_example_of_the_page_loads_and_its_version_is_the_hash_of_its_bytes(loaded) -> None:
    example = re.search(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)[1]
    policy = loaded(example)
    assert policy.version == hashlib.sha256(example.encode()).hexdigest()
    assert list(policy.roles) == ["watch", "operator", "lead"]
    assert policy.freezes[1].weekly.begin == "19:00"
    assert policy.freezes[0].begin.isoformat() == "2026-12-18T16:00:00+00:00"
    assert policy.tiers == {"node.drain": Tier.HIGH, "alert.silence": Tier.MEDIUM}
    assert warnings(policy) == ()
    assert policy.demands(Tier.HIGH).ticket


def test_the_page_tells_every_limit_with_its_default() -> None:
    from console.actions.policy.policy import Limits

    text = re.sub(r"\s+", " ", PAGE.read_text()).replace("_000", "000")
    for name, value in ((each, getattr(Limits(), each)) for each in Limits.__struct_fields__):
        told = f"{value:g}" if value < 1e5 else str(int(value))
        assert re.search(rf"`?{name}`? *=? {re.escape(told)}\b", text), f"{name} {told}"


def test_a_policy_of_roles_alone_asks_a_second_person_only_of_tier_high(loaded) -> None:
    policy = loaded(ROLE)
    assert [policy.demands(tier).approvals for tier in Tier] == [0, 0, 1]
    assert [policy.demands(tier).reason for tier in Tier] == [False, True, True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "policy.toml: roles: is missing and has no default"),
        (ROLE.replace("may", "mai"), "policy.toml:3: roles.operator.mai: unknown key; did you mean `may`?"),
        ('version = "1"\n' + ROLE, "policy.toml:1: version: unknown key"),
        (ROLE + '[tiers]\n"node.*" = "hihg"', 'policy.toml:5: tiers."node.*": must be one of low, medium, high, not `hihg`; did you mean `high`?'),
        (ROLE.replace("deployment.*", "Deployment.*"), "policy.toml:3: roles.operator.may[0]: `Deployment.*` can match no action"),
        (ROLE.replace("deployment.*", ""), "policy.toml:3: roles.operator.may[0]: must not be empty"),
        (ROLE.replace("deployment.*", "node.[dc"), "policy.toml:3: roles.operator.may[0]: `node.[dc` opens a [ that it does not close"),
        (ROLE + 'on = ["live/*"]', "policy.toml:4: roles.operator.on[0]: `live/*` can match no target"),
        (ROLE + 'on = ["kub:*"]', "did you mean `kube:`?"),
        (ROLE + 'never_on = ["kube:*payments"]', "policy.toml:4: roles.operator.never_on[0]: `kube:*payments` can match no target"),
        (ROLE + 'on = ["node:a/b/c"]', "only a last part * stands for all that follow"),
        (ROLE + 'on = ["node:/b"]', "has an empty part"),
        (ROLE + 'on = ["kube:аpac/*"]', "holds U+0430, which looks like another character"),
        (ROLE.replace('"mei"', '"mеi"'), "policy.toml:2: roles.operator.people[0]: holds U+0435"),
        (ROLE.replace('"mei"', '"m*"'), "`m*` is no name: people are named one by one"),
        (ROLE.replace('"mei"', '"mei lin"'), "holds U+0020"),
        (ROLE + "[limits]\nfloor_ratio = 1.5", "policy.toml:5: limits.floor_ratio: must be at most 1, not 1.5"),
        (ROLE + "[limits]\nmax_age_s = nan", "must be a finite number"),
        (ROLE + "[limits]\nheadroom = 0.9", "must be at least 1"),
        (ROLE + f"[limits]\nheadroom = {10**400}", "limits.headroom: is too large a number"),
        (ROLE + f"[limits]\nhigh_pods = {10**30}", "limits.high_pods: is too large a number"),
        (ROLE + "[limits]\nhigh_pods = 1", "policy.toml:5: limits.high_pods: medium_pods 2 is above high_pods 1"),
        (ROLE + "[high]\napprovals = -1", "high.approvals: must be at least 0"),
        (ROLE + '[high]\nticket_pattern = "(INC"', "high.ticket_pattern: is no regular expression"),
        (freeze(), "policy.toml:4: freezes[0]: says no time: give `from` and `until`, or `weekly`"),
        (freeze("from = 2026-12-18T16:00:00Z"), "freezes[0]: `until` is missing"),
        (freeze("from = 2026-12-18T16:00:00", "until = 2026-12-18T22:00:00Z"), "policy.toml:6: freezes[0].from: says no offset: write 2026-12-18T16:00:00Z"),
        (freeze("from = 2026-12-18", "until = 2026-12-18T22:00:00Z"), "must be a date and time, not a date"),
        (freeze("from = 2026-12-18T22:00:00Z", "until = 2026-12-18T22:00:00Z"), "freezes[0].until: is not after `from`"),
        (freeze("from = 2026-12-18T22:00:00+01:00", "until = 2026-12-18T20:59:00Z"), "freezes[0].until: is not after `from`"),
        (freeze("from = 0001-01-01T00:00:00+14:00", "until = 2026-12-18T22:00:00Z"), "freezes[0].from: is in the year 1"),
        (freeze("from = 2026-12-18T16:00:00Z", 'weekly = { days = ["mon"], from = "01:00", until = "02:00" }'), "freezes[0].from: has no place beside `weekly`"),
        (freeze("actions = []", "from = 2026-12-18T16:00:00Z", "until = 2026-12-19T16:00:00Z"), "freezes[0].actions: must not be empty"),
        (weekly('days = ["friday"], from = "17:00", until = "23:00"'), "freezes[0].weekly.days[0]: `friday` is no day: write one of mon, tue, wed, thu, fri, sat, sun; did you mean `fri`?"),
        (weekly('days = [], from = "17:00", until = "23:00"'), "must not be empty"),
        (weekly('days = ["fri"], from = "5pm", until = "23:00"'), "freezes[0].weekly.from: `5pm` is no time of day"),
        (weekly('days = ["fri"], from = "24:00", until = "23:00"'), "freezes[0].weekly.from: `24:00` is no time of day"),
        (weekly('days = ["fri"], from = "17:00", until = "23:00", timezone = "Europe/Lodnon"'), "there is no time zone `Europe/Lodnon`; did you mean `Europe/London`?"),
        (weekly('days = ["fri"], from = "17:00", until = "23:00", timezone = "../../etc/passwd"'), "there is no time zone"),
        (weekly('days = ["fri"], from = "17:00", until = "23:00", timezone = "Europe"'), "there is no time zone"),
        (freeze('weekly = { days = ["fri"], from = "17:00", until = "23:00" }', "[[freezes]]", 'name = "cup"', "from = 2026-12-18T16:00:00Z", "until = 2026-12-19T16:00:00Z"), "freezes[1].name: is a duplicate"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(told, text: str, expected: str) -> None:
    assert expected in "\n".join(told(text))


def test_everything_that_is_wrong_is_told_at_once_in_the_order_of_the_file(told) -> None:
    problems = told(freeze() + '\n[tiers]\n"x" = "hihg"\n[limits]\nheadrom = 2\n')
    assert [problem.split(":")[1] for problem in problems] == ["4", "8", "10"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\x00\x01\xff\xfe" * 100, "is not UTF-8 (byte 0xff)"),
        (b"\x00\x01\x02", "no TOML"),
        (b"a = 1\n" * 200_000, "is larger than 1,000,000 bytes; is it a policy?"),
        (ROLE.encode() + b"x = " + b"[" * 5000 + b"]" * 5000, "is nested too deeply"),
        ((ROLE + ROLE).encode(), "roles.operator: is a duplicate: it stands on line 1 already"),
        (ROLE.encode() + b'may = ["*"]', "roles.operator.may: is a duplicate: it stands on line 3 already"),
        (ROLE.encode() + b"[limits]\nhigh_pods = " + b"9" * 5000, "holds a value that cannot be read"),
    ],
)
def test_a_hostile_file_is_refused_in_words(told, content: bytes, expected: str) -> None:
    assert expected in "\n".join(told(content))


def test_thousands_of_roles_are_read_in_bounded_time(loaded) -> None:
    text = "".join(f'[roles.r{number}]\npeople = ["p{number}"]\nmay = ["node.*"]\n' for number in range(6_000))
    assert len(text) > 250_000
    began = time.process_time()
    assert len(loaded(text).roles) == 6_000
    assert time.process_time() - began < 30  # a runaway takes minutes


def test_a_file_that_everybody_may_write_is_no_policy(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_text(ROLE)
    path.chmod(0o666)
    with pytest.raises(PolicyError, match="can be written by everyone"):
        load(path)


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path, expected in (
        (tmp_path / "pipe", "is not a regular file"),
        (tmp_path, "Is a directory"),
        (tmp_path / "none.toml", "No such file"),
        (tmp_path / "nul\0.toml", "cannot read it"),
    ):
        with pytest.raises(PolicyError, match=expected):
            load(path)


def test_an_error_cannot_command_the_terminal(told) -> None:
    assert "\x1b" not in "\n".join(told('[roles."\\u001b]52;c;x"]\nmay = ["\\u001b[2J"]\n'))

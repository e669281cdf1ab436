"""Roles: what is granted nowhere is not allowed, and a denial wins over every grant."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.actions.policy.policy import Policy, Role
from console.actions.policy.roles import may, may_approve, may_override, may_post, roles_of, unmatched
from console.actions.target import Target

PACKAGER = Target.parse("kube:apac-1/live/deployment/packager")
ACTIONS = ("deployment.restart", "deployment.scale", "pod.evict", "node.drain", "silence.create")
TARGETS = tuple(
    Target.parse(text)
    for text in (PACKAGER.text, "kube:apac-1/payments/pod/ledger-0", "node:emea-1/worker-3", "silence:7f3a", "switch:cdn")
)
ACTION_PATTERNS = ("*", "deployment.*", "deployment.restart", "*.drain", "pod.evict", "nothing.*")
TARGET_PATTERNS = ("*", "kube:*", "kube:apac-*/live/*", "kube:*/payments/*", "node:*/worker-3", "silence:*", "switch:other")


def policy(**roles: Role) -> Policy:
    return Policy(version="v", roles=roles)


role_strategy = st.builds(
    Role,
    people=st.lists(st.sampled_from(("mei", "tomas", "*")), max_size=2).map(tuple),
    may=st.lists(st.sampled_from(ACTION_PATTERNS), max_size=2).map(tuple),
    never=st.lists(st.sampled_from(ACTION_PATTERNS), max_size=1).map(tuple),
    on=st.lists(st.sampled_from(TARGET_PATTERNS), max_size=2).map(tuple),
    never_on=st.lists(st.sampled_from(TARGET_PATTERNS), max_size=1).map(tuple),
    approve=st.lists(st.sampled_from(ACTION_PATTERNS), max_size=2).map(tuple),
)
policies = st.dictionaries(st.sampled_from("abcd"), role_strategy, max_size=4).map(lambda roles: policy(**roles))
questions = st.tuples(st.sampled_from(("mei", "tomas", "ines")), st.sampled_from(ACTIONS), st.sampled_from(TARGETS))


@settings(deadline=None)
@given(policies, questions)
def test_without_a_role_that_grants_it_nobody_may_anything(policy: Policy, question) -> None:
    stripped = msgspec.structs.replace(
        policy, roles={name: msgspec.structs.replace(role, may=(), approve=()) for name, role in policy.roles.items()}
    )
    assert not may(stripped, *question)[0]
    assert not may_approve(stripped, *question)[0]


@settings(deadline=None)
@given(policies, questions, st.sampled_from(("never", "never_on")))
def test_a_denial_wins_over_every_grant(policy: Policy, question, key: str) -> None:
    person, action, target = question
    pattern = action if key == "never" else target.text
    denied = {**policy.roles, "zz": Role(people=(person,), **{key: (pattern,)})}
    refused = msgspec.structs.replace(policy, roles=denied)
    assert not may(refused, *question)[0]
    assert not may_approve(refused, *question)[0]


@settings(deadline=None)
@given(policies, questions)
def test_taking_a_role_without_denials_away_never_allows_more(policy: Policy, question) -> None:
    allowed, _ = may(policy, *question)
    for name, role in policy.roles.items():
        if role.never or role.never_on:
            continue
        rest = {other: each for other, each in policy.roles.items() if other != name}
        if may(msgspec.structs.replace(policy, roles=rest), *question)[0]:
            assert allowed


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role(people=("mei",), may=("deployment.*",)), (True, "role r")),
        (Role(people=("*",), may=("*",)), (True, "role r")),
        (Role(people=("tomas",), may=("*",)), (False, "mei has no role")),
        (Role(people=("MEI",), may=("*",)), (False, "mei has no role")),
        (Role(people=("mei",), may=("node.*",)), (False, "no role of mei (r) allows deployment.restart")),
        (Role(people=("mei",), may=("*",), on=("node:*",)), (False, f"role r allows deployment.restart, but not on {PACKAGER.text}")),
        (Role(people=("mei",), may=("*",), on=("kube:apac-1/*",)), (True, "role r")),
        (Role(people=("mei",), may=("*",), on=("kube:*/live/deployment/pack*",)), (True, "role r")),
        (Role(people=("mei",), may=("*",), on=("kube:*/deployment/*",)), (False, f"role r allows deployment.restart, but not on {PACKAGER.text}")),
        (Role(people=("mei",), may=("*",), on=("kube:apac-1/live",)), (False, f"role r allows deployment.restart, but not on {PACKAGER.text}")),
        (Role(people=("mei",), may=("*",), on=()), (False, f"role r allows deployment.restart, but not on {PACKAGER.text}")),
        (Role(people=("mei",), may=("*",), never=("*.restart",)), (False, "role r never allows *.restart")),
        (Role(people=("mei",), may=("*",), never_on=("kube:*/live/*",)), (False, "role r allows nothing on kube:*/live/*")),
    ],
)  # fmt: skip
def test_what_a_role_says(role: Role, expected: tuple[bool, str]) -> None:
    assert may(policy(r=role), "mei", "deployment.restart", PACKAGER) == expected


def test_one_role_that_reaches_the_target_is_enough() -> None:
    roles = policy(
        far=Role(people=("mei",), may=("*",), on=("node:*",)), near=Role(people=("mei",), may=("*",), on=("kube:apac-1/*",))
    )
    assert may(roles, "mei", "deployment.restart", PACKAGER) == (True, "role near")


@pytest.mark.parametrize("name", ["mеi", "mei\u200b", "", "*", "mei lin", "ｍｅｉ", "mei\n"])
def test_a_name_that_may_look_like_another_has_no_role_not_even_everybodys(name: str) -> None:
    everybody = policy(r=Role(people=("*", "mei"), may=("*",), approve=("*",), override_freeze=True))
    assert roles_of(everybody, name) == ()
    assert not may(everybody, name, "deployment.restart", PACKAGER)[0]
    assert not may_approve(everybody, name, "deployment.restart", PACKAGER)[0]
    assert not may_override(everybody, name, PACKAGER)[0]
    assert may(everybody, name, "deployment.restart", PACKAGER)[1].isascii()


def test_the_right_to_do_is_not_the_right_to_approve_nor_to_override() -> None:
    roles = policy(r=Role(people=("mei",), may=("*",)), s=Role(people=("ines",), approve=("deployment.*",), on=("kube:*/live/*",)))
    assert may_approve(roles, "ines", "deployment.restart", PACKAGER) == (True, "role s")
    assert not may_approve(roles, "ines", "deployment.restart", Target.parse("kube:apac-1/vod/deployment/packager"))[0]
    assert not may_approve(roles, "mei", "deployment.restart", PACKAGER)[0]
    assert not may(roles, "ines", "deployment.restart", PACKAGER)[0]
    assert not may_override(roles, "mei", PACKAGER)[0]


def test_an_override_reaches_as_far_as_its_role() -> None:
    roles = policy(r=Role(people=("mei",), may=("*",), on=("node:*",), override_freeze=True))
    assert may_override(roles, "mei", Target.parse("node:apac-1/w-3")) == (True, "role r")
    assert not may_override(roles, "mei", PACKAGER)[0]


def test_patterns_that_match_no_action_are_named_with_their_place() -> None:
    roles = policy(r=Role(people=("mei",), may=("deployment.*", "deploy.*"), never=("node.dran",)))
    assert unmatched(roles, ACTIONS) == (
        "roles.r.may: `deploy.*` matches no action",
        "roles.r.never: `node.dran` matches no action",
    )


# -- posting -----------------------------------------------------------------------------------------------------------
POSTERS = policy(lead=Role(people=("mei",), may=("*",)), teller=Role(people=("mei", "tomas"), post=("on*",)), all=Role(people=("*",)))


@pytest.mark.parametrize(
    ("person", "destination", "only_roles", "expected"),
    [
        pytest.param("mei", "oncall", None, True, id="granted"),
        pytest.param("mei", "press", None, False, id="another-chat"),
        pytest.param("mei", "oncall", ("lead",), False, id="a-narrowed-key"),
        pytest.param("mei", "oncall", ("teller", "unknown"), True, id="narrowed-to-it"),
        pytest.param("ines", "oncall", None, False, id="a-stranger"),
        pytest.param("ｍei", "oncall", None, False, id="a-name-that-looks-alike"),
    ],
)
def test_posting_takes_a_role_that_says_so_and_the_right_to_act_gives_none(
    person: str, destination: str, only_roles: tuple[str, ...] | None, expected: bool
) -> None:
    is_allowed, why = may_post(POSTERS, person, destination, only_roles=only_roles)
    assert is_allowed is expected and why

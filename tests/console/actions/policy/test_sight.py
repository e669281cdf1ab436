"""What may be read is what one's roles read of this site, and nothing by default."""

from __future__ import annotations

import pytest

from console.actions.policy.policy import Policy, Read, Role
from console.actions.policy.roles import may_name, sight_of
from console.actions.target import Target
from console.model.sight import EVERYTHING, Sight

POLICY = Policy(
    version="v",
    roles={
        "viewer": Role(people=("*",), read=Read(sites=("demo",), namespaces=("live", "web-*"), indices=("logs-*",))),
        "vod": Role(people=("mei",), read=Read(sites=("demo", "prod-*"), namespaces=("vod",), indices=("audit-vod",))),
        "admin": Role(people=("ana",)),
        "blind": Role(people=("tom",), read=Read(namespaces=(), indices=())),
    },
)


def test_a_person_reads_the_union_of_their_roles() -> None:
    sight = sight_of(POLICY, "mei", None, "demo")
    assert sight is not None
    assert [name for name in ("live", "web-1", "vod", "kube-system", "live-2") if sight.reads(name)] == ["live", "web-1", "vod"]
    assert sight_of(POLICY, "ana", None, "demo") == EVERYTHING


def test_a_line_must_be_covered_whole_by_one_role() -> None:
    sight = sight_of(POLICY, "mei", None, "demo")
    assert sight is not None
    assert sight.reads_line("vod", "audit-vod") and sight.reads_line("live", "logs-1")
    assert not sight.reads_line("vod", "logs-1") and not sight.reads_line("live", "audit-vod")
    assert sight.reads_line(None, "logs-1") and not sight.reads_line(None, "other")


def test_the_index_behind_a_data_stream_is_read_by_the_name_of_the_stream() -> None:
    sight = Sight.of([(("*",), ("logs-app",))])
    assert sight.reads_index(".ds-logs-app-2026.11.22-000001")
    assert not sight.reads_index(".ds-logs-secret-2026.11.22-000001")
    assert not sight.reads_index("logs-app-2")


def test_no_role_of_a_site_is_no_sight_of_it_and_a_role_that_reads_nothing_is_a_blind_one() -> None:
    assert sight_of(POLICY, "mei", None, "elsewhere") is None
    assert sight_of(POLICY, "tom", ["viewer"], "prod-1") is None
    blind = sight_of(POLICY, "tom", ["blind"], "demo")
    assert blind is not None and not blind.reads("live") and not blind.reads_index("logs-1")


@pytest.mark.parametrize("name", ["", "*", "meі", "mei "])
def test_a_name_that_cannot_be_compared_sees_nothing(name: str) -> None:
    assert sight_of(POLICY, name, None, "demo") is None


def test_a_key_narrows_what_the_policy_gives_and_never_widens_it() -> None:
    narrowed = sight_of(POLICY, "mei", ["vod", "admin", "none"], "demo")
    assert narrowed == Sight(("vod",), ("audit-vod",))
    assert sight_of(POLICY, "mei", [], "demo") is None
    assert sight_of(POLICY, "mei", iter(["viewer", "vod"]), "demo") == sight_of(POLICY, "mei", None, "demo")


def test_equal_rights_are_one_sight_however_they_are_written() -> None:
    one = Sight.of([(("live", "web"), ("a", "b"))])
    assert one == Sight.of([(("web", "live"), ("b", "a", "a"))]) and hash(one) == hash(Sight.of([(("web", "live"), ("b", "a"))]))
    assert Sight.of([(("live",), ("*",)), (("live", "*"), ("*", "x"))]) is EVERYTHING


def test_case_counts_and_a_glob_stays_within_the_name() -> None:
    sight = Sight.of([(("Live*", "te[s]t?"), ("*",))])
    assert sight.reads("Live-1") and sight.reads("test1") and not sight.reads("live-1") and not sight.reads("test")


def test_what_one_may_not_read_one_may_not_plan_for_nor_for_a_node_that_carries_it() -> None:
    sight = Sight.of([(("live",), ("*",))])
    assert may_name(sight, Target.parse("kube:apac-1/live/deployment/packager"))
    assert not may_name(sight, Target.parse("kube:apac-1/vod/deployment/packager"))
    assert not may_name(sight, Target.parse("node:apac-1/worker-3"))
    assert may_name(sight, Target.parse("switch:cdn"))
    assert may_name(EVERYTHING, Target.parse("node:apac-1/worker-3"))

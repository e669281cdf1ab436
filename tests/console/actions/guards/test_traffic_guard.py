"""The cases of Spinnaker's TrafficGuard, held against the floor.

There a server group is taken out of a location of its cluster; here pods of a service out of a zone. Up is ready, disabled or
out of service is not ready, its minimal capacity ratio is `limits.floor_ratio`. Not mapped, because nothing here is like it:
guards that are switched off per application, and wildcards that choose for which clusters there is a guard.
"""

from __future__ import annotations

import pytest

from console.actions.guards import floor, standing
from console.actions.survey import PodFact
from console.actions.verdict import Stand
from tests.console.actions.guards.sample import case, pods

HERE, ELSEWHERE = "us-east-1", "us-west-1"
NONE: tuple[PodFact, ...] = ()
PASS, REFUSE = Stand.PASS, Stand.REFUSE


def group(name: str, up: int, down: int = 0, zone: str = HERE) -> tuple[PodFact, ...]:
    """One server group of the service: told apart by its ReplicaSet."""
    made = pods("app-foo", zone, up, down, owner=name)
    return tuple(PodFact(**{**{f: getattr(pod, f) for f in pod.__struct_fields__}, "name": f"{name}-{pod.name}"}) for pod in made)


V0, V1, V2 = "app-foo-v000", "app-foo-v001", "app-foo-v002"


@pytest.mark.parametrize(
    ("going", "staying", "ratio", "stand", "words"),
    [
        pytest.param(group(V1, 1), group(V0, 0, 1), 0.0, REFUSE, "the last ready pod", id="the only one enabled in the cluster"),
        pytest.param(group(V1, 1), NONE, 0.0, REFUSE, "the last ready pod", id="the only one in the cluster"),
        pytest.param(group(V1, 1), group(V0, 0, 1), 0.0, REFUSE, "the last ready pod", id="another is enabled but none of it is up"),
        pytest.param(group(V1, 1), group(V0, 1), 0.0, PASS, "1 of 2", id="another is enabled and has instances"),
        pytest.param(group(V1, 1), group(V0, 1, zone=ELSEWHERE), 0.0, REFUSE, f"the last ready pod of app-foo in {HERE}", id="the other one is in another location"),
        pytest.param(group(V1, 2), group(V0, 1), 0.4, REFUSE, "leaves 1 of 3", id="from 3 to 1 is less than 40 %"),
        pytest.param(group(V1, 2), group(V0, 1), 0.25, PASS, "1 of 3", id="from 3 to 1 is more than 25 %"),
        pytest.param((*group(V0, 100), *group(V1, 1)), group(V2, 1), 0.4, REFUSE, "leaves 1 of 102", id="several groups at once leave too little"),
        # Pinned groups (min = max = desired) are exempt from the ratio there. Here nothing is exempt by its shape; the policy
        # may ask for no ratio, and then too the last one stays.
        pytest.param((*group(V0, 3), *group(V1, 3)), group(V2, 1), 0.0, PASS, "1 of 7", id="pinned, without a ratio"),
        pytest.param((*group(V0, 3), *group(V1, 3)), group(V2, 0), 0.0, REFUSE, "all 6 ready pods", id="pinned, and still nothing may drop to zero"),
        pytest.param((*group(V0, 3), *group(V1, 3)), group(V2, 1), 0.4, REFUSE, "leaves 1 of 7", id="pinned is no exemption here"),
        pytest.param(group(V0, 100), group(V2, 1), 0.4, REFUSE, "leaves 1 of 101", id="one pinned group does not qualify"),
        pytest.param((*group(V0, 10), *group(V1, 10)), group(V2, 1), 0.4, REFUSE, "leaves 1 of 21", id="only some pinned, or of other sizes, do not qualify"),
        pytest.param((*group(V0, 0, 100), *group(V1, 100)), group(V2, 100), 0.4, PASS, "100 of 200", id="a regular shrink of the whole cluster"),
        pytest.param((*group(V0, 0), *group(V1, 0, 3)), NONE, 0.4, PASS, "takes no ready pod away", id="several empty or disabled groups at once"),
        pytest.param(group(V1, 0, 1), NONE, 0.4, PASS, "takes no ready pod away", id="a cluster without active instances"),
        # terminating single instances
        pytest.param(group(V1, 1), group(V0, 0, 1), 0.4, REFUSE, "the last ready pod", id="the last healthy instance of the only active group"),
        pytest.param(group(V1, 2), group(V0, 0, 1), 0.4, REFUSE, "all 2 ready pods", id="all instances that are up"),
        pytest.param(group(V1, 1), group(V0, 1), 0.4, PASS, "1 of 2", id="another group has a healthy instance"),
        pytest.param(group(V1, 0, 1), group(V0, 0, 1), 0.4, PASS, "takes no ready pod away", id="an instance that is not up"),
    ],
)  # fmt: skip
def test_what_may_be_taken_out_of_a_location(
    going: tuple[PodFact, ...], staying: tuple[PodFact, ...], ratio: float, stand: Stand, words: str
) -> None:
    verdict = floor.check(
        case(
            action="deployment.scale", survey_affected=going, survey_around=staying, survey_at_once=len(going),
            limit_floor_ratio=ratio,
        )
    )  # fmt: skip
    assert (verdict.stand, words in verdict.reason) == (stand, True), verdict.reason


def test_a_target_that_is_not_found_fails_closed() -> None:
    assert standing.check(case(survey_exists=False)).stand is REFUSE


def test_a_cluster_that_cannot_be_read_fails_closed() -> None:
    verdict = floor.check(case(survey_affected=NONE, survey_unread={"pods": "timed out"}))
    assert verdict.stand is REFUSE
    assert "timed out" in verdict.reason

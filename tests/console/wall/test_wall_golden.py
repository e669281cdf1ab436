"""The golden walls: what must be readable from ten metres in each scenario, and that each still looks as agreed."""

from __future__ import annotations

import os

import pytest

from tests.golden import compare
from tests.golden.compare import compared
from tests.golden.wall_shots import SHOTS, SIZES, WallShot, check
from tests.wall_scenes import SCENARIOS, scene_of
from tests.wall_stage import walled

AT_ONCE = ("calm", "bad-deploy", "backend-down")  # at every size in the ordinary ring; the others at the least
CASES = [
    pytest.param(
        shot, size, id=f"{shot.scenario}-{size[0]}x{size[1]}",
        marks=[] if size == (120, 36) or (shot.scenario in AT_ONCE and size == (240, 67)) else [pytest.mark.slow],
    )
    for shot in SHOTS
    for size in SIZES
]


@pytest.mark.parametrize(("shot", "size"), CASES)
async def test_the_wall_says_from_ten_metres_what_it_must_and_is_as_agreed(
    shot: WallShot, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    async with walled(scene_of(shot.scenario), size) as stage:
        check(shot, size, stage)
        complaint = compared(f"wall/{shot.scenario}-{size[0]}x{size[1]}", stage.text, shot.sentence, os.environ)
    assert not complaint, complaint


def test_each_scenario_has_its_shot_and_each_golden_wall_its_scenario() -> None:
    assert [shot.scenario for shot in SHOTS] == list(SCENARIOS)
    names = {f"{shot.scenario}-{width}x{height}" for shot in SHOTS for width, height in SIZES}
    assert names == {path.stem for path in (compare.PLACE / "wall").glob("*.txt")}
    assert all(shot.sentence.endswith(".") for shot in SHOTS)

"""The nights begin with the first end-to-end test, if any of the tests to come wants them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.nights import RECORDED, Nights
from tests.e2e.platform import NICE, Platform, platform


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "night(scenario, ...): the nights that a test judges; they are recorded ahead")


@pytest.fixture(scope="session", autouse=True)
def nights(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    """The recorded nights. A test says which it wants by the marker `night`."""
    wanted = {
        name for item in request.session.items for mark in item.iter_markers("night") for name in mark.args
    }
    recorded = Nights(tmp_path_factory.mktemp("nights"))
    recorded.begin(*(scenario for scenario in RECORDED if scenario in wanted))
    yield recorded
    recorded.end()


@pytest.fixture(scope="session")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform on which nothing breaks."""
    with platform(tmp_path_factory.mktemp("calm"), "calm", NICE) as running:
        yield running


@pytest.fixture(scope="session")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with the bad deploy, which does not heal."""
    with platform(tmp_path_factory.mktemp("broken"), "bad-deploy", NICE, start_after_s=0.1, duration_s=3600) as running:
        yield running

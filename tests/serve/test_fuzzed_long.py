"""Ten thousand hostile connections: `make proof`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.platform import Platform
from tests.serve.keys import Keys
from tests.serve.server import serving
from tests.serve.test_hostile import ARRIVALS, fuzzed

pytestmark = [pytest.mark.proof, pytest.mark.timeout(3600)]


def test_ten_thousand_hostile_connections_change_nothing(place: Path, site: Platform, keys: Keys):
    with serving(place / "fuzzed", site, keys, login_s=10, limits=ARRIVALS) as server:
        fuzzed(server, keys, 10_000)

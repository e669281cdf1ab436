"""One platform, one set of keys and one server for all tests that do it no harm; who harms one starts their own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.platform import NICE, Platform, platform
from tests.serve.keys import Keys
from tests.serve.need import need
from tests.serve.server import Serving, serving


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nobody else may write above a file of keys, or it is not believed: so it is made as private as pytest makes its own."""
    found = tmp_path_factory.mktemp("serve")
    os.chmod(found, 0o700)
    return found


@pytest.fixture(scope="session")
def keys(place: Path) -> Keys:
    need("ssh", "ssh-keygen")
    return Keys(place / "keys")


@pytest.fixture(scope="session")
def site(place: Path) -> Iterator[Platform]:
    """The platform on which nothing breaks."""
    with platform(place / "platform", "calm", NICE) as running:
        yield running


@pytest.fixture(scope="session")
def server(place: Path, site: Platform, keys: Keys) -> Iterator[Serving]:
    """A server that all share."""
    with serving(place / "server", site, keys) as running:
        yield running

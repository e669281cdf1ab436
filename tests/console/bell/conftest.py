from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.console.bell.belfry import TOKEN, Belfry
from tests.console.chat.conftest import clock, kept, office, started  # noqa: F401 - fixtures


@pytest.fixture
async def belfry(tmp_path: Path, started, clock, kept) -> AsyncIterator[Belfry]:  # noqa: F811
    """A bell on loopback that tells a Slack of ours."""
    made = Belfry(tmp_path, started, clock, kept("bell", TOKEN), kept)
    await made.open()
    yield made
    await made.close()

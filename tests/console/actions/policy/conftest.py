from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from console.actions.policy.load import load
from console.actions.policy.policy import Policy, PolicyError


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[[str | bytes], Policy]:
    def run(text: str | bytes) -> Policy:
        path = tmp_path / "policy.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(path)

    return run


@pytest.fixture
def told(tmp_path: Path, loaded: Callable[[str | bytes], Policy]) -> Callable[[str | bytes], list[str]]:
    """The problems of a text, without the directory of the file."""

    def run(text: str | bytes) -> list[str]:
        with pytest.raises(PolicyError) as caught:
            loaded(text)
        return [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]

    return run

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from console.config.errors import ConfigError
from console.config.load import load
from console.config.root import Config

Loader = Callable[..., Config]


@pytest.fixture
def loaded(tmp_path: Path) -> Loader:
    def run(text: str, **environ: str) -> Config:
        path = tmp_path / "config.toml"
        path.write_text(text)
        return load(path, environ)

    return run


@pytest.fixture
def told(tmp_path: Path, loaded: Loader) -> Callable[..., list[str]]:
    """The problems of a text, without the directory of the file."""

    def run(text: str, **environ: str) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            loaded(text, **environ)
        return [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems]

    return run


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("hunter2\n")
    path.chmod(0o600)
    return path

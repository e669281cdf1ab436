"""A theme that does not exist is refused in words, before anything is drawn or asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from console import cli
from console.app.app import theme_of
from console.config.init import EXAMPLE
from themes import DEFAULT_THEME, THEMES


def test_no_theme_is_the_default_one() -> None:
    assert theme_of(None) == DEFAULT_THEME


@pytest.mark.parametrize("name", ["noon", "", "textual-dark", "NIGHT"])
def test_an_unknown_theme_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(ValueError, match=f"no theme {name!r}; there are night, high-contrast, mono"):
        theme_of(name)


def test_the_example_configuration_names_only_themes_that_exist() -> None:
    line = next(line for line in EXAMPLE.splitlines() if line.startswith("# theme = "))
    assert theme_of(line.split('"')[1]) == DEFAULT_THEME
    assert all(theme.name in line for theme in THEMES)


def test_a_picture_in_an_unknown_theme_is_a_usage_error_and_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[sites.apac.prometheus]\nurl = "http://127.0.0.1:1"\n')
    picture = tmp_path / "screen.svg"
    argv = ["snapshot", "overview", "--format", "svg", "-o", str(picture), "--config", str(config), "--theme", "noon"]
    assert cli.main(argv, {"HOME": str(tmp_path)}) == 2
    assert "there is no theme 'noon'; there are night, high-contrast, mono" in capsys.readouterr().err
    assert not picture.exists()

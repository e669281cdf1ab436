"""Every place of the configuration where a secret may stand has a canary: a new field without one fails here."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from console.config.backend import Backend
from console.config.kinds import SecretFile
from console.config.load import load
from tests.canaries.bird import token, word
from tests.canaries.planted import Planted, places, planted
from tests.canaries.searching import found

SERVERS = ("prometheus", "alertmanager", "elasticsearch", "kubernetes", "hls", "refusing", "robot", "slack")


class Pager(Backend, frozen=True, kw_only=True):
    routing_file: SecretFile | None = None
    pin_env: str | None = None
    colour: str = "red"


class Site(msgspec.Struct):
    pagers: dict[str, Pager]


def garden(folder: Path) -> Planted:
    return planted(folder, {name: f"http://127.0.0.1:{9000 + at}" for at, name in enumerate(SERVERS)})


def test_every_place_of_the_configuration_has_a_canary_and_the_file_is_a_right_one(tmp_path: Path) -> None:
    made = garden(tmp_path)
    assert made.places == places(), f"without a canary: {places() - made.places}; unknown: {made.places - places()}"
    assert len(set(made.canaries.values())) == len(made.canaries) > 60
    load(made.config, made.environ)


def test_a_new_field_for_a_secret_is_noticed() -> None:
    told = places(Site)
    assert {("Pager", "routing_file"), ("Pager", "pin_env"), ("Backend", "url")} <= told and ("Pager", "colour") not in told


@pytest.mark.parametrize("canary", [word("a"), token("a")], ids=["word", "token"])
def test_the_search_finds_a_canary_in_every_spelling_and_nothing_else(canary: str) -> None:
    spelt = {
        "raw": f"x {canary} y", "url": quote(canary, safe=""), "cut": f"... {canary[:14]}…",
        "base64": base64.b64encode(f"ops:{canary}".encode()).decode(), "basic": base64.b64encode(f"o:{canary}".encode()).decode(),
        "base64 url": base64.urlsafe_b64encode(f"op:{canary}:".encode()).decode(),
        "lines": f"│ {canary[:8]} │\n│ {canary[8:]} │", "ansi": f"{canary[:6]}\x1b[1;31m{canary[6:]}\x1b[0m",
        "tags": f"<tspan>{canary[:9]}</tspan><tspan x=\"1\">{canary[9:]}</tspan>",
    }  # fmt: skip
    for name, text in spelt.items():
        assert found(text, {"here": canary}) == ["here"], name
    assert found(f"{word('b')} {token('b')} " * 3, {"here": canary}) == []

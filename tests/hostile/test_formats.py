"""The formats of a snapshot: text carries no escape, pictures nothing that is not ours, whatever the rows hold."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from console.app import picture
from console.feeds.desk import VIEWS
from console.model.scope import Scope
from console.rows.digest import Digest, to_json, to_text
from console.snapshot import session
from tests.hostile.corpus import EVERYTHING
from tests.hostile.staging import failed, poisoned
from tests.hostile.terminal import Terminal, offence
from tests.scene import Scene
from tests.stage import staged

SIZE = (120, 36)
STARTS = range(0, len(EVERYTHING), 15)


def digest(scene: Scene, view: str) -> Digest:
    with session(scene.desk, "demo", view, Scope()) as taking:
        return taking.digest()


def scenes() -> Iterator[Scene]:
    """Poisoned as differently as there are places for an attack to stand in, and in every pane's failure."""
    for start in STARTS:
        yield poisoned(start)
    texts = list(EVERYTHING.values())
    for start in range(0, len(texts), 6):
        scene = Scene()
        failed(scene, texts[start : start + 6])
        yield scene


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from (key, *texts(each))
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


async def test_the_text_digest_is_printable_lines_and_nothing_else() -> None:
    told = 0
    for scene in scenes():
        for view in VIEWS:
            for line in to_text(digest(scene, view)).split("\n"):
                assert line.isprintable(), (view, line)
                assert len(line) <= 120
                told += 1
    assert told > 500


async def test_the_json_digest_is_printable_as_bytes_and_when_it_is_decoded() -> None:
    told = 0
    for scene in scenes():
        for view in VIEWS[1:]:
            document = to_json(digest(scene, view))
            assert document.decode().isprintable(), view
            for text in texts(json.loads(document)):
                assert text.isprintable(), (view, text)
                told += 1
    assert told > 10_000


@pytest.mark.parametrize("start", [0, 31])
async def test_pictures_are_well_formed_and_hold_only_our_own(start: int) -> None:
    async with staged(poisoned(start), SIZE) as stage:
        for view in "12":
            await stage.press(view)
            shown = picture.ansi(stage.app)
            Terminal(*SIZE).feed(shown)
            drawn = picture.svg(stage.app, "midwatch " + EVERYTHING["xml"])
            _check_svg(drawn)
            _check_html(picture.html(stage.app))


async def test_the_letters_of_markup_are_seen_in_every_picture() -> None:
    attack = "</text></pre><script>alert(1)</script>"
    async with staged(poisoned(attacks={"html": attack}), SIZE, view="streams") as stage:
        assert "</text></pre><script>" in stage.text
        for drawn in (picture.svg(stage.app, "x"), picture.html(stage.app)):
            assert "<script" not in drawn
            assert "<script>alert" in html.unescape(drawn).replace("\xa0", " ")


def _check_svg(drawn: str) -> None:
    assert "<!DOCTYPE" not in drawn and "<!ENTITY" not in drawn
    root = ElementTree.fromstring(drawn)
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert names <= {"svg", "style", "defs", "clipPath", "rect", "g", "text", "circle"}, names
    for element in root.iter():
        assert not any("href" in name or name.startswith("on") for name in element.attrib), element.attrib
        assert element.tag.endswith("style") or not offence((element.text or "").strip()), element.text


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def _check_html(page: str) -> None:
    tags = _Tags()
    tags.feed(page)
    assert tags.tags <= {"html", "head", "meta", "style", "body", "pre", "code", "span"}, tags.tags
    assert tags.attributes <= {"style", "charset", "class"}, tags.attributes
    body = "".join(tags.text)
    assert not offence(re.sub(r"[\r\n]", "", body))

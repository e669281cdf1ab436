"""Texts that are not what they look like: told beside the text, because the text itself cannot be trusted to tell it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0]"
)
_WORD = re.compile(r"\w+")
_SCRIPTS = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "FULLWIDTH", "MATHEMATICAL")
MOST = 5


def visible(text: str) -> str:
    """The same text with what cannot be seen (bidi marks, zero widths, controls) written out: `a<U+202E>b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"<U+{ord(each):04X}>" if _INVISIBLE.match(each) or unicodedata.category(each) in ("Cc", "Cf") else each
        for each in text
    )


def warnings(texts: Iterable[str]) -> Iterator[str]:
    """What in these texts may deceive, each once: `U+202E RIGHT-TO-LEFT OVERRIDE`, `U+043E CYRILLIC SMALL LETTER O in
    "prоd"`. At most a handful: one is enough to stop for.
    """
    told: set[str] = set()
    for text in texts:
        if text.isascii():
            continue
        for found in (*_INVISIBLE.findall(text), *_mixed(text)):
            if found not in told:
                told.add(found)
                yield f"U+{ord(found):04X} {unicodedata.name(found, 'unnamed')}"
                if len(told) == MOST:
                    return


def _mixed(text: str) -> Iterator[str]:
    """Letters of another script in a word that has Latin ones: a whole word in Greek deceives nobody."""
    for word in _WORD.findall(text):
        if not word.isascii() and any("a" <= each.lower() <= "z" for each in word):
            yield from (each for each in word if unicodedata.name(each, "").startswith(_SCRIPTS))

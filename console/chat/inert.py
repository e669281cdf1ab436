"""Foreign text that no chat service takes for anything but text.

Each adapter puts data only where its service parses nothing. This is the second wall, and the only one where a service
parses everything (what apprise speaks to): the characters that mentions, links and markup begin with become look-alikes that
mean nothing, visibly, so that a name can still be read. What is copied from chat back into a shell is therefore not always
the name itself; the JSON for programs is not touched.
"""

from __future__ import annotations

import re

from console.sources.sanitise import clean

_TABLE = str.maketrans(
    {"@": "＠", "<": "‹", ">": "›", "`": "ˋ", "*": "∗", "~": "∼"}
    | {"＜": "‹", "＞": "›", "﹤": "‹", "﹥": "›", "﹫": "＠"}  # what a service may fold into the plain ones
)
_SCHEME = re.compile(r":(?=//)|:(?=\\\\)")
_WWW = re.compile(r"(?i)\bwww\.")
_BESIDE_WORD = re.compile(r"(?<![0-9A-Za-z])_+|_+(?![0-9A-Za-z])")  # _italic_, but not egress_lhr


def inert(text: str, limit: int = 2000) -> str:
    """One line in which nothing is a mention, a link or markup; at most `limit` characters."""
    text = clean(text, limit)
    text = _SCHEME.sub("[:]", text.translate(_TABLE))
    text = _WWW.sub(lambda match: match[0][:3] + "[.]", text)
    text = text.replace("](", "] (").replace("||", "‖")
    text = _BESIDE_WORD.sub(lambda match: "＿" * len(match[0]), text)
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"

"""PromQL text to tokens. Durations are tokens of their own because `5m` is neither a number nor a name."""

from __future__ import annotations

import re
from typing import Literal, cast

import msgspec

from console.demo.prometheus.errors import BadData

Kind = Literal["number", "duration", "string", "name", "op", "end"]

MAX_QUERY_CHARS = 20_000
"""A longer query is refused before it is scanned: the parser's memory is bounded by this."""


class Token(msgspec.Struct, frozen=True):
    """One token; `offset` is in characters from the start of the query, for the error's line:column."""

    kind: Kind
    text: str
    offset: int


_TOKEN = re.compile(
    r"""
      (?P<space>(?:\s+|\#[^\n]*)+)
    | (?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![\w.]))
    | (?P<number>0[xX][0-9a-fA-F]+(?!\w)|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    | (?P<name>[A-Za-z_:][A-Za-z0-9_:]*)
    | (?P<op>==|!=|<=|>=|=~|!~|[-+*/%^<>=(){}\[\],:@])
    """,
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|([0-7]{3})|(.))", re.DOTALL)
_SIMPLE = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "\\": "\\",
    '"': '"',
    "'": "'",
}


def position(query: str, offset: int) -> str:
    """`line:column`, both from 1, as Prometheus prefixes its parse errors."""
    before = query[:offset]
    return f"{before.count(chr(10)) + 1}:{offset - before.rfind(chr(10))}"


def parse_error(query: str, offset: int, message: str) -> BadData:
    """The error Prometheus gives for a query it cannot read: position, `parse error`, what was expected."""
    return BadData(f'invalid parameter "query": {position(query, offset)}: parse error: {message}')


def tokens(query: str) -> list[Token]:
    """All tokens of a query and a closing `end` token.

    Raises BadData at the first character that starts no token.
    """
    if len(query) > MAX_QUERY_CHARS:
        raise BadData(f'invalid parameter "query": {len(query)} characters, the limit is {MAX_QUERY_CHARS}')
    found: list[Token] = []
    at = 0
    bracketed = False
    while at < len(query):
        if bracketed and query[at] == ":":
            # Inside brackets a colon parts range and step; elsewhere it may begin a recording rule's name.
            found.append(Token("op", ":", at))
            at += 1
            continue
        match = _TOKEN.match(query, at)
        if match is None:
            raise _unreadable(query, at)
        if match.group() in ("[", "]"):
            bracketed = match.group() == "["
        if match.lastgroup == "string":
            found.append(Token("string", _unquote(query, at, match.group()), at))
        elif match.lastgroup != "space":
            found.append(Token(cast(Kind, match.lastgroup), match.group(), at))
        at = match.end()
    found.append(Token("end", "", len(query)))
    return found


def _unreadable(query: str, at: int) -> BadData:
    char = query[at]
    if char in "\"'`":
        return parse_error(query, at, "unterminated quoted string")
    if char.isdigit() or char == ".":
        return parse_error(query, at, f"bad number or duration syntax: {query[at : at + 20].split()[0]!r}")
    return parse_error(query, at, f"unexpected character: {char!r}")


def _unquote(query: str, offset: int, quoted: str) -> str:
    body = quoted[1:-1]
    if quoted[0] == "`" or "\\" not in body:
        return body

    def replace(match: re.Match[str]) -> str:
        byte, rune, octal, simple = match.groups()
        if byte is not None or rune is not None:
            return chr(int(byte or rune, 16))
        if octal is not None:
            return chr(int(octal, 8))
        if simple not in _SIMPLE:
            raise parse_error(query, offset, f"unknown escape sequence: \\{simple}")
        return _SIMPLE[simple]

    return _ESCAPE.sub(replace, body)

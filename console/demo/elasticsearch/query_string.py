"""query_string and simple_query_string: the little language an engineer types.

`query_string` knows words, "phrases", `field:value`, `field:(a OR b)`, `*` and `?`, AND OR NOT && || ! + -
and parentheses, and refuses what else Lucene has (ranges, fuzziness, boosts, regular expressions).
`simple_query_string` knows words, phrases, `+ | -`, a trailing `*` and parentheses, and never fails.
"""

from __future__ import annotations

import re

import msgspec

from console.demo.elasticsearch.criteria import Criteria, anything, at_least, both, negated, nothing
from console.demo.elasticsearch.documents import FIELDS, Field
from console.demo.elasticsearch.errors import EsError
from console.demo.elasticsearch.leaves import equals, exists, match_phrase, match_text, prefix, wildcard

MAX_CHARS = 2000
MAX_DEPTH = 20


class Token(msgspec.Struct, frozen=True):
    """`kind` is word, phrase, or the sign itself; a field stands on the token it qualifies."""

    kind: str
    text: str = ""
    field: str | None = None


_STRICT = re.compile(
    r"\s*(?:(?P<sign>&&|\|\||[()!+-])|(?:(?P<field>[A-Za-z_@][\w.@\\-]*):)?"
    r'(?:"(?P<phrase>(?:[^"\\]|\\.)*)"|(?P<open>\()|(?P<word>(?:[^\s()":^~\[\]{}/\\]|\\.)+)))',
    re.DOTALL,
)
_SIMPLE = re.compile(r'\s*(?:(?P<sign>[()|+-])|"(?P<phrase>[^"]*)"|(?P<word>[^\s()|"]+))', re.DOTALL)


def compile_query_string(text: str, fields: list[Field], every: bool, now_ns: int, simple: bool) -> Criteria:
    """Criteria of a typed query over `fields`; `every` makes AND the default operator.

    Raises EsError (400, parsing_exception) for what `query_string` cannot read.
    """
    if len(text) > MAX_CHARS:
        raise _unreadable(text, f"longer than {MAX_CHARS} characters")
    return _Reader(text, _tokens(text, simple), fields, every, now_ns, simple).whole()


def _unreadable(text: str, why: str) -> EsError:
    return EsError(400, "parsing_exception", f"Failed to parse query [{text[:200]}]: {why}", line=1, col=1)


def _tokens(text: str, simple: bool) -> list[Token]:
    found: list[Token] = []
    at = 0
    pattern = _SIMPLE if simple else _STRICT
    while text[at:].strip():
        match = pattern.match(text, at)
        if match is None:
            if simple:
                at += 1
                continue
            raise _unreadable(text, f"cannot read {text[at : at + 20].strip()!r}")
        groups = match.groupdict()
        field = re.sub(r"\\(.)", r"\1", groups["field"]) if groups.get("field") else None
        if groups["sign"]:
            found.append(Token(groups["sign"]))
        elif groups.get("open"):
            found.append(Token("(", field=field))
        elif groups["phrase"] is not None:
            found.append(Token("phrase", re.sub(r"\\(.)", r"\1", groups["phrase"]), field))
        else:
            word = groups["word"]
            operator = (
                {"AND": "&&", "OR": "||", "NOT": "!"}.get(word) if not simple and field is None else None
            )
            found.append(Token(operator) if operator else Token("word", word, field))
        at = match.end()
    return found


class _Reader:
    def __init__(
        self, text: str, tokens: list[Token], fields: list[Field], every: bool, now_ns: int, simple: bool
    ) -> None:
        self.text = text
        self.tokens = tokens
        self.fields = fields
        self.every = every
        self.now_ns = now_ns
        self.simple = simple
        self.at = 0
        self.depth = 0

    def peek(self) -> str:
        return self.tokens[self.at].kind if self.at < len(self.tokens) else ""

    def whole(self) -> Criteria:
        if not self.tokens:
            return nothing()
        found: list[Criteria] = []
        while self.peek():
            found.append(self.either(None))
            if self.peek() == ")":
                if not self.simple:
                    raise _unreadable(self.text, "a closing parenthesis without its opening one")
                self.at += 1
        return both(found)

    def either(self, field: str | None) -> Criteria:
        """Clauses in a row: joined by ||, by && or, bare, by the default operator."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _unreadable(self.text, f"nested deeper than {MAX_DEPTH}")
        groups: list[list[tuple[str, Criteria]]] = [[]]
        explicit = False
        while self.peek() not in ("", ")"):
            kind = self.peek()
            if kind in ("||", "|"):
                self.at += 1
                groups.append([])
                continue
            if kind == "&&":
                self.at += 1
                explicit = True
                continue
            clause = self.clause(field)
            role = "wish"
            if kind in ("!", "-"):
                role = "not"
            elif kind == "+" or explicit or self.every or self.peek() == "&&":
                role = "must"
            groups[-1].append((role, clause))
            explicit = False
        self.depth -= 1
        groups = [group for group in groups if group]
        if not groups:
            if self.simple:
                return nothing()
            raise _unreadable(self.text, "an operator without a term")
        alternatives = [_joined(group) for group in groups]
        return alternatives[0] if len(alternatives) == 1 else at_least(alternatives, 1)

    def clause(self, field: str | None) -> Criteria:
        token = self.tokens[self.at]
        self.at += 1
        if token.kind in ("!", "-", "+"):
            if self.peek() in ("", ")"):
                if self.simple:
                    return anything()
                raise _unreadable(self.text, f"nothing after {token.kind!r}")
            inner = self.clause(field)
            return inner if token.kind == "+" else negated(inner)
        if token.kind == "(":
            inner = self.either(token.field or field)
            if self.peek() == ")":
                self.at += 1
            elif not self.simple:
                raise _unreadable(self.text, "a parenthesis is not closed")
            return inner
        if token.kind not in ("word", "phrase"):
            if self.simple:
                return anything()
            raise _unreadable(self.text, f"unexpected {token.kind!r}")
        return self.term(token, token.field or field)

    def term(self, token: Token, name: str | None) -> Criteria:
        if name == "_exists_":
            return exists(token.text)
        if name is not None:
            return self.one(FIELDS[name], token) if name in FIELDS else nothing()
        if token.kind == "word" and token.text == "*":
            return anything()
        if not self.fields:
            return nothing()
        return at_least([self.one(field, token) for field in self.fields], 1)

    def one(self, field: Field, token: Token) -> Criteria:
        if token.kind == "phrase":
            return match_phrase(field, token.text, self.now_ns)
        text = token.text
        if self.simple:
            stem = text.rstrip("*")
            if stem != text and not field.is_date:
                return prefix(field, stem.lower() if field.type == "match_only_text" else stem, False)
        elif re.search(r"(?<!\\)[*?]", text):
            return (
                exists(field.name) if text == "*" else wildcard(field, text, field.type == "match_only_text")
            )
        text = re.sub(r"\\(.)", r"\1", text)
        if field.type == "match_only_text":
            # One word may hold several tokens (a path): they must all be there.
            return match_text(field, text, every=True)
        if text.startswith((">", "<")):
            raise _unreadable(self.text, "ranges are not supported by this server")
        return equals(field, text, self.now_ns)


def _joined(group: list[tuple[str, Criteria]]) -> Criteria:
    """Bare words are alternatives to one another, but beside a required word they are mere wishes."""
    required = [criteria for role, criteria in group if role == "must"]
    wishes = [criteria for role, criteria in group if role == "wish"]
    if not required and wishes:
        required = [wishes[0] if len(wishes) == 1 else at_least(wishes, 1)]
    return both([*required, *(criteria for role, criteria in group if role == "not")])

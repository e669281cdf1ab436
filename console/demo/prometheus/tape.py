"""The tokens of a query and the place the parser has come to."""

from __future__ import annotations

from console.demo.prometheus.errors import BadData
from console.demo.prometheus.lexer import Token, parse_error, tokens


class Tape:
    """Looked at one token ahead; only ever moves forward."""

    def __init__(self, query: str) -> None:
        self.query = query
        self.tokens = tokens(query)
        self.at = 0

    @property
    def token(self) -> Token:
        """The one not yet taken."""
        return self.tokens[self.at]

    def fail(self, message: str, token: Token | None = None) -> BadData:
        """A parse error at a token, by default the current one."""
        return parse_error(self.query, (token or self.token).offset, message)

    def unexpected(self, context: str) -> BadData:
        """The error for a token that cannot stand where it does."""
        shown = "end of input" if self.token.kind == "end" else f"<{self.token.kind}:{self.token.text}>"
        return self.fail(f"unexpected {shown} in {context}")

    def op(self, text: str) -> bool:
        """Take this operator if it is next."""
        if self.token.kind == "op" and self.token.text == text:
            self.at += 1
            return True
        return False

    def word(self, text: str) -> bool:
        """Take this keyword, in any case, if it is next."""
        if self.token.kind == "name" and self.token.text.lower() == text:
            self.at += 1
            return True
        return False

    def expect(self, text: str, context: str) -> None:
        """Take this operator or fail."""
        if not self.op(text):
            raise self.unexpected(f"{context}, expected {text!r}")

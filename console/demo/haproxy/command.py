"""The runtime API's words, one command at a time. An answer is text; an empty line ends it, but for the two texts
that the real one also sends without."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from console.demo.haproxy import info, stat, state, usage
from console.demo.haproxy.balancer import Balancer, Key
from console.demo.haproxy.layout import BACKENDS, FRONTENDS, VERSION, Backend, Server, backend

MAX_WEIGHT = 256
_WRITES = ("set server", "set weight", "enable server", "disable server")
USER, OPERATOR, ADMIN = 0, 1, 2
_STATES = ("ready", "drain", "maint")
_SERVER_USAGE = ("usage: set server <backend>/<server> addr | agent | agent-addr | agent-port | agent-send | "
                 "check-addr | check-port | fqdn | health | ssl | state | weight\n")
_NUMBER = re.compile(r"\s*([+-]?\d+)(.*)", re.DOTALL)


class Problem(Exception):
    """Its text is the answer."""


def words(text: str) -> list[str]:
    """By blanks; a backslash keeps the next character as it is. There are no quotes."""
    return [re.sub(r"\\(.)", r"\1", word) for word in re.findall(r"(?:\\.|[^\s\\])+", text)]


def split(line: str) -> list[str]:
    """The commands of a line, between the semicolons that no backslash stands before."""
    return re.split(r"(?<!\\);", line)


def writes(text: str) -> bool:
    """Whether it changes something, were it allowed and its arguments right."""
    typed = words(text)
    return " ".join(typed[:2]) in _WRITES or typed[:1] == ["reload"]


class Commands:
    """One connection's view of a balancer: the level can only be lowered."""

    def __init__(self, balancer: Balancer, clock: Callable[[], datetime], level: int = ADMIN) -> None:
        self.balancer = balancer
        self._clock = clock
        self.level = level
        self._known: dict[tuple[str, ...], Callable[[list[str]], str]] = {
            ("show", "backend"): self._show_backend,
            ("show", "info"): lambda typed: info.table(self.balancer, self._clock()),
            ("show", "stat"): self._show_stat,
            ("show", "servers", "state"): self._show_servers_state,
            ("show", "version"): lambda typed: f"{VERSION}\n",
            ("get", "weight"): self._get_weight,
            ("set", "weight"): self._set_weight,
            ("set", "server"): self._set_server,
            ("enable", "server"): lambda typed: self._admin(typed[2:3], "ready"),
            ("disable", "server"): lambda typed: self._admin(typed[2:3], "maint"),
            ("help",): lambda typed: usage.help_text(typed[1:]),
            ("user",): lambda typed: self._lower(USER),
            ("operator",): lambda typed: self._lower(OPERATOR),
        }

    def answer(self, text: str) -> str:
        """With the empty line that ends it."""
        typed = words(text)
        for known, run in self._known.items():
            if tuple(typed[: len(known)]) == known:
                try:
                    return run(typed) + "\n"
                except Problem as wrong:
                    return f"{wrong}\n"
        return usage.unknown(typed) + "\n"

    def _lower(self, level: int) -> str:
        self.level = min(self.level, level)
        return ""

    # Reading

    def _show_backend(self, typed: list[str]) -> str:
        return "# name\n" + "".join(f"{one.name}\n" for one in BACKENDS)

    def _show_servers_state(self, typed: list[str]) -> str:
        wanted: tuple[Backend, ...] = BACKENDS
        if len(typed) > 3:
            named = backend(typed[3])
            if named is None:
                raise Problem("Can't find backend.\n")
            wanted = (named,)
        return state.table(self.balancer, wanted, self._clock())

    def _show_stat(self, typed: list[str]) -> str:
        for form in ("typed", "json", "desc"):
            if form in typed[2:]:
                raise Problem(f"This balancer prints its statistics as CSV; {form} is not among its forms.\n")
        proxy = kinds = server = -1
        if len(typed) > 4:
            proxy, kinds, server = self._proxy(typed[2]), _atoi(typed[3]), _atoi(typed[4])
        up, no_maint = "up" in typed[2:], "no-maint" in typed[2:]
        lines = stat.rows(self.balancer, self._clock(), proxy, kinds, server, up=up, no_maint=no_maint)
        return "\n".join([stat.header(), *lines]) + "\n"

    @staticmethod
    def _proxy(text: str) -> int:
        if re.fullmatch(r"-?\d+", text):
            return _atoi(text)
        for one in (*FRONTENDS, *BACKENDS):
            if one.name == text:
                return one.id
        raise Problem("No such proxy.\n")

    def _server(self, given: list[str]) -> tuple[Key, Server]:
        name, slash, rest = given[0].partition("/") if given else ("", "", "")
        if not slash or not rest:
            raise Problem("Require 'backend/server'.\n")
        found = backend(name)
        if found is None:
            raise Problem("No such backend.\n")
        server = found.server(rest)
        if server is None:
            raise Problem("No such server.\n")
        return (found.name, server.name), server

    def _get_weight(self, typed: list[str]) -> str:
        key, server = self._server(typed[2:3])
        return f"{self.balancer.process.status[key].weight} (initial {server.weight})\n"

    # Writing

    def _may_write(self) -> None:
        if self.level < ADMIN:
            raise Problem("Permission denied\n")

    def _set_weight(self, typed: list[str]) -> str:
        self._may_write()
        key, server = self._server(typed[2:3])
        self._weigh(key, server, typed[3:4])
        return ""

    def _weigh(self, key: Key, server: Server, given: list[str]) -> None:
        if not given:
            raise Problem("Require <weight> or <weight%>.\n")
        self.balancer.set_weight(key, weight(given[0], server.weight), self._clock())

    def _set_server(self, typed: list[str]) -> str:
        self._may_write()
        key, server = self._server(typed[2:3])
        what = typed[3] if len(typed) > 3 else ""
        if what == "weight":
            self._weigh(key, server, typed[4:5])
        elif what == "state":
            if len(typed) < 5 or typed[4] not in _STATES:
                raise Problem("'set server <srv> state' expects 'ready', 'drain' and 'maint'.\n")
            self.balancer.set_admin(key, typed[4], self._clock())
        elif what in ("addr", "agent", "agent-addr", "agent-port", "agent-send", "check-addr", "check-port", "fqdn",
                      "health", "ssl"):
            raise Problem(f"This balancer's servers have no {what} to set.\n")
        else:
            raise Problem(_SERVER_USAGE)
        return ""

    def _admin(self, given: list[str], admin: str) -> str:
        self._may_write()
        key, _ = self._server(given)
        self.balancer.set_admin(key, admin, self._clock())
        return ""


def _atoi(text: str) -> int:
    """0 when there is no number; what is longer than a long is no number anybody means."""
    found = re.match(r"[+-]?\d{1,18}", text)
    return int(found.group()) if found else 0


def weight(text: str, initial: int) -> int:
    """Raises Problem. A percentage is of the configured weight, rounded down and cut at 256."""
    parts = _NUMBER.fullmatch(text)
    if parts is None:
        raise Problem("Empty weight string empty or preceded by garbage")
    number, rest = _atoi(parts.group(1)), parts.group(2)
    if rest == "%":
        if number < 0:
            raise Problem("Relative weight must be positive.\n")
        return min(MAX_WEIGHT, initial * number // 100)
    if not 0 <= number <= MAX_WEIGHT:
        raise Problem("Absolute weight can only be between 0 and 256 inclusive.\n")
    if rest:
        raise Problem("Trailing garbage in weight string")
    return number

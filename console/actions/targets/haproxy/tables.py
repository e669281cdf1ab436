"""The two tables of the runtime API that are read: `show servers state` and `show stat`."""

from __future__ import annotations

import csv
from collections.abc import Mapping

import msgspec

from console.sources.sanitise import clean

_MAINT = 0x01 | 0x02 | 0x04 | 0x20 | 0x40  # SRV_ADMF_: forced, inherited, by configuration, by resolution, by hostname
_DRAIN = 0x08 | 0x10
RUNNING = 2  # SRV_ST_RUNNING
READY, DRAIN, MAINT = "ready", "drain", "maint"


class Unreadable(Exception):
    """An answer that is not such a table; says where it ends being one."""


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """One server as the balancer has it at this moment."""

    backend: str
    backend_id: int  # by which `show stat` can be asked for this backend alone
    name: str
    is_running: bool  # by its health check, where it has one
    admin: str  # ready, drain, maint
    weight: int  # in force
    configured: int  # what a reload goes back to

    @property
    def takes_traffic(self) -> bool:
        return self.is_running and self.admin == READY and self.weight > 0

    def field(self, name: str) -> str:
        """`weight` or `state`, as a write names them."""
        return str(self.weight) if name == "weight" else self.admin


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the statistics: of a server, or of its whole backend (`server` BACKEND)."""

    backend: str
    server: str
    status: str  # UP, DRAIN, MAINT, DOWN, no check
    sessions: int
    limit: int | None  # maxconn; None: no limit is configured
    requests: int
    errors: int | None  # 5xx; None outside HTTP

    @property
    def is_up(self) -> bool:
        return not self.status.startswith("DOWN")


def servers(answer: str, backend: str) -> dict[str, Server]:
    """By name, those of one backend. Raises Unreadable."""
    lines = answer.split("\n")
    if lines[0].strip() != "1" or len(lines) < 2 or not lines[1].startswith("# "):
        raise Unreadable(f"no table of servers: {_shown(answer)}")
    columns = lines[1].removeprefix("# ").split()
    found: dict[str, Server] = {}
    for line in filter(str.strip, lines[2:]):
        cells = line.split()
        if len(cells) < len(columns):
            raise Unreadable(f"a row of {len(cells)} cells where there are {len(columns)} columns: {_shown(line)}")
        row = dict(zip(columns, cells, strict=False))
        flags = _number(row, "srv_admin_state")
        one = Server(
            backend=row["be_name"],
            backend_id=_number(row, "be_id"),
            name=row["srv_name"],
            is_running=_number(row, "srv_op_state") == RUNNING,
            admin=MAINT if flags & _MAINT else DRAIN if flags & _DRAIN else READY,
            weight=_number(row, "srv_uweight"),
            configured=_number(row, "srv_iweight"),
        )
        if one.backend == backend:
            found[one.name] = one
    return found


def figures(answer: str, backend: str) -> dict[str, Figures]:
    """By server, those of one backend, and its own as BACKEND. Raises Unreadable."""
    lines = [line for line in answer.split("\n") if line]
    if not lines or not lines[0].startswith("# pxname,"):
        raise Unreadable(f"no statistics: {_shown(answer)}")
    columns = next(csv.reader([lines[0].removeprefix("# ")]))
    found: dict[str, Figures] = {}
    try:
        for cells in csv.reader(lines[1:]):
            if len(cells) < len(columns):
                raise Unreadable(f"a row of {len(cells)} cells where there are {len(columns)} columns: {_shown(cells)}")
            row = dict(zip(columns, cells, strict=False))
            if row["pxname"] != backend or row["svname"] == "FRONTEND":
                continue
            found[row["svname"]] = Figures(
                backend=backend,
                server=row["svname"],
                status=clean(row["status"], 40),
                sessions=_number(row, "scur"),
                limit=_number(row, "slim") or None if row.get("slim") else None,
                requests=_number(row, "stot"),
                errors=_number(row, "hrsp_5xx") if row.get("hrsp_5xx") else None,
            )
    except (csv.Error, KeyError) as error:
        raise Unreadable(f"no statistics: {clean(str(error), 120)}") from error
    return found


def _number(row: Mapping[str, str], column: str) -> int:
    text = row.get(column, "")
    if not text.isdecimal() or len(text) > 18:
        raise Unreadable(f"{column} is {_shown(text)} and no number")
    return int(text)


def _shown(text: object) -> str:
    return repr(clean(str(text), 80))

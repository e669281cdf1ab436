"""What the lab's writer owes to whoever counts its lines: none is given up because a server was away. Needs no lab."""

from __future__ import annotations

import http.client
import json
from pathlib import Path

import pytest

from tests.lab.writer import INDEX_SPAN_S, KEPT_INDICES, Server, Writer


class Memory(Server):
    """An index in memory; `is_away` refuses, `loses_answers` takes a bulk and hangs up."""

    def __init__(self) -> None:
        self.is_away = self.loses_answers = False
        self.indices: dict[str, dict[str, str]] = {}

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> tuple[int, bytes]:
        if self.is_away:
            raise ConnectionRefusedError
        if method == "PUT":
            self.indices.setdefault(path[1:], {})
        elif method == "DELETE":
            del self.indices[path[1:]]
        else:
            rows = [json.loads(row) for row in body.splitlines()]
            for action, document in zip(rows[::2], rows[1::2], strict=True):
                self.indices[action["index"]["_index"]][action["index"]["_id"]] = document["message"]
            if self.loses_answers:
                raise http.client.RemoteDisconnected
        return 200, b'{"errors": false}'

    @property
    def beats(self) -> list[int]:
        return sorted(int(text.split()[1]) for index in self.indices.values() for text in index.values())


def test_lines_of_a_time_without_a_server_are_sent_later_and_none_twice(tmp_path: Path) -> None:
    server, written = Memory(), tmp_path / "written"
    writer = Writer(server, written)
    for at in range(5):
        writer.write(1000.0 + at)
    for fault in ("is_away", "loses_answers"):
        setattr(server, fault, True)
        with pytest.raises((OSError, http.client.HTTPException)):
            writer.send()
        assert not written.exists(), "nothing was confirmed"
        setattr(server, fault, False)
    writer.write(1006.0)
    writer.send()
    assert server.beats == [1, 2, 3, 4, 5, 6]
    assert written.read_text() == "6\n"


def test_no_more_than_the_newest_indices_are_kept(tmp_path: Path) -> None:
    server = Memory()
    writer = Writer(server, tmp_path / "written")
    for span in range(KEPT_INDICES + 2):
        writer.write(span * INDEX_SPAN_S + 1.0)
        writer.send()
    assert server.beats == [3, 4, 5]

"""No credential gets into a record, by type or by shape."""

from __future__ import annotations

import enum
import time
import types
import typing
from datetime import date, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.actions.audit import kinds
from console.actions.audit.entry import Unwritable, fields_of
from console.actions.audit.operation import Actor, Outcome, PlannedStep
from console.actions.audit.redaction import LIMIT, NAME_LIMIT, encodable, said
from console.config.secrets import SecretHeaders
from tests.console.actions.audit.sample import confirmed, planned, written

CANARY = "c4n4ryS3cr3tT0k3n"
SHAPES = (
    f"Authorization: Bearer {CANARY}",
    f"bearer {CANARY}",
    f'{{"password": "{CANARY}"}}',
    f"PGPASSWORD={CANARY} psql",
    f"token = '{CANARY} with blanks'",
    f"--api-key={CANARY}",
    f"x-api-key: {CANARY}",
    f"Cookie: session={CANARY}; a=b",
    f"https://anna:{CANARY}@git.example/x",
    f"https://hooks.example/services?sig={CANARY}&x=1#y",
    f"https://example/#{CANARY}",
    f"eyJhbGciOi{CANARY}.eyJ{CANARY}.{CANARY}",
    f"ghp_{CANARY}{CANARY}",
    f"xoxb-{CANARY}",
    f"-----BEGIN EC PRIVATE KEY-----\n{CANARY}\n-----END EC PRIVATE KEY-----",
    f"-----BEGIN PRIVATE KEY-----\n{CANARY}",
    f"Basic {CANARY}==",
    f"client_secret={CANARY}",
)


@pytest.mark.parametrize("text", SHAPES)
def test_what_has_the_shape_of_a_credential_is_hidden(text: str) -> None:
    assert CANARY not in said(f"it failed: {text}")
    assert CANARY not in said("x" * (LIMIT - 30) + " " + text)


@pytest.mark.parametrize("text", SHAPES)
async def test_none_of_them_reaches_the_disk_through_any_field_of_free_words(tmp_path: Path, text: str) -> None:
    entries = (
        planned(), confirmed(reason=text, ticket=text),
        kinds.StepDone(op="op-1", step=1, outcome=Outcome.FAILURE, answer=text), kinds.StepUnknown(op="op-1", step=1, reason=text),
        kinds.ReadBack(op="op-1", step=1, found=kinds.Found.UNCLEAR, answer=text), kinds.Refused(op="op-1", guard="g", reason=text),
        kinds.Verified(op="op-1", outcome=Outcome.UNKNOWN, reason=text), kinds.UndoOffered(op="op-1", reason=text),
    )  # fmt: skip
    path = await written(tmp_path / "audit", *entries)
    assert CANARY.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "disk pressure on worker-3, see OPS-1234",
        "Error from server (Conflict): Operation cannot be fulfilled on deployments.apps \"packager\"",
        "HTTP 429 Too Many Requests, retry after 10 s",
        "https://grafana.example/d/abc/streams",
        "naïve ✓ 日本語",
    ],
)
def test_ordinary_words_stay_as_they_are(text: str) -> None:
    assert said(text) == text


@given(st.text(max_size=400))
def test_words_that_were_kept_once_stay_the_same(text: str) -> None:
    once = said(text)
    assert said(once) == once
    once.encode()


def test_long_words_end_in_a_mark_and_half_characters_become_whole() -> None:
    assert len(said("word " * 10_000)) == LIMIT and said("word " * 10_000).endswith("…")
    assert encodable("a\ud800b") == "a�b"
    assert said("\ud83d\ude00") == "😀"


def test_a_flood_of_almost_credentials_is_looked_at_in_time() -> None:
    began = time.process_time()
    for text in ("a:" * 50_000, "token" * 20_000, "x" * 100_000, "http://" * 20_000, "password=" * 20_000, "-----BEGIN " * 9000):
        said(text)
    assert time.process_time() - began < 1.0


def test_a_value_that_is_to_be_restored_is_kept_whole_or_not_at_all() -> None:
    with pytest.raises(ValueError, match="old has 513 characters"):
        PlannedStep(what="scale", target="t", old="x" * (NAME_LIMIT + 1))
    assert len(Actor(name="x" * 10_000).name) == NAME_LIMIT


def test_no_field_of_any_record_can_hold_whatever_one_likes() -> None:
    closed = (str, int, bool, type(None), datetime, date)

    def walk(kind: object, path: str) -> None:
        origin, arguments = typing.get_origin(kind), typing.get_args(kind)
        if origin in (typing.Union, types.UnionType, tuple, typing.Literal):
            for each in arguments:
                if each is not Ellipsis and origin is not typing.Literal:
                    walk(each, path)
        elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            for name, each in typing.get_type_hints(kind).items():
                if name in kind.__struct_fields__:
                    walk(each, f"{path}.{name}")
        else:
            assert kind in closed or (isinstance(kind, type) and issubclass(kind, enum.Enum)), path

    for kind in typing.get_args(kinds.Known):
        walk(kind, kind.__name__)


def test_the_headers_of_a_client_have_nowhere_to_go() -> None:
    headers = SecretHeaders({"Authorization": CANARY})
    with pytest.raises(Unwritable, match="cannot be recorded") as refused:
        fields_of(kinds.UndoOffered(op="op-1", reason=headers))  # type: ignore[arg-type]
    assert CANARY not in str(refused.value)

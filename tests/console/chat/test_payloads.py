"""What the services are given: within every limit, and with nothing in it that a service would act upon, whatever the data say."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.chat import feishu, slackblocks
from console.chat.composing import composed
from console.chat.elsewhere import TEXT
from console.chat.inert import inert
from console.chat.message import Line, Message, Section, as_text, fitted, late
from console.model.severity import Severity
from console.redaction.redactor import Redactor
from tests.chat.feishu import texts as texts_of_card
from tests.chat.feishu import wrong_with_card
from tests.chat.slack import texts, wrong_with_blocks
from tests.console.rows.test_digest import taken

NASTY = [
    "<!channel>", "<!here|x>", "<@U0123456>", "<!subteam^S01>", "@all", "@everyone", "@here", "＠all", "<at user_id=\"all\">all</at>",
    "<at id=all></at>", "[click](http://evil.example)", "<http://evil.example|bank>", "https://evil.example/x", "www.evil.example",
    "`rm -rf`", "```x```", "*bold*", "_it_", "~gone~", "||spoiler||", "&lt;!channel&gt;", "&amp;", "<!\u200bchannel>", "@\u200ball",
    "\u202ealla@", "@\u2060here", "<a href='x'>y</a>", "\x1b]52;c;aGk=\x07", "\n\n# head", ":rotating_light:", "javascript://x", "\\\\host\\x",
]  # fmt: skip
HOSTILE = st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=40), st.sampled_from(["x" * 900, "漢" * 900, "👩‍👩‍👧" * 40, '"\\' * 100])), max_size=8).map(" ".join)
# What anything at all would act upon, in any of the services that are spoken to.
ACTED_UPON = re.compile(r"<[!@#a-zA-Z/]|@\w|://|`|\]\(|(?i:www\.)|\*\w|~\w|\|\||[\u200b-\u200f\u202a-\u202e\u2060-\u2069\x00-\x09\x0b-\x1f\x7f-\x9f]")


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Many lines out of few texts: what is drawn one by one takes long."""
    pool = draw(st.lists(HOSTILE, min_size=1, max_size=5))
    rng = random.Random(draw(st.integers(0, 2**32)))

    made: dict[tuple[str, int], str] = {}

    def told(limit: int) -> str:
        text = rng.choice(pool)
        if (text, limit) not in made:
            made[text, limit] = inert(Redactor()(text, limit), limit)
        return made[text, limit]

    sections = tuple(
        Section(told(40) or "S", tuple(Line(told(300) or "-", rng.randint(0, 900)) for _ in range(rng.randint(1, 8))))
        for _ in range(draw(st.integers(0, 60)))
    )
    return Message(
        id="mw-0123456789ab", head=told(200) or "head", severity=rng.choice([each.value for each in Severity]),
        taken_at=datetime(2026, 11, 22, tzinfo=UTC), sections=sections, how=told(200),
    )  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(message=messages(), late_s=st.sampled_from([0.0, 250.0, 1e6]))
def test_whatever_the_data_say_the_limits_hold_and_no_mention_survives(message: Message, late_s: float) -> None:
    said = slackblocks.said(message, late_s)
    assert wrong_with_blocks(said["blocks"]) == "" and 0 < len(said["text"]) < 40_000
    assert "<" not in said["text"] and ">" not in said["text"]
    card = feishu.card(message, late_s)
    body = msgspec.json.encode({"timestamp": "1700000000", "sign": "x" * 44, "msg_type": "interactive", "card": card})
    assert wrong_with_card(json.loads(body), {}) == "" and len(body) <= 20_000
    plain = as_text(fitted(message, lambda each: len(as_text(each, late_s)) <= TEXT), late_s)
    assert len(plain) <= TEXT
    for text in (*texts(said["blocks"]), *texts_of_card(card), plain, said["text"]):
        assert not ACTED_UPON.search(text), ACTED_UPON.search(text)
        assert message.id in plain
    assert message.id in "\n".join(texts(said["blocks"])) and message.id in "\n".join(texts_of_card(card))


@settings(max_examples=150, deadline=None)
@given(HOSTILE)
def test_inert_text_is_one_line_acts_on_nothing_and_stays_as_it_is(text: str) -> None:
    told = inert(text)
    assert not ACTED_UPON.search(told) and "\n" not in told and inert(told) == told


def test_names_of_the_field_are_left_readable() -> None:
    for name in ("egress_lhr", "live/packager-emea-7c9d8b5f6d-x2k40", "INC-7f3a", "rebuffer 3.41 %", "1.6 T", "C++", "a & b"):
        assert inert(Redactor()(name)) == name
    assert inert("segment <N> late by <T> s at http://origin:8080/x") == "segment ‹N› late by ‹T› s at http[:]//origin:8080/x"


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("GET https://user:p@ss/w%rd@host.example/live/x.m3u8?token=abc&y=1", ["p@ss", "w%rd", "abc", "user:"]),
        ("hdnts in path /live/hdnts=exp=17~acl=/*~hmac=0a1b2c3d/x at http://h/a=0a1b2c3d;x", ["a=0a1b2c3d"]),
        ("Authorization: Bearer abc.def-ghi", ["abc.def-ghi"]),
        ("password=hunter2secret next", ["hunter2secret"]),
        ('{"api_key": "k-12345678"}', ["k-12345678"]),
        ("xoxb-123456789012-abcdef", ["123456789012-abcdef"]),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig", ["eyJhbGci"]),
        ("https://hooks.slack.com/services/T00/B00/aBcD", ["aBcD"]),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/0f1e2d3c-aaaa", ["0f1e2d3c"]),
        ("key kjH7dK3nd8sHq2Lm9xZ1 leaked", ["kjH7dK3nd8sHq2Lm9xZ1"]),
        ("digest 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", ["9f86d081"]),
        ("bea\u200brer abc\u200bdefgh", ["abcdefgh"]),
    ],
)
def test_what_looks_like_a_credential_is_hidden(text: str, hidden: list[str]) -> None:
    told = Redactor()(text)
    assert not any(each in told for each in hidden), told


def test_a_secret_that_is_known_is_hidden_however_it_looks_and_however_it_was_cut() -> None:
    redact = Redactor(["correct horse", "p/w+d=x"])
    for text in ("it is correct horse.", "q=correct%20horse", "q=p%2Fw%2Bd%3Dx", "said correct ho…", "correct\u200b horse", "[p/w+d=x]"):
        told = redact(text)
        assert "horse" not in told and "correct" not in told and "w+d" not in told and "w%2Bd" not in told
    assert redact.deep({"a correct horse": ["correct horse", 1, None]}) == {"a [redacted]": ["[redacted]", 1, None]}
    assert "horse" not in repr(redact)


@pytest.mark.parametrize(("seconds", "told"), [(0, ""), (59, ""), (60, "sent 1 min late"), (250, "sent 4 min late"), (8000, "sent 2 h late")])
def test_how_late(seconds: float, told: str) -> None:
    assert late(seconds) == told


async def test_the_same_data_make_the_same_message() -> None:
    assert msgspec.json.encode(composed(taken(), Redactor())) == msgspec.json.encode(composed(taken(), Redactor()))
    assert composed(taken(), Redactor()).id != composed(taken(view="streams"), Redactor()).id


async def test_the_least_important_is_left_out_first_and_counted() -> None:
    message = composed(taken(), Redactor())
    every = [line for section in message.sections for line in section.lines]
    for size in (3000, 900, 500, 250, 150):
        few = fitted(message, lambda each, size=size: len(as_text(each)) <= size)
        kept = [line for section in few.sections for line in section.lines]
        assert few.left_out == len(every) - len(kept) and len(as_text(few)) <= size
        gone = [line.rank for line in every if line not in kept]
        assert not gone or not kept or max(line.rank for line in kept) <= min(gone)
    assert "INC-7f3a" in as_text(fitted(message, lambda each: len(as_text(each)) <= 400)), "the incident goes last"


async def test_severity_is_a_word_and_no_letter_stands_for_it() -> None:
    lines = [line.text for section in composed(taken(), Redactor()).sections for line in section.lines]
    assert any(line.startswith("CRIT ") for line in lines) and any(line.startswith("UNKNOWN ") for line in lines)
    assert not any(re.match(r"[CW?] ", line) for line in lines)


# -- what is shown before ----------------------------------------------------------------------------------------------
def words(lines: str) -> list[str]:
    return [line for line in lines.split("\n") if line]


@settings(deadline=None, max_examples=40)
@given(messages())
def test_what_is_shown_before_is_every_text_that_is_sent_and_nothing_else(message: Message) -> None:
    said = slackblocks.said(message, 0.0)
    shown = slackblocks.shown(message)
    assert words(shown.text) == words("\n".join(text.rstrip("\n") for text in texts(said["blocks"])))
    assert shown.size == len(msgspec.json.encode(said))
    card = feishu.card(message)
    shown = feishu.Feishu(None, None, None, "", None).shown(message)  # type: ignore[arg-type]
    assert sorted(words(shown.text)) == sorted(words("\n".join(texts_of_card(card))))

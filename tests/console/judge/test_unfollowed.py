"""What blocking reloads showed is forgotten when none are made any more: no answer would ever take it back."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from console.judge.codes import Code
from console.judge.noted import Noted
from console.judge.parts import FOLLOWED_RUN, Parts, with_parts
from console.model.instant import Instant
from console.model.observation import Asked, MediaFacts
from console.model.remark import Remark
from console.model.severity import Severity

AT = Instant(datetime(2024, 3, 1, tzinfo=UTC), 1000.0)
FACTS = MediaFacts(4.0, 10, 8, 17, "", None, 4.0, 32.0, part_target_s=0.5, part_count=2, can_block=True)


def noted(asked: Asked) -> Noted:
    return Noted(Code.LL_BLOCK, asked, Remark("LL_BLOCK", 1.0, "held"), AT, AT, 4.0, Severity.WARN, Severity.WARN)


def test_a_standing_remark_of_reloads_is_told_for_as_long_as_reloads_are_made():
    one = noted(Asked.BLOCKED)
    assert one.is_told(AT.mono + 40.0) and not one.is_told(AT.mono + 61.0)
    again = msgspec.structs.replace(one, last=AT.plus(50.0))
    assert again.is_told(AT.mono + 61.0)


def test_that_of_polls_stands_until_a_poll_takes_it_back():
    assert noted(Asked.MEDIA).is_told(AT.mono + 1e6)


def _followed(held_s: float) -> Parts:
    at, parts = AT, None
    for count in range(3, 3 + FOLLOWED_RUN):
        at = at.plus(0.5)
        parts = with_parts(parts, msgspec.structs.replace(FACTS, part_count=count), at.mono - held_s, at, True, 0.0)
    assert parts is not None
    return parts


def test_a_poll_that_shows_a_part_first_ends_the_following_only_where_reloads_are_held():
    grown = msgspec.structs.replace(FACTS, part_count=9)
    for held_s, is_followed in ((0.49, False), (0.02, True)):
        parts = _followed(held_s)
        at = parts.at.plus(0.4)
        after = with_parts(parts, grown, at.mono - 0.02, at, False, 0.0)
        assert after is not None and (after.run > 0) is is_followed, held_s


def test_a_reload_that_was_held_waited_for_the_first_part_of_what_it_brought():
    parts = msgspec.structs.replace(_followed(0.49), run=FOLLOWED_RUN)
    whole = msgspec.structs.replace(FACTS, newest_sequence=18, media_sequence=11, part_count=0)
    at = parts.at.plus(3.0)
    once = with_parts(parts, whole, parts.at.mono + 0.01, at, True, 0.0)
    assert once is not None and once.latest is Severity.CRIT and once.late is Severity.OK  # one may be the network's
    next_one = msgspec.structs.replace(whole, newest_sequence=19, media_sequence=12)
    twice = with_parts(once, next_one, at.mono + 0.01, at.plus(3.0), True, 0.0)
    assert twice is not None and twice.late is Severity.CRIT

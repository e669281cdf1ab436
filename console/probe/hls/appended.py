"""The usual answer of a live playlist, read quickly: the copy before, some segments less in front and some more at the end.

Its head is the same but for the MEDIA-SEQUENCE, the segments that both list are the same bytes, and each new one is an EXTINF,
a URI and perhaps a date. Whatever else there is (a tag between segments, an ENDLIST, a low-latency part) is left to the reader
that knows them all; for what is taken here, both read the same.
"""

from __future__ import annotations

import re

import msgspec

from console.probe.hls.attributes import whole
from console.probe.hls.limits import LARGEST_SEQUENCE
from console.probe.hls.media import Anchor, Form, Jump, Media
from console.probe.hls.overlap import ends_of
from console.probe.hls.segments import check_uris, durations_of, unix
from console.probe.hls.summary import moment, named, starts_at
from console.probe.hls.timeline import timeline

_SEQUENCE = "#EXT-X-MEDIA-SEQUENCE:"
_ONE = r"(?:#EXT-X-PROGRAM-DATE-TIME:([^\n]*)\n)?+#EXTINF:([^,\n]+)[^\n]*\n([^#\n][^\n]*)\n"
_SEGMENT = re.compile(_ONE)
_SEGMENTS = re.compile(f"(?:{_ONE})++")
_NEW_LIMIT = 8  # more at once are read in columns


def appended(text: str, url: str, before: Media) -> Media | None:
    """The copy, or None when it has to be read in full. Raises ValueError and PlaylistError as the full reading does."""
    form = form_of(before)
    if form is None or not text.startswith(form.lead):
        return None
    at = text.find("\n", len(form.lead))
    digits = text[len(form.lead) : at]
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19) or not text.startswith(form.rest, at):
        return None
    sequence = whole("EXT-X-MEDIA-SEQUENCE", digits)
    place = sequence - before.sequence
    if not 0 <= place < len(before.uris) - 1:
        return None
    begins, ends = at + len(form.rest), before.ends
    since = ends[place - 1] if place else form.begins
    if not text.startswith(before.text[since:], begins):
        return None
    return _grown(text, url, before, form, sequence, begins, begins - since)


def form_of(media: Media) -> Form | None:
    """How a copy is written, when it is written so that the next may be read here."""
    if not media.form:
        media.form.append(_form(media))
    return media.form[0]


def _form(media: Media) -> Form | None:
    text, facts = media.text, media.facts
    if not text or len(media.uris) < 2 or facts.has_endlist or facts.part_count or media.skipped or media.is_partial:
        return None
    if media.discontinuities or media.gaps or media.ranges or media.jumps or media.parts or media.part_lines:
        return None
    if media.hint is not None or media.reports or media.variables:
        return None
    for runs in (media.keys, media.maps):
        if runs and (len(runs) > 1 or runs[0][0] != media.sequence):
            return None
    first = text.find("\n#EXTINF:") + 1
    dated = text.rfind("\n", 0, max(0, first - 1)) + 1
    begins = dated if text.startswith("#EXT-X-PROGRAM-DATE-TIME:", dated) else first
    at = text.find(_SEQUENCE, 0, begins)
    if not first or at < 0 or text.find(_SEQUENCE, at + 1, begins) >= 0 or (at and text[at - 1] != "\n"):
        return None
    if text.find("#EXT-X-PROGRAM-DATE-TIME:", 0, begins) >= 0:
        return None
    if (read := _SEGMENTS.match(text, begins)) is None or read.end() != len(text) or ends_of(media)[-1] != len(text):
        return None
    value = at + len(_SEQUENCE)
    return Form(text[:value], text[text.find("\n", value) : begins], begins)


def _grown(text: str, url: str, before: Media, form: Form, sequence: int, begins: int, shift: int) -> Media | None:
    """`begins`: where the segments do in `text`; `shift`: how much further than in the text before those of both stand."""
    place = sequence - before.sequence
    resume_at = ends = before.ends[-1] + shift
    uris: list[str] = []
    extinfs: list[str] = []
    dates: list[float | None] = []
    tail_ends: list[int] = []
    while ends < len(text):
        one = _SEGMENT.match(text, ends)
        if one is None or len(uris) >= _NEW_LIMIT:
            return None
        date, extinf, uri = one.groups()
        uris.append(uri)
        extinfs.append(extinf)
        dates.append(unix(date) if date is not None else None)
        ends = one.end()
        tail_ends.append(ends)
    if text.find("{$", resume_at) >= 0 or (before.anchor is None and any(date is not None for date in dates)):
        return None
    check_uris(uris)
    durations = [*before.durations[place:], *durations_of(extinfs)]
    dated = [*before.dates[place:], *dates]
    count = len(durations)
    if sequence + count > LARGEST_SEQUENCE:
        return None
    jumps: tuple[Jump, ...] = ()
    anchor: Anchor | None = None
    if before.anchor is not None:
        jumps, anchor = timeline(
            sequence, dated, durations, (), len(before.uris) - place, before.anchor, before.decimals
        )
    listed = [*before.uris[place:], *uris]
    facts = msgspec.structs.replace(
        before.facts,
        media_sequence=sequence,
        segment_count=count,
        newest_sequence=sequence + count - 1,
        newest_uri=named(url, listed[-1], {}),
        newest_ends_at=moment(anchor.date_s + anchor.since_s) if anchor is not None else None,
        longest_extinf_s=max(durations),
        window_s=sum(durations),
        first_starts_at=starts_at(sequence, dated, durations, ()) if anchor is not None else None,
    )
    return msgspec.structs.replace(
        before,
        facts=facts,
        base_url=url,
        text=text,
        sequence=sequence,
        uris=listed,
        durations=durations,
        dates=dated,
        keys=((sequence, before.keys[0][1]),) if before.keys else (),
        maps=((sequence, before.maps[0][1]),) if before.maps else (),
        jumps=jumps,
        anchor=anchor,
        ends=[*[end + shift for end in before.ends[place:]], *tail_ends],
        form=[] if jumps else [Form(form.lead, form.rest, begins)],
        is_appended=True,
    )

"""A body in, a master playlist or one copy of a media playlist out.

Strict in one place: a playlist begins with `#EXTM3U` (RFC 8216 4.3.1.1); a library for HLS takes an HTML page for an empty one.
Unknown tags are passed over. When the copy before is given and the bytes of the segments that both list are the same, only the
head, the first segment and the new tail are read, and the lists of the copy before are cut to fit; of the usual live playlist
not even the head (`appended.py`).
"""

from __future__ import annotations

from console.probe.hls.appended import appended
from console.probe.hls.assembled import assembled
from console.probe.hls.define import Variables
from console.probe.hls.limits import BODY_LIMIT, PlaylistError
from console.probe.hls.master import MasterFacts, master, name_of
from console.probe.hls.media import Media
from console.probe.hls.overlap import NOTHING, aligned, skipped
from console.probe.hls.redacted import redacted
from console.probe.hls.segments import BLOCK, Draft

__all__ = ["BODY_LIMIT", "MasterFacts", "PlaylistError", "name_of", "read"]

_BOM = b"\xef\xbb\xbf"


def read(body: bytes, base_url: str, imported: Variables | None = None, before: Media | None = None) -> MasterFacts | Media:
    """What the body says. `imported` are the variables of the master, `before` the copy of the same playlist that came before.
    Raises PlaylistError, and nothing else, for every other body.
    """
    if len(body) > BODY_LIMIT:
        raise PlaylistError(f"{len(body)} bytes, the limit is {BODY_LIMIT}", is_playlist=False)
    if body.startswith(_BOM):
        body = body[len(_BOM) :]
    if not body.startswith(b"#EXTM3U") or body[7:8] not in (b"", b"\r", b"\n", b" ", b"\t"):
        raise PlaylistError(_first_line(body), is_playlist=False)
    try:
        text = _stripped(body.decode("latin-1"))
        if before is not None and (grown := appended(text, base_url, before)) is not None:
            return grown
        if "\n#EXT-X-STREAM-INF:" in text:
            return master(text, base_url, imported or {})
        return _media(text, base_url, imported or {}, before)
    except (ValueError, OverflowError) as error:
        raise PlaylistError(str(error)[:200], is_playlist=True) from error


def _first_line(body: bytes) -> str:
    line = body.lstrip()[:200].split(b"\n", 1)[0].decode("ascii", "replace").strip()
    return redacted(line) or "an empty body"


def _stripped(text: str) -> str:
    """One line ending, no blanks around lines, a line ending at the end; the usual body already is so."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    has_blanks = " " in text or "\t" in text  # one character is looked for much quicker than two
    if has_blanks and ("\n " in text or " \n" in text or "\n\t" in text or "\t\n" in text or text[-1] in " \t"):
        text = "\n".join(line.strip(" \t") for line in text.split("\n"))
    return text if text.endswith("\n") else text + "\n"


def _media(text: str, url: str, imported: Variables, before: Media | None) -> Media:
    draft = Draft(url, imported, before)
    first = BLOCK.match(text)
    if first is None:  # cannot be: every piece of the expression is optional
        raise ValueError("no line of it can be read")
    draft.take([first.groups("")])  # type: ignore[list-item]  # four groups are a Block
    draft.is_head = False
    kept, is_partial = NOTHING, False
    if draft.skipped:
        found = skipped(before, draft)
        kept, is_partial = found or NOTHING, found is None
        draft.take(BLOCK.findall(text, first.end()))
    elif before is not None and draft.next is not None and (found := aligned(before, text, first.end(), draft)):
        kept = found
        draft.carry(before, before.newest)
        draft.next += kept.end - kept.begin
        tail = list(BLOCK.finditer(text, kept.resume_at))
        draft.take([each.groups("") for each in tail])  # type: ignore[misc]
        kept = kept._replace(tail_ends=tuple(each.end() for each in tail if each[2] and each[4]))
    else:
        draft.take(BLOCK.findall(text, first.end()))
    draft.finish()
    return assembled(text, url, draft, before, kept, is_partial)

"""One playlist over time: the surface of this room.

    reader = Reader()
    taken = reader.take(body, url, now, is_retry=..., imported=master.variables)   # raises PlaylistError
    taken = reader.again(now, is_retry=...)                                        # of a 304

`url` is where the answer came from, with its query (the base of relative URIs, and what EXT-X-DEFINE:QUERYPARAM reads).
`now` is when the answer was complete. `is_retry` marks the re-fetch that confirms what the last answer showed.
`taken.master` is a `MasterFacts` when the body was a master playlist (then there is neither facts nor media); else

- `taken.facts`    MediaFacts to tell; its `newest_uri` is already free of credentials and query
- `taken.media`    the `Media` with everything the prober itself needs: `media.listed(index)` gives sequence, URL to fetch,
                   EXTINF, byte range, keys and map of one segment (index -1: the newest), `media.keys_in_use` the keys
- `taken.remarks`  standing remarks of this copy, and events between it and the copy before
- `taken.is_unchanged`  the same bytes as last time

The rule for events (`console.model.remark`): an answer is compared with the newest copy before it; when that showed an event,
the older copy is kept until the next answer. A re-fetch (`is_retry`) is compared with that same older copy, so that it says the
event once more or takes it back; the next ordinary answer is compared with the newest copy and the event is told no more.
So the prober should re-fetch at once when `taken.wants_retry`, which is True when an ordinary answer showed an event.
A sequence that went back voids the comparison: no events, and what was learned is forgotten.
A Reader is for one playlist at one vantage and belongs to one loop; it holds at most two copies.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from console.model.observation import MediaFacts
from console.model.remark import Remark
from console.probe.hls.define import Variables
from console.probe.hls.delta import misfit
from console.probe.hls.differences import compared, is_older
from console.probe.hls.limits import PlaylistError
from console.probe.hls.master import MasterFacts
from console.probe.hls.media import Media
from console.probe.hls.playlist import read
from console.probe.hls.remarks import future, standing


class Taken(msgspec.Struct, frozen=True):
    """What one answer gave: a master, or a media playlist with its facts."""

    master: MasterFacts | None = None
    media: Media | None = None
    facts: MediaFacts | None = None
    remarks: tuple[Remark, ...] = ()
    is_unchanged: bool = False
    wants_retry: bool = False


class Reader:
    """Mutable on purpose: it belongs to one target of the prober."""

    def __init__(self) -> None:
        self._body: bytes | None = None  # of the newest answer that could be read
        self._url = ""
        self._master: MasterFacts | None = None
        self._media: Media | None = None  # the newest copy
        self._seen_at: datetime | None = None  # when its newest segment was first seen
        self._older: Media | None = None  # what the last ordinary answer was compared with, while that is to be confirmed
        self._older_seen_at: datetime | None = None
        self._standing: tuple[Remark, ...] = ()
        self._events: tuple[Remark, ...] = ()  # of the last ordinary answer
        self._has_slid = False
        self._has_changed = False

    @property
    def media(self) -> Media | None:
        """The newest copy, None before the first and for a master."""
        return self._media

    def take(
        self, body: bytes, url: str, now: datetime, is_retry: bool = False, imported: Variables | None = None
    ) -> Taken:
        """One answer. `now` is UTC. Raises PlaylistError, and then nothing is remembered of that body."""
        is_same = body == self._body
        if is_same and url == self._url:
            return self.again(now, is_retry)
        found = read(body, url, imported, self._media)
        if is_same:  # only signed anew: its URIs are fetched by the new signature from now on
            self._url = url
            self._master, self._media = (found, None) if isinstance(found, MasterFacts) else (None, found)
            return self.again(now, is_retry)
        self._body, self._url = body, url
        if isinstance(found, MasterFacts):
            self._master, self._media = found, None
            self._older, self._events = None, ()
            return Taken(master=found)
        self._master = None
        if found.is_partial:
            return self._misfitting(found, now, is_retry)
        return self._compared(found, now, is_retry)

    def again(self, now: datetime, is_retry: bool = False) -> Taken:
        """The same as last time: a 304, or the same bytes. Raises PlaylistError when nothing was read yet."""
        events = self._events if is_retry else ()
        self._events = ()
        self._older = None
        if self._master is not None:
            return Taken(master=self._master, is_unchanged=True)
        if self._media is None:
            raise PlaylistError("the answer says that nothing has changed, and nothing was read before", is_playlist=False)
        return self._taken(self._media, now, events, is_unchanged=True, is_retry=is_retry)

    def _compared(self, media: Media, now: datetime, is_retry: bool) -> Taken:
        confirms = is_retry and self._older is not None
        before = self._older if confirms else self._media
        seen_at = self._older_seen_at if confirms else self._seen_at
        events: tuple[Remark, ...] = ()
        is_void = before is not None and is_older(before, media)
        if is_void:
            self._has_slid = self._has_changed = False
        elif before is not None:
            elapsed_s = max(0.0, (now - seen_at).total_seconds()) if seen_at is not None else 0.0
            events = compared(before, media, elapsed_s) if confirms or not media.is_appended else ()
            if any(event.code == "SEQ_JUMP" for event in events):
                self._has_slid = False
            elif media.sequence > before.sequence:
                self._has_slid = True
            self._has_changed = self._has_changed or self._has_slid or media.newest != before.newest
        misfitting = misfit(media)
        if misfitting is not None:
            events = (*events, misfitting)
        if is_retry or not (events or is_void):
            self._older = self._older_seen_at = None
        else:
            self._older, self._older_seen_at = before, seen_at
        if self._media is None or self._media.newest != media.newest:
            self._seen_at = now
        self._media = media
        self._events = () if is_retry else events
        self._standing = standing(media, self._has_slid, self._has_changed)
        return self._taken(media, now, events, is_unchanged=False, is_retry=is_retry)

    def _misfitting(self, media: Media, now: datetime, is_retry: bool) -> Taken:
        """A delta that fits nothing is told and not remembered: the next whole playlist is compared with the copy before it."""
        remark = misfit(media)
        self._body = None
        events = (remark,) if remark is not None else ()
        return Taken(media=media, facts=media.facts, remarks=events, wants_retry=not is_retry)

    def _taken(self, media: Media, now: datetime, events: tuple[Remark, ...], is_unchanged: bool, is_retry: bool) -> Taken:
        ahead = future(media, now)
        remarks = (*self._standing, *((ahead,) if ahead is not None else ()), *events)
        return Taken(
            media=media,
            facts=media.facts,
            remarks=remarks,
            is_unchanged=is_unchanged,
            wants_retry=bool(events) and not is_retry,
        )

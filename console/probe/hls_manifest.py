"""HLS behind the seam of `manifest.py`: one playlist, master or media, over time."""

from __future__ import annotations

import re
from collections.abc import Mapping

from console.model.observation import MediaFacts
from console.model.remark import Remark
from console.probe.address import printable
from console.probe.fetch import Answer
from console.probe.hls.limits import PlaylistError
from console.probe.hls.master import MasterFacts
from console.probe.hls.media import Listed as HlsListed
from console.probe.hls.media import Media
from console.probe.hls.reader import Reader, Taken
from console.probe.listed import ByteRange, Init, KeyTag, Listed
from console.probe.manifest import Manifest, Unreadable

LEAST_WINDOW = 3  # segments
_RANGE = re.compile(r"(\d{1,15})(?:@(\d{1,15}))?\Z")


class HlsReader:
    """Implements `manifest.ManifestReader`."""

    is_dash = False

    def __init__(self) -> None:
        self._reader = Reader()

    def clock(self) -> None:
        """A playlist names no time source."""

    def take(self, answer: Answer, is_retry: bool, variables: Mapping[str, str]) -> Manifest:
        """Raises Unreadable."""
        try:
            if answer.status == 304:
                taken = self._reader.again(answer.at.utc, is_retry=is_retry)
            else:
                taken = self._reader.take(
                    answer.body, answer.url, answer.at.utc, is_retry=is_retry, imported=variables
                )
        except PlaylistError as error:
            raise Unreadable(printable(str(error)), error.is_playlist) from error
        return _manifest(taken)


class HlsTrack:
    """Implements `manifest.Track`."""

    def __init__(self, taken: Taken, media: Media, facts: MediaFacts) -> None:
        self._media = media
        self.facts = facts
        self.remarks: tuple[Remark, ...] = taken.remarks

    @property
    def media(self) -> Media:
        """What only HLS has: for low latency."""
        return self._media

    def newest(self, count: int) -> tuple[Listed, ...]:
        """An entry whose URL cannot be read is left out; the reader's remarks are where that is told."""
        found: list[Listed] = []
        is_independent = self._is_independent()
        for index in range(-min(count, len(self._media.uris)), 0):
            try:
                found.append(_listed(self._media.listed(index), is_independent))
            except PlaylistError:
                continue
        return tuple(found)

    def _is_independent(self) -> bool:
        """EXT-X-INDEPENDENT-SEGMENTS stands before the segments; looked for only when one is to be read."""
        text = self._media.text
        return text.find("\n#EXT-X-INDEPENDENT-SEGMENTS\n", 0, max(0, text.find("\n#EXTINF:")) + 1) >= 0

    def oldest(self) -> Listed | None:
        """The first that a live playlist lists; None where it is as good as the newest. What left is `departed.py`'s."""
        if self.facts.has_endlist or self.facts.segment_count < LEAST_WINDOW:
            return None
        try:
            return _listed(self._media.listed(0))
        except PlaylistError:
            return None

    def keys(self) -> tuple[KeyTag, ...]:
        """Those in force for the newest segment."""
        keys: list[KeyTag] = []
        for key in self._media.keys_in_use:
            try:
                if key.is_fetched and not key.fault:
                    keys.append(KeyTag(key.method, self._media.url_of(key.uri), key.keyformat))
            except PlaylistError:
                continue
        return tuple(keys)


def _manifest(taken: Taken) -> Manifest:
    if taken.master is not None:
        return Manifest(
            variants=taken.master.variants,
            remarks=taken.remarks,
            session_keys=_session_keys(taken.master),
            variables=taken.master.variables,
            is_unchanged=taken.is_unchanged,
        )
    assert taken.media is not None and taken.facts is not None
    return Manifest(track=HlsTrack(taken, taken.media, taken.facts), is_unchanged=taken.is_unchanged)


def _session_keys(master: MasterFacts) -> tuple[KeyTag, ...]:
    keys: list[KeyTag] = []
    for key in master.session_keys:
        try:
            if key.is_fetched and not key.fault:
                keys.append(KeyTag(key.method, master.key_url(key), key.keyformat))
        except PlaylistError:
            continue
    return tuple(keys)


def _listed(one: HlsListed, is_independent: bool = False) -> Listed:
    """Raises PlaylistError only through its argument's making."""
    method = next((key.method for key in one.keys if key.method != "NONE"), "")
    init = Init(one.map_url, _within(one.map_byterange)) if one.map_url else None
    whole = one.byterange
    return Listed(
        sequence=one.sequence,
        url=one.url if whole is None or whole[1] is not None else "",
        extinf_s=one.extinf_s,
        byte_range=ByteRange(whole[1], whole[0]) if whole is not None and whole[1] is not None else None,
        is_gap=one.is_gap,
        init=init,
        method=method,
        is_independent=is_independent,
    )


def _within(text: str) -> ByteRange | None:
    matched = _RANGE.match(text.strip())
    return ByteRange(int(matched[2] or 0), int(matched[1])) if matched is not None and int(matched[1]) else None

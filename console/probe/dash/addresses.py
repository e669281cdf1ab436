"""The URLs of segments: BaseURL chains and SegmentTemplate's `$...$`."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from console.probe.dash.errors import MpdError
from console.probe.dash.manifest import Addressing, Track

URL_LIMIT = 4096  # characters
_WIDEST = 20  # digits of %0Nd
_IDENTIFIER = re.compile(r"\$(?:(RepresentationID|Number|Time|Bandwidth|SubNumber)(?:%0(\d{1,3})[dxXo])?)?\$")


def resolved(base: str, reference: str) -> str:
    """A reference against its base. Raises MpdError when the two make no URL."""
    if len(reference) > URL_LIMIT:
        raise MpdError(f"a URL of {len(reference)} characters")
    try:
        url = urljoin(base, reference.strip())
    except ValueError as error:
        raise MpdError(f"a URL that cannot be read: {error}") from None
    if len(url) > URL_LIMIT:
        raise MpdError(f"a URL of {len(url)} characters")
    return url


def filled(template: str, track: Track, number: int, time: int) -> str:
    """The template with its identifiers filled in (ISO/IEC 23009-1, 5.3.9.4.4). `$$` is a dollar sign; what is no identifier
    stays as it is.
    """
    values: dict[str, int] = {"Number": number, "Time": time, "Bandwidth": track.bandwidth_bps, "SubNumber": 1}

    def of(match: re.Match[str]) -> str:
        name, width = match[1], match[2]
        if name is None:
            return "$"
        if name == "RepresentationID":
            return track.id
        return str(values[name]).zfill(min(int(width or 0), _WIDEST))

    return _IDENTIFIER.sub(of, template)


def segment_url(track: Track, index: int, number: int, time: int) -> str:
    """The URL of one segment; `index` counts from the first that the MPD lists. "" when the MPD gives none."""
    if track.addressing is Addressing.SINGLE:
        return track.base_url
    if track.urls:
        return resolved(track.base_url, track.urls[index]) if 0 <= index < len(track.urls) else ""
    return resolved(track.base_url, filled(track.media, track, number, time)) if track.media else ""


def initialization_url(track: Track) -> str:
    """The URL of the initialization segment; "" when there is none of its own."""
    if not track.initialization:
        return ""
    return resolved(track.base_url, filled(track.initialization, track, 0, 0))

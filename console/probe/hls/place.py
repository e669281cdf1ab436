"""From a URI as it is written to the URL that is fetched, and to the one that may be told."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urljoin

from console.probe.address import shown
from console.probe.hls.attributes import as_utf8
from console.probe.hls.define import Variables, replaced
from console.probe.hls.limits import URI_LIMIT, PlaylistError
from console.probe.hls.redacted import told_url

# a file beside the playlist or below it: without dot segments, a colon or an escape it needs no rules of RFC 3986
_PLAIN = re.compile(r"([A-Za-z0-9_-][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*+)(?:\?[A-Za-z0-9_.~=&%/+-]++)?")
PLAIN_LIMIT = 512  # characters; what is longer is looked at closely


def resolved(base_url: str, uri: str, variables: Variables) -> str:
    """The URL of a URI that a playlist names. Raises PlaylistError for one that is none, or too long."""
    if len(uri) < PLAIN_LIMIT and _PLAIN.fullmatch(uri) is not None:
        return _folder(base_url.partition("?")[0])[0] + uri
    try:
        text = replaced(as_utf8(uri), variables)
        if len(text) > URI_LIMIT:
            raise ValueError(f"a URI of {len(text)} characters")
        return urljoin(base_url, text)
    except ValueError as error:
        raise PlaylistError(str(error), is_playlist=True) from error


def told(base_url: str, uri: str, variables: Variables) -> str:
    """The same without credentials, query and secret variables; at most 300 characters."""
    if len(uri) < PLAIN_LIMIT and (plain := _PLAIN.fullmatch(uri)) is not None and len(plain[1]) < 100:
        return _folder(base_url.partition("?")[0])[1] + plain[1]
    return told_url(shown(urljoin(base_url, replaced(as_utf8(uri), variables, is_told=True))))


@lru_cache(16_384)  # a fleet's playlists by turns: fewer than there are would remember none of them
def _folder(base_url: str) -> tuple[str, str]:
    """The folder of a playlist, to fetch from and to tell. Its query, which holds the token, is left to whoever asks."""
    folder = urljoin(base_url, ".")
    return folder, told_url(shown(folder)[:200])

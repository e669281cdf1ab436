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

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")  # a file beside the playlist: needs no rules of RFC 3986


def resolved(base_url: str, uri: str, variables: Variables) -> str:
    """The URL of a URI that a playlist names. Raises PlaylistError for one that is none, or too long."""
    if _PLAIN.fullmatch(uri) and len(uri) < 255:
        return _folder(base_url)[0] + uri
    try:
        text = replaced(as_utf8(uri), variables)
        if len(text) > URI_LIMIT:
            raise ValueError(f"a URI of {len(text)} characters")
        return urljoin(base_url, text)
    except ValueError as error:
        raise PlaylistError(str(error), is_playlist=True) from error


def told(base_url: str, uri: str, variables: Variables) -> str:
    """The same without credentials, query and secret variables; at most 300 characters."""
    if _PLAIN.fullmatch(uri) and len(uri) < 100:
        return _folder(base_url)[1] + uri
    return told_url(shown(urljoin(base_url, replaced(as_utf8(uri), variables, is_told=True))))


@lru_cache(2048)  # a signed URL changes with its token: more would keep tokens that nobody uses
def _folder(base_url: str) -> tuple[str, str]:
    """The folder of a playlist, to fetch from and to tell."""
    folder = urljoin(base_url, ".")
    return folder, told_url(shown(folder)[:200])

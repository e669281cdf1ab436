"""Where it is found out what a vantage's URL names: an HLS playlist, or an MPD.

Asked once per document, of its first answer that can be read; what is neither is told as HLS's reader tells it, because an
error page in place of a playlist is by far the commonest case. A further kind is added here and nowhere else. DASH's reader is
imported with the first MPD: a site without one need not wait for it.
"""

from __future__ import annotations

from console.probe.dash.document import is_mpd
from console.probe.fetch import Answer
from console.probe.hls_manifest import HlsReader
from console.probe.manifest import ManifestReader


def reader_for(answer: Answer) -> ManifestReader:
    """A fresh reader of the kind that the answer seems to be."""
    if not is_mpd(answer.body):
        return HlsReader()
    from console.probe.dash.reader import DashReader

    return DashReader()

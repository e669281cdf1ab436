"""The short way from a URI to its URL is RFC 3986's way."""

from __future__ import annotations

import random
from urllib.parse import urljoin

from console.probe.address import shown
from console.probe.hls import place
from console.probe.hls.redacted import told_url

BASES = (
    "http://h/a/b.m3u8", "http://u:p@h:8/a/b/c.m3u8?t=1/2", "https://h", "http://h/", "http://h/a/../b/c?x", "http://h/x#f?/g",
    "http://h/a/b;p=1/c.m3u8", "http://h?x=/y/z", "http://h/a@b/c.m3u8", "http://h/a//b/c",
)  # fmt: skip


def test_uris_of_all_kinds_lead_where_the_rules_say_they_do() -> None:
    chance, short = random.Random(3), 0
    for _ in range(20_000):
        base = chance.choice(BASES)
        uri = "".join(chance.choice("ab1_-./?=&%;:~") for _ in range(chance.randrange(9)))
        short += place._PLAIN.fullmatch(uri) is not None
        assert place.resolved(base, uri, {}) == urljoin(base, uri), (base, uri)
        assert place.told(base, uri, {}) == told_url(shown(urljoin(base, uri))), (base, uri)
    assert short > 1_000


def test_the_query_of_a_segment_is_fetched_and_not_told() -> None:
    base, uri = "http://h/live/index.m3u8?token=geheim", "720p/seg-7.ts?sig=geheim"
    assert place.resolved(base, uri, {}) == "http://h/live/720p/seg-7.ts?sig=geheim"
    assert place.told(base, uri, {}) == "http://h/live/720p/seg-7.ts"

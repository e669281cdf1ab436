from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.model.channel import Window
from console.model.severity import Layer
from console.sources.hls.channels import ChannelListError, load

JSON = b"""[{"name": "one", "tier": 1, "region": "emea", "services": {"package": "packager-emea"},
 "vantages": [{"name": "origin", "layer": "origin", "url": "http://o.test/m.m3u8", "connect_to": "127.0.0.1:80"}]}]"""
CSV = b"""channel,vantage,layer,url,pop,tier
one,origin,origin,http://o.test/1.m3u8,,1
one,edge-lhr,edge,http://lhr.test/1.m3u8,lhr,1
two,origin,origin,http://o.test/2.m3u8,,
"""


def test_a_json_list_and_an_object_with_channels_are_the_same():
    (one,) = load("channels.json", JSON)
    assert (one.name, one.tier, one.services) == ("one", 1, {"package": "packager-emea"})
    assert one.vantages[0].layer is Layer.ORIGIN
    assert load("c.json", b'{"channels": ' + JSON + b"}") == (one,)


def test_a_csv_has_one_vantage_a_line():
    one, two = load("channels.csv", b"\xef\xbb\xbf" + CSV.replace(b"\n", b"\r\n"))
    assert [vantage.name for vantage in one.vantages] == ["origin", "edge-lhr"]
    assert (one.tier, one.vantages[1].pop, two.tier, two.vantages[0].pop) == (1, "lhr", 2, None)


@pytest.mark.parametrize(
    ("file", "data", "words"),
    [
        ("c.json", b"{", ("c.json", "not JSON")),
        ("c.json", b'"x"', ("c.json", "neither a list")),
        ("c.json", b"[1]", ("channel 0", "not an object")),
        ("c.json", JSON.replace(b'"tier"', b'"teir"'), ("channel 0", "'teir'", "did you mean 'tier'")),
        ("c.json", JSON.replace(b'"url"', b'"ulr"'), ("channel 0, vantage 0", "did you mean 'url'")),
        ("c.json", JSON.replace(b'"layer": "origin"', b'"layer": "edgy"'), ("channel 0", "layer")),
        ("c.json", JSON.replace(b'"tier": 1', b'"tier": "1"'), ("channel 0", "tier")),
        ("c.json", JSON.replace(b'"tier": 1', b'"tier": 9'), ("channel 0", "tier")),
        (
            "c.json",
            JSON.replace(b"http://o.test/m.m3u8", b"file:///etc/passwd"),
            ("channel 0", "'origin'", "'url'"),
        ),
        ("c.json", JSON.replace(b"127.0.0.1:80", b"127.0.0.1"), ("channel 0", "'connect_to'", "not ip:port")),
        ("c.json", JSON.replace(b'"one"', b'""'), ("channel 0", "'name'")),
        ("c.json", JSON[:-1] + b"," + JSON[1:], ("channel 1", "'one'", "channel 0")),
        ("c.csv", b"", ("'channel' is missing",)),
        ("c.csv", CSV.replace(b"layer", b"layr", 1), ("unknown column 'layr'", "did you mean 'layer'")),
        ("c.csv", CSV.replace(b",edge,", b",egde,"), ("row 1", "'egde'")),
        ("c.csv", CSV.replace(b"two,", b","), ("row 2", "'channel' is empty")),
        ("c.csv", b"\xff\xfe", ("not UTF-8",)),
    ],
)
def test_an_error_names_file_index_and_key(file: str, data: bytes, words: tuple[str, ...]):
    with pytest.raises(ChannelListError) as caught:
        load(file, data)
    for word in (file, *words):
        assert word in str(caught.value)


def scheduled(*windows: tuple[str, str], key: str = "schedule") -> bytes:
    listed = ", ".join(f'{{"start": "{start}", "end": "{end}"}}' for start, end in windows)
    return JSON.replace(b'"tier"', f'"{key}": [{listed}], "tier"'.encode())


@pytest.mark.parametrize("key", ["schedule", "maintenance"])
def test_windows_are_read_in_utc_and_in_their_order(key: str):
    data = scheduled(
        ("2026-05-02T20:00:00+02:00", "2026-05-02T22:00:00+02:00"), ("2026-05-01T18:00:00", "2026-05-01T20:00:00Z"), key=key
    )
    (one,) = load("c.json", data)
    assert getattr(one, key) == tuple(
        Window(datetime(2026, 5, day, 18, tzinfo=UTC), datetime(2026, 5, day, 20, tzinfo=UTC)) for day in (1, 2)
    )
    (plain,) = load("c.json", JSON)
    assert getattr(plain, key) == ()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (scheduled(("2026-05-02T20:00:00Z", "2026-05-02T20:00:00Z")), ("'schedule', window 0", "ends before it starts")),
        (scheduled(("yesterday", "today")), ("channel 0", "schedule")),
        (scheduled(("0001-01-01T00:00:00+05:00", "0001-01-01T00:00:00")), ("'schedule', window 0",)),
        (scheduled(*[("2026-05-02T20:00:00Z", "2026-05-02T21:00:00Z")] * 1001), ("1001 windows",)),
        (JSON.replace(b'"tier"', b'"schedule": "always", "tier"'), ("channel 0", "schedule")),
    ],
)
def test_windows_that_cannot_be_used_are_named(data: bytes, words: tuple[str, ...]):
    with pytest.raises(ChannelListError) as raised:
        load("c.json", data)
    assert all(word in str(raised.value) for word in words)

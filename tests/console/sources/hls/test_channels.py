from __future__ import annotations

import pytest

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

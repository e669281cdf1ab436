"""What is wrong with a table that steers traffic is told before anything is steered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

SITE = '[sites.a.prometheus]\nurl = "http://p:9090"\n[[sites.a.gauges]]\nname = "cdn own"\nused = "u"\ntotal = "t"\n'
SWITCH = """[sites.a.switches.live]
url = "https://broker.example/v1/{property}/weights?zone={zone}"
body = '{"weights": {"own": {own}, "cdn-a": {cdn-a}}, "note": {}}'
headers = { X-Zone = "{zone}" }
[sites.a.switches.live.parameters]
property = { words = ["live", "vod"], default = "live" }
zone = { least = 1, most = 4, default = "2" }
[sites.a.switches.live.targets]
own = { pointer = "/weights/own", gauge = "cdn own" }
cdn-a = { pointer = "/weights/cdn-a", most = 50 }
"""
GROUP = '[sites.a.haproxy.lb]\nbalancers = { lb-1 = "127.0.0.1:9999", lb-2 = "unix:/run/lb.sock", lb-3 = "[::1]:9" }\n'


def test_a_whole_switch_and_a_whole_group_load(loaded):
    site = loaded(SITE + GROUP + SWITCH).sites["a"]
    assert list(site.haproxy["lb"].balancers) == ["lb-1", "lb-2", "lb-3"]
    switch = site.switches["live"]
    assert switch.targets["cdn-a"].most == 50 and switch.parameters["zone"].least == 1 and switch.if_match


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("https://broker.example", "https://{zone}.example", "must not stand in the scheme or the host"),
        ("{property}/weights", "{proprety}/weights", "did you mean {property}?"),
        ("{property}/weights", "{own}/weights", "does not belong into an address"),
        ("https://broker.example", "https://ada:pw@broker.example", "must not carry user or password"),
        ('"cdn-a": {cdn-a}', '"cdn-a": 1', "does not hold the weight of cdn-a"),
        (', default = "2"', ', default = "9"', "is no integer within 1 to 4"),
        ("least = 1, most = 4", "least = 4, most = 1", "the smaller first"),
        ("least = 1, most = 4", "least = 1", "needs least and most"),
        ('words = ["live", "vod"]', 'words = ["live"], least = 1', "either one of some words"),
        ('default = "live"', 'default = "other"', "is none of its words"),
        ('words = ["live", "vod"]', 'words = ["live", ".."]', "walk about in the path"),
        ('gauge = "cdn own"', 'gauge = "cdn onw"', "did you mean `cdn own`?"),
        ('pointer = "/weights/own"', 'pointer = "weights.own"', "is no JSON pointer"),
        ('cdn-a = { pointer = "/weights/cdn-a", most = 50 }', "", "among two or more"),
        ("most = 50", "most = 0", "leaves nothing below most"),
        ("body =", 'method = "DELETE"\nbody =', "must be one of PUT, PATCH, POST"),
        ("body =", 'token = "x"\nbody =', "a secret is never written"),
        ("body =", "retry = 3\nbody =", "unknown key"),
        ("body =", "expected_status = [302]\nbody =", "must be at most 299"),
        ('headers = { X-Zone = "{zone}" }', 'headers = { Authorization = "x" }', "carries a secret"),
        ("property = { words", "own = { words", "a placeholder would mean both"),
        ("zone = { least", "spare = { words = [\"a\"] }\nzone = { least", "is used nowhere"),
    ],
)
def test_a_switch_that_would_not_do_what_it_says_is_refused(told: Callable[..., list[str]], old: str, new: str, said: str):
    assert old in SWITCH
    assert any(said in line for line in told(SITE + SWITCH.replace(old, new, 1))), told(SITE + SWITCH.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"127.0.0.1:9999"', '"127.0.0.1"', "is no address: write HOST:PORT or unix:/PATH"),
        ('"127.0.0.1:9999"', '"127.0.0.1:99999"', "is no address"),
        ('"unix:/run/lb.sock"', '"unix:run/lb.sock"', "is no address"),
        ('"unix:/run/lb.sock"', '"127.0.0.1:9999"', "would be told twice"),
        ("lb-1 =", '"lb 1" =', "letters, digits"),
        ('lb-1 = "127.0.0.1:9999", lb-2 = "unix:/run/lb.sock", lb-3 = "[::1]:9"', "", "there is none"),
        ("balancers =", "socket = \"x\"\nbalancers =", "unknown key"),
    ],
)
def test_a_group_whose_balancers_cannot_be_told_apart_or_reached_is_refused(told: Callable[..., list[str]], old: str, new: str, said: str):
    assert any(said in line for line in told(SITE + GROUP.replace(old, new, 1)))

"""What `c` copies: the request as it was asked, and nothing of it that is a secret."""

from __future__ import annotations

import shlex

import pytest

from console.model.channel import Channel, Vantage
from console.model.finding import Finding
from console.model.severity import Layer, Severity
from console.rows import curl
from tests.hand_clock import HandClock

NOW = HandClock().now().utc
SECRET = "s3cr3tS3cr3t"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://o/live/m.m3u8", "http://o/live/m.m3u8"),
        (f"https://mei:{SECRET}@o:8443/m.m3u8#{SECRET}", "https://o:8443/m.m3u8"),
        (f"https://o/m.m3u8?token={SECRET}&x=1", "https://o/m.m3u8?token=REDACTED&x=REDACTED"),
        (f"https://o/m.m3u8?{SECRET}", "https://o/m.m3u8?REDACTED"),
        (f"https://o/hdnts=exp=17~acl=/*~hmac={SECRET}/m.m3u8", "https://o/hdnts=REDACTED~acl=REDACTED/*~hmac=REDACTED/m.m3u8"),
        (f"https://o/v1;jwt={SECRET}/m.m3u8", "https://o/v1;jwt=REDACTED/m.m3u8"),
        (f"https://o/eyJhbGciOiJIUzI1NiJ9.{SECRET}.{SECRET}/m.m3u8", "https://o/REDACTED/m.m3u8"),
        (f"https://o/{SECRET * 4}/m.m3u8", "https://o/REDACTED/m.m3u8"),
        ("https://o/6f9619ff-8b86-d011-b42d-00cf4fc964ff/m.m3u8", "https://o/6f9619ff-8b86-d011-b42d-00cf4fc964ff/m.m3u8"),
    ],
)
def test_a_url_keeps_its_way_and_loses_its_secrets(url: str, shown: str) -> None:
    assert curl.redacted(url) == shown
    assert SECRET not in curl.redacted(url)


def test_the_door_is_the_one_the_prober_uses_and_headers_are_named_without_their_values() -> None:
    vantage = Vantage(
        "edge-lhr", Layer.EDGE, f"https://cdn.example/m.m3u8?sig={SECRET}", connect_to="192.0.2.7:8443",
        headers={"Cookie": f"session={SECRET}", "Authorization": f"Bearer {SECRET}"}, token_command=("token", SECRET),
    )  # fmt: skip
    line = curl.command(vantage, vantage.url)
    assert SECRET not in line
    words = shlex.split(line)
    assert words[words.index("--connect-to") + 1] == "cdn.example:443:192.0.2.7:8443"
    assert [words[at + 1] for at, word in enumerate(words) if word == "-H"] == ["Cookie: REDACTED", "Authorization: REDACTED"]
    assert words[-1] == "https://cdn.example/m.m3u8?sig=REDACTED"


def test_a_signed_url_says_that_something_is_added() -> None:
    vantage = Vantage("origin", Layer.ORIGIN, "https://o/m.m3u8", token_command=("token",))
    assert curl.command(vantage, vantage.url).endswith("'https://o/m.m3u8?REDACTED'")


def test_a_url_that_a_shell_would_run_is_quoted() -> None:
    vantage = Vantage("origin", Layer.ORIGIN, "https://o/m.m3u8;rm -rf $HOME`id`")
    assert shlex.split(curl.command(vantage, vantage.url))[-1] == "https://o/m.m3u8;rm -rf $HOME`id`"


def test_a_port_that_is_none_and_an_address_of_six_parts_do_no_harm() -> None:
    odd = Vantage("origin", Layer.ORIGIN, "http://o:99999/m.m3u8", connect_to="192.0.2.7:80")
    assert "o:80:192.0.2.7:80" in curl.command(odd, odd.url)
    six = Vantage("origin", Layer.ORIGIN, "http://[2001:db8::1]/m.m3u8", connect_to="[2001:db8::2]:80")
    assert shlex.split(curl.command(six, six.url))[-3:-1] == ["--connect-to", "[2001:db8::1]:80:[2001:db8::2]:80"]


def test_a_url_that_cannot_be_read_is_not_copied() -> None:
    vantage = Vantage("origin", Layer.ORIGIN, f"http://mei:{SECRET}@[::1/m.m3u8")
    assert curl.command(vantage, vantage.url) == ""


def test_a_finding_asks_where_it_was_seen_and_a_channel_its_origin() -> None:
    vantages = (
        Vantage("edge-lhr", Layer.EDGE, "http://lhr/master.m3u8", connect_to="127.0.0.1:81"),
        Vantage("origin", Layer.ORIGIN, "http://origin/master.m3u8", connect_to="127.0.0.1:80"),
    )
    channel = Channel("one", vantages)
    found = Finding("STALE", "one", "1080p", Layer.EDGE, "edge-lhr", Severity.WARN, "stale", NOW, NOW, evidence={"url": "http://lhr/1080p.m3u8"})
    assert curl.of_finding(channel, found).endswith("--connect-to lhr:80:127.0.0.1:81 http://lhr/1080p.m3u8")
    assert curl.of_channel(channel).endswith("--connect-to origin:80:127.0.0.1:80 http://origin/master.m3u8")
    assert curl.of_channel(Channel("none", ())) == ""
    no_url = Finding("STALE", "one", None, Layer.EDGE, "edge-lhr", Severity.WARN, "stale", NOW, NOW, evidence={"url": "file:///etc/passwd"})
    assert curl.of_finding(channel, no_url).endswith("http://lhr/master.m3u8")

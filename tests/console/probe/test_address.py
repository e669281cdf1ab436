"""What is shown of an address."""

from __future__ import annotations

from console.probe import address


def test_what_a_path_is_signed_by_is_not_shown() -> None:
    signed = "https://edge.example/hdnts=exp=1999999999~acl=/live/*~hmac=0a1b2c/token=abc/sport-key=1/bitrate=500/x.m3u8?sig=1"
    told = address.shown(signed)
    assert not any(secret in told for secret in ("1999999999", "0a1b2c", "abc", "sig=1"))
    assert told.endswith("/sport-key=1/bitrate=500/x.m3u8")

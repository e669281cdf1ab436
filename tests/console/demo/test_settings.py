from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from console.demo.configuration import channels_json, config_toml, put, steering, steering_toml
from console.demo.settings import SERVERS, read

PORTS = {name: 40_000 + n for n, name in enumerate(SERVERS)}


def test_only_the_configs_place_must_be_said():
    settings = read('{"config_out": "/run/demo/midwatch.toml"}')
    assert (settings.scenario, settings.start_after_s, settings.duration_s) == ("calm", 20.0, 180.0)
    assert settings.channels_out == Path("/run/demo/midwatch.toml.channels.json")


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("{", "cannot be read"),
        ("{}", "config_out"),
        ('{"config_out": "x", "colour": 1}', "colour"),
        ('{"config_out": "x", "scenario": "earthquake"}', "bad-deploy"),
        ('{"config_out": "x", "kube_version": "1.19"}', "kube_version"),
        ('{"config_out": "x", "ports": {"mysql": 1}}', "mysql"),
        ('{"config_out": "x", "ports": {"origin": 70000}}', "origin"),
        ('{"config_out": "x", "duration_s": 0}', "duration_s"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(raw: str, says: str):
    with pytest.raises(ValueError, match=says):
        read(raw)


def test_the_config_is_toml_that_names_every_backend():
    config = tomllib.loads(config_toml(PORTS, "midwatch.toml.channels.json"))
    assert config["default_site"] == "demo"
    site = config["sites"]["demo"]
    assert site["guard"] == "none"
    assert site["prometheus"]["url"] == "http://127.0.0.1:40000"
    assert site["alertmanager"]["urls"] == ["http://127.0.0.1:40001", "http://127.0.0.1:40002"]
    assert site["elasticsearch"] == {"url": "http://127.0.0.1:40003", "index": "logs-video-*"}
    assert site["kubernetes"]["demo-1"] == {
        "url": "http://127.0.0.1:40004",
        "namespaces": ["live", "vod", "platform"],
    }
    assert site["channels"]["files"] == ["midwatch.toml.channels.json"]


def test_every_gauge_has_what_a_gauge_needs_and_a_name_of_its_own():
    gauges = tomllib.loads(config_toml(PORTS, "c.json"))["sites"]["demo"]["gauges"]
    assert len({gauge["name"] for gauge in gauges}) == len(gauges) == 4 + 1 + 3 + 3
    for gauge in gauges:
        assert set(gauge) == {"name", "used", "total", "unit", "warn", "crit"}
        assert 0 < gauge["warn"] < gauge["crit"] <= 1
    assert gauges[0]["used"] == 'sum(rate(edge_bytes_total{pop="lhr"}[1m]))*8'


def test_the_channel_list_has_five_vantages_each_with_a_host_and_where_to_connect():
    channels = json.loads(channels_json(PORTS))["channels"]
    assert len(channels) == 12
    sport = next(channel for channel in channels if channel["name"] == "uk-sport-1")
    assert (sport["region"], sport["tier"], sport["kind"]) == ("emea", 1, "247")
    assert sport["services"] == {
        "package": "packager-emea",
        "transcode": "transcoder-emea",
        "origin": "origin",
    }
    origin, lhr = sport["vantages"][:2]
    assert origin == {
        "name": "origin",
        "layer": "origin",
        "service": "origin",
        "connect_to": "127.0.0.1:40005",
        "url": "http://origin.midwatch.test/live/uk-sport-1/master.m3u8",
    }
    assert lhr == {
        "name": "edge-lhr",
        "layer": "edge",
        "cdn": "own",
        "pop": "lhr",
        "service": "edge-lhr",
        "connect_to": "127.0.0.1:40006",
        "url": "http://edge-lhr.midwatch.test/live/uk-sport-1/master.m3u8",
    }


def test_a_file_is_put_whole_and_nothing_is_left_beside_it(tmp_path: Path):
    target = tmp_path / "midwatch.toml"
    target.write_text("old")
    put(target, b"new")
    assert target.read_bytes() == b"new" and list(tmp_path.iterdir()) == [target]
    with pytest.raises(OSError, match="nosuch"):
        put(tmp_path / "nosuch" / "x", b"")


def test_what_steers_is_told_with_its_addresses_and_its_token_files():
    files = {"cdn-reader": "/run/demo/r.token", "cdn-writer": "/run/demo/w.token"}
    told = steering(PORTS, files)
    assert set(told["haproxy"]) == {"lb-1", "lb-2"}
    assert told["haproxy"]["lb-1"]["address"] != told["haproxy"]["lb-1"]["master"]
    assert told["cdn"]["write_token_file"] == "/run/demo/w.token"
    site = tomllib.loads(config_toml(PORTS, "c.json", steering_tokens=files))["sites"]["demo"]
    assert site["haproxy"]["lb"]["balancers"] == {name: one["address"] for name, one in told["haproxy"].items()}
    assert site["switches"]["cdn"]["write"] == {"bearer_file": "/run/demo/w.token"}
    names = [gauge["name"] for gauge in site["gauges"]]
    assert len(set(names)) == len(names) and {target["gauge"] for target in site["switches"]["cdn"]["targets"].values()} < set(names)
    assert tomllib.loads(steering_toml(PORTS, files))["sites"]["demo"]["switches"] == site["switches"]


def test_a_file_with_a_secret_never_had_another_mode(tmp_path: Path):
    put(tmp_path / "token", b"secret", 0o600)
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600

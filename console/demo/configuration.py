"""The console's configuration for this platform: config TOML and channel list, from the ports that were
bound."""

from __future__ import annotations

import json
import os
from pathlib import Path

from console.demo.world.names import CHANNELS, CLUSTER, NAMESPACES, POPS, REGIONS, VANTAGES

INDEX = "logs-video-*"


def _text(value: str) -> str:
    """A TOML basic string; JSON's escapes are a subset of TOML's once DEL is escaped too."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _gauge(name: str, used: str, total: str, unit: str, warn: float = 0.80, crit: float = 0.92) -> str:
    return "\n".join((
        "[[sites.demo.gauges]]", f"name = {_text(name)}", f"used = {_text(used)}", f"total = {_text(total)}",
        f"unit = {_text(unit)}", f"warn = {warn:.2f}", f"crit = {crit:.2f}", "",
    ))


def gauges() -> list[str]:
    return [
        *(_gauge(f"egress {pop}", f'sum(rate(edge_bytes_total{{pop="{pop}"}}[1m]))*8',
                 f'edge_capacity_bps{{pop="{pop}"}}', "bit/s") for pop in POPS),
        _gauge("origin connections", "origin_connections", "origin_connections_max", "connections"),
        *(_gauge(f"transcoder slots {region}", f'transcoder_slots_used{{region="{region}"}}',
                 f'transcoder_slots_total{{region="{region}"}}', "slots") for region in REGIONS),
        _gauge("redis memory", "redis_memory_used_bytes", "redis_memory_max_bytes", "bytes"),
        _gauge("vod queue age", "vod_queue_oldest_seconds", "vod_queue_oldest_limit_seconds", "s"),
    ]


def config_toml(ports: dict[str, int], channels_file: str) -> str:
    def url(server: str) -> str:
        return f"http://127.0.0.1:{ports[server]}"

    peers = ", ".join(_text(url(f"alertmanager-{n}")) for n in (0, 1))
    namespaces = ", ".join(map(_text, NAMESPACES))
    return "\n".join((
        'default_site = "demo"', "",
        "[sites.demo]", 'guard = "none"', "",
        "[sites.demo.prometheus]", f"url = {_text(url('prometheus'))}", "",
        "[sites.demo.alertmanager]", f"urls = [{peers}]", "",
        "[sites.demo.elasticsearch]", f"url = {_text(url('elasticsearch'))}", f"index = {_text(INDEX)}", "",
        f"[sites.demo.kubernetes.{CLUSTER}]", f"url = {_text(url('kubernetes'))}",
        f"namespaces = [{namespaces}]", "",
        "[sites.demo.channels]", f"files = [{_text(channels_file)}]", "",
        *gauges(),
    ))


def channels_json(ports: dict[str, int]) -> bytes:
    channels = [
        {
            "name": channel.name, "region": channel.region, "tier": channel.tier, "kind": "247",
            "services": {"package": channel.packager, "transcode": channel.transcoder, "origin": "origin"},
            "vantages": [
                {
                    "name": vantage.name, "layer": vantage.layer,
                    **({"cdn": vantage.cdn, "pop": vantage.pop} if vantage.pop else {}),
                    "service": vantage.service,
                    "url": f"http://{vantage.host}/live/{channel.name}/master.m3u8",
                    "connect_to": f"127.0.0.1:{ports[vantage.name]}",
                }
                for vantage in VANTAGES
            ],
        }
        for channel in CHANNELS
    ]
    return json.dumps({"channels": channels}, indent=1).encode() + b"\n"


def put(path: Path, content: bytes) -> None:
    """Into place by rename, so that a reader sees the whole file or none. Raises OSError naming the path."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)

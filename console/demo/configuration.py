"""The console's configuration for this platform: config TOML and channel list, from the ports that were
bound."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from console.demo.cdn import READER, WRITER
from console.demo.haproxy.layout import BACKENDS, BALANCERS
from console.demo.world.names import CHANNELS, CLUSTER, NAMESPACES, POPS, REGIONS, VANTAGES
from console.demo.world.traffic import CDNS, PROPERTIES, TTL_S

INDEX = "logs-video-*"
SETTLE_S = 40.0
"""After a shift, until the gauges of the CDNs tell all of it: a scrape, and the window of their rate."""
POLICY = """\
# The demo's policy: whoever tries it may do everything, and is alone, so that nobody could approve.
[roles.everybody]
people = ["*"]
may = ["*"]
approve = ["*"]

[low]
reason = false

[high]
approvals = 0
"""


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
        _gauge("log shipper queue", "logshipper_queue_events", "logshipper_queue_events_max", "events"),
        _gauge("vod queue age", "vod_queue_oldest_seconds", "vod_queue_oldest_limit_seconds", "s"),
    ]


def figures() -> list[str]:
    """What the wall shows in big digits; ratios are weighed by viewers, so that a channel nobody watches says little."""
    def weighed(measure: str) -> str:
        return f"sum({measure} * channel_viewers) / sum(channel_viewers)"

    return [
        _figure("viewers", "sum(channel_viewers)", "viewers", "higher", 0.80, 0.50),
        _figure("egress", "sum(rate(edge_bytes_total[1m]))*8", "bit/s", "higher", 0.80, 0.50),
        _figure("rebuffer", weighed("channel_rebuffer_ratio"), "ratio", "lower", 1.5, 3.0),
        _figure("start failures", weighed("channel_start_failure_ratio"), "ratio", "lower", 1.5, 3.0),
    ]


def _figure(name: str, query: str, unit: str, better: str, warn: float, crit: float) -> str:
    return "\n".join((
        "[[sites.demo.figures]]", f"name = {_text(name)}", f"query = {_text(query)}", f"unit = {_text(unit)}",
        f"better = {_text(better)}", f"warn = {warn:.2f}", f"crit = {crit:.2f}", "",
    ))


def config_toml(ports: dict[str, int], channels_file: str, kubernetes_token_file: str | None = None,
                policy_file: str | None = None, steering_tokens: dict[str, str] | None = None) -> str:
    """`kubernetes_token_file`: of the token that may write; None leaves the cluster to be read only. `steering_tokens`:
    the holder of a token of the CDN's to the file that holds it; None leaves the traffic alone."""
    def url(server: str) -> str:
        return f"http://127.0.0.1:{ports[server]}"

    peers = ", ".join(_text(url(f"alertmanager-{n}")) for n in (0, 1))
    namespaces = ", ".join(map(_text, NAMESPACES))
    return "\n".join((
        'default_site = "demo"', *([] if policy_file is None else [f"policy_file = {_text(policy_file)}"]), "",
        "[sites.demo]", 'guard = "none"', "",
        "[sites.demo.prometheus]", f"url = {_text(url('prometheus'))}", "",
        "[sites.demo.alertmanager]", f"urls = [{peers}]", "",
        "[sites.demo.elasticsearch]", f"url = {_text(url('elasticsearch'))}", f"index = {_text(INDEX)}", "",
        f"[sites.demo.kubernetes.{CLUSTER}]", f"url = {_text(url('kubernetes'))}",
        f"namespaces = [{namespaces}]",
        *([] if kubernetes_token_file is None
          else [f"write = {{ bearer_file = {_text(kubernetes_token_file)} }}"]), "",
        "[sites.demo.channels]", f"files = [{_text(channels_file)}]", "",
        *([] if steering_tokens is None else [steering_toml(ports, steering_tokens)]),
        *gauges(),
        *figures(),
        *([] if steering_tokens is None else steering_gauges()),
    ))


def steering(ports: dict[str, int], token_files: dict[str, str]) -> dict[str, Any]:
    """What can be written to beyond the backends of `config_toml`, as `FILE.steering.json` tells it.

    `token_files`: the holder of a token (console.demo.cdn READER, WRITER) to the file that holds it. A balancer's
    `master` is where `reload` is said to it.
    """
    return {
        "haproxy": {
            name: {"address": f"127.0.0.1:{ports[name]}", "master": f"127.0.0.1:{ports[f'{name}-master']}"}
            for name in BALANCERS
        },
        "cdn": {
            "url": f"http://127.0.0.1:{ports['cdn']}",
            "properties": list(PROPERTIES),
            "cdns": list(CDNS),
            "ttl_s": TTL_S,
            "token_file": token_files[READER],
            "write_token_file": token_files[WRITER],
        },
    }


def steering_toml(ports: dict[str, int], token_files: dict[str, str]) -> str:
    """The same as tables of the site."""
    told = steering(ports, token_files)
    cdn = told["cdn"]
    balancers = ", ".join(f"{name} = {_text(one['address'])}" for name, one in told["haproxy"].items())
    weights = ", ".join(f'"{name}": {{{name}}}' for name in cdn["cdns"])
    body = '{"weights": {' + weights + "}}"
    return "\n".join((
        "[sites.demo.haproxy.lb]", f"balancers = {{ {balancers} }}", 'services = { origin = "origin" }', "",
        "[sites.demo.switches.cdn]", f"url = {_text(cdn['url'] + '/v1/properties/{property}/weights')}",
        f"body = {_text(body)}", "expected_status = [200]", f"ttl_s = {cdn['ttl_s']:g}",
        f"settle_s = {SETTLE_S:g}  # a scrape and the window of the gauges",
        f"read = {{ bearer_file = {_text(cdn['token_file'])} }}",
        f"write = {{ bearer_file = {_text(cdn['write_token_file'])} }}", "",
        "[sites.demo.switches.cdn.parameters.property]",
        f"words = [{', '.join(map(_text, cdn['properties']))}]", f"default = {_text(cdn['properties'][0])}", "",
        "[sites.demo.switches.cdn.targets]",
        *(f"{name} = {{ pointer = {_text(f'/weights/{name}')}, gauge = {_text(f'cdn {name}')} }}"
          for name in cdn["cdns"]), "",
    ))


def steering_gauges() -> list[str]:
    """used and total of each CDN, and of each backend of each balancer: what a shift must find room in."""
    return [
        *(_gauge(f"cdn {cdn}", f'sum(rate(cdn_bytes_total{{cdn="{cdn}"}}[30s]))*8',
                 f'sum(cdn_capacity_bps{{cdn="{cdn}"}})', "bit/s") for cdn in CDNS),
        *(_gauge(f"{name} {backend.name}",
                 f'sum(haproxy_server_current_sessions{{balancer="{name}",proxy="{backend.name}"}})',
                 f'sum(haproxy_server_limit_sessions{{balancer="{name}",proxy="{backend.name}"}})', "sessions")
          for name in BALANCERS for backend in BACKENDS),
    ]


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


def put(path: Path, content: bytes, mode: int | None = None) -> None:
    """Into place by rename, so that a reader sees the whole file or none, and never with another `mode` than
    the one asked for. Raises OSError naming the path."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if mode is not None:
            beside.touch(mode)
            beside.chmod(mode)
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)

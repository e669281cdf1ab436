"""A first configuration to edit: it works as it stands, and every other key waits in a comment."""

from __future__ import annotations

import os
from pathlib import Path

EXAMPLE = """\
# midwatch: which systems to watch. `midwatch config check` tells everything that is wrong with it at once,
# `midwatch config schema` prints a JSON schema for editors. The environment wins over this file:
# MIDWATCH_SITES__EXAMPLE__PROMETHEUS__URL is sites.example.prometheus.url.

default_site = "example"
# policy_file = "policy.toml"            # roles, freezes, tiers; broken or missing: nothing may be written
# checkpoint_file = "/var/spool/midwatch/checkpoints.jsonl"  # signed audit checkpoints, for another host to collect
# theme = "night"                        # night | high-contrast | mono
# link = "full"                          # full | slow (a frame a second, 16 colours) | off (Textual's own way)
# kitty_keys = true                      # ask the terminal for kitty's keyboard protocol

[sites.example]
guard = "none"                           # none | prod (red frame)

# Every backend takes url (or urls), read, write, ca_file, headers, proxy, timeout_s. A secret never stands
# here; `read` says where it is, with one of these:
#   bearer_file, bearer_env, bearer_command = ["program", "argument"]
#   basic = { user, password_file | password_env | password_command }
#   header = { name, value_file | value_env | value_command }
#   api_key_file, api_key_env, api_key_command         (Elasticsearch)
#   client_cert = { cert_file, key_file }
# Files are taken from the directory of this file, and those with secrets must not be readable by everyone.
[sites.example.prometheus]
url = "http://127.0.0.1:9090"
# read = { bearer_file = "prometheus.token" }
# timeout_s = 10

# [sites.example.alertmanager]
# urls = ["http://127.0.0.1:9093"]

# [sites.example.elasticsearch]
# url = "http://127.0.0.1:9200"
# index = "logs-video-*"
# read = { api_key_env = "ES_API_KEY" }

# [sites.example.kubernetes.cluster-1]
# context = "cluster-1"                  # from $KUBECONFIG; or kubeconfig = "/path"; or url + read/write
# namespaces = ["live", "vod"]

# [sites.example.channels]
# files = ["channels.json"]              # JSON or CSV
# urls = ["https://playout.example/channels.json"]

# [[sites.example.channels.inline]]
# name = "uk-news-1"
# [[sites.example.channels.inline.vantages]]
# name = "origin"
# layer = "origin"
# url = "https://origin.example/live/uk-news-1/master.m3u8"

# [[sites.example.gauges]]
# name = "egress lhr"
# used = 'sum(rate(edge_bytes_total{pop="lhr"}[1m]))*8'
# total = 'edge_capacity_bps{pop="lhr"}' # leave it out when `used` is a ratio already
# unit = "bit/s"
# warn = 0.80
# crit = 0.92

# [[sites.example.figures]]              # the wall's big digits, beside the same minute last week; docs/wall.md
# name = "viewers"
# query = "sum(channel_viewers)"         # one value
# unit = "viewers"                       # viewers | bit/s | ratio | s | anything
# better = "higher"                      # higher | lower; without it a change is shown and not judged
# warn = 0.8                             # now / a week ago, at or below
# crit = 0.5

# [sites.example.haproxy.lb]             # balancers of the same traffic; docs/actions-traffic.md
# balancers = { lb-1 = "unix:/run/haproxy/admin.sock", lb-2 = "127.0.0.1:9999" }

# [sites.example.switches.cdn]           # a templated HTTP action
# url = "https://broker.example/v1/weights"
# body = '{"own": {own}, "other": {other}}'
# [sites.example.switches.cdn.targets]
# own = { pointer = "/own" }             # gauge = "egress lhr" names what tells its load
# other = { pointer = "/other" }

# [sites.example.measures]               # PromQL, one series per channel
# viewers = "sum by (channel) (channel_viewers)"
# ingest_bps = "sum by (channel) (channel_ingest_bps)"
# rebuffer_ratio = "max by (channel) (channel_rebuffer_ratio)"
# ingest_declared_bps = "max by (channel) (channel_ingest_declared_bps)"
# ingest_reconnects = "max by (channel) (increase(channel_ingest_reconnects_total[5m]))"
# ingest_fps = ""                        # frames per second as received
# transcode_speed = ""                   # media seconds out / wall seconds

# [sites.example.ingest.rtmp-1]          # an nginx-rtmp asked itself; docs/metrics-packs.md
# url = "http://rtmp-1.example:8080/stat"
# period_s = 5

# [sites.example.probe]
# verdicts = "prober"                    # prober | metrics: those of `midwatch probe --metrics` elsewhere, from prometheus
# segments = "newest"                    # newest | all | head | none: which segments are fetched to be looked at
# segment_budget = "4MB/s"               # over all channels; past it they are only asked for by HEAD

# [serve]                                # midwatch serve: the console for many, over SSH; docs/serve.md
# listen = "127.0.0.1:2222"
# authorized_keys = "keys"               # a directory: one file a person, OpenSSH's format
# ca_keys = "user_ca.pub"                # whose certificates are believed; their principals must name the person
# revoked_keys = "revoked"               # a KRL of ssh-keygen, or lines
# limits = { sessions = 64, per_user = 8, unauthenticated = 32, per_address = 16, arrivals_at_once = 60, arrivals_per_s = 10 }
# login_s = 20
# idle_s = 0                             # without a key pressed; 0: never
# keepalive_s = 15
# keepalive_count = 3
# drain_s = 30                           # from SIGTERM to the end of the last session
# exec = ["snapshot"]                    # ssh host snapshot overview
# metrics = "127.0.0.1:9465"

# [scope.region]                         # how each source spells a dimension
# prometheus = "region"
# elasticsearch = "cloud.region"
# kubernetes = "topology.kubernetes.io/region"
"""


def write_example(path: Path) -> None:
    """The example at `path`, readable by its owner alone. Raises FileExistsError rather than overwrite,
    else OSError.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(EXAMPLE)

# The console's configuration for the lab. Sourced by up.sh.
# shellcheck shell=bash
# shellcheck disable=SC2154 # the ports are up.sh's

# Busy is what the console must show, not raise: a machine that runs a test suite is busy.
write_site() {
  cat >"$SITE.new" <<TOML
# Written by tests/lab/up.sh; gone with tests/lab/down.sh.
# lab: $LAB
default_site = "lab"

[sites.lab]
guard = "none"

[sites.lab.prometheus]
url = "http://127.0.0.1:$prometheus_port"

[sites.lab.alertmanager]
urls = ["http://127.0.0.1:$am0_port", "http://127.0.0.1:$am1_port"]

[sites.lab.elasticsearch]
url = "http://127.0.0.1:$logs_port"
index = "logs-lab-*"

[sites.lab.haproxy.lab]
balancers = { lb-1 = "unix:$LAB/traffic/lb-1.sock", lb-2 = "127.0.0.1:$lb2_stats_port" }

[sites.lab.measures]
viewers = ""
ingest_bps = ""
rebuffer_ratio = ""

[[sites.lab.gauges]]
name = "cpu busy"
used = 'sum(1 - rate(node_cpu_seconds_total{mode="idle"}[10s]))'
total = 'count(node_cpu_seconds_total{mode="idle"})'
unit = "cores"
warn = 1.5
crit = 2.0

[[sites.lab.gauges]]
name = "memory used"
used = 'node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes'
total = 'node_memory_MemTotal_bytes'
unit = "bytes"
warn = 0.97
crit = 0.99

[[sites.lab.gauges]]
name = "root disk used"
used = 'node_filesystem_size_bytes{mountpoint="/"} - node_filesystem_free_bytes{mountpoint="/"}'
total = 'node_filesystem_size_bytes{mountpoint="/"} - node_filesystem_free_bytes{mountpoint="/"} + node_filesystem_avail_bytes{mountpoint="/"}'
unit = "bytes"
warn = 0.97
crit = 0.99

[[sites.lab.gauges]]
name = "load"
used = 'node_load1'
total = 'count(node_cpu_seconds_total{mode="idle"})'
unit = "cores"
warn = 20.0
crit = 50.0

[[sites.lab.channels.inline]]
name = "lab-live"
region = "lab"
renditions = ["180p", "144p", "108p"]
services = { package = "nginx-rtmp", transcode = "ffmpeg", origin = "nginx-rtmp", edge = "nginx" }

[[sites.lab.channels.inline.vantages]]
name = "origin"
layer = "origin"
url = "http://127.0.0.1:$origin_port/hls/lab.m3u8"

[[sites.lab.channels.inline.vantages]]
name = "edge"
layer = "edge"
pop = "lab"
url = "http://127.0.0.1:$edge_port/hls/lab.m3u8"
TOML
  mv "$SITE.new" "$SITE"
}

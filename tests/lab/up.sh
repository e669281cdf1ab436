#!/usr/bin/env bash
# Bring up the lab: Debian's own Prometheus and node_exporter looking at this machine, and ffmpeg writing a live HLS of
# three renditions which a static server serves. All on loopback, on free ports, under $LAB (default tests/lab/run).
# The way in is tests/lab/site.toml. down.sh ends it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/processes.sh
. "$here/processes.sh"
DEADLINE_S=30 # for each thing waited for; the slowest is the third segment, 6 s of air

# What is about to be emptied must be a lab's: LAB=/var/lib would else cost somebody's Prometheus its data.
if [ ! -e "$LAB/.lab" ] && [ -n "$(ls -A "$LAB" 2>/dev/null)" ]; then
  echo "lab: $LAB is not empty and no lab of ours; name another folder with LAB=FOLDER" >&2
  exit 1
fi
if other=$(site_folder) && [ "$other" != "$LAB" ]; then
  echo "lab: ${SITE#"$PWD/"} belongs to the lab in $other; first: LAB=$other make lab-down" >&2
  exit 1
fi

"$here/install.sh" <"$here/packages.txt"

if [ -e "$SITE" ]; then
  up=yes
  for name in "${SERVERS[@]}"; do runs "$name" || up=no; done
  if [ "$up" = yes ]; then
    echo "lab: is already up; midwatch --config ${SITE#"$PWD/"} snapshot overview"
    exit 0
  fi
fi
for name in "${SERVERS[@]}"; do stop_server "$name"; done
rm -rf "${LAB:?}/prometheus" "${LAB:?}/node" "${LAB:?}/media" "$SITE"
mkdir -p "$LAB"/{prometheus,node,media}
touch "$LAB/.lab"

# Whatever goes wrong from here on: no half a lab stays behind. The logs stay, to be read.
abandon() {
  local code=$?
  trap - EXIT
  [ "$code" -eq 0 ] || for name in "${SERVERS[@]}"; do stop_server "$name"; done
  exit "$code"
}
trap abandon EXIT

# In a session of its own, so that neither ^C nor the end of the terminal that typed `make lab` reaches it.
start() {
  local name=$1
  shift
  setsid "$@" >"$LAB/$name.log" 2>&1 </dev/null &
  echo "$!" >"$LAB/$name.pid"
}

# wait_for SERVER WHAT COMMAND...: until the command succeeds, the server dies, or the deadline passes.
wait_for() {
  local name=$1 what=$2 end=$((SECONDS + DEADLINE_S)) why=
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ! kill -0 "$(cat "$LAB/$name.pid")" 2>/dev/null; then why="it has ended"; fi
    if [ "$SECONDS" -ge "$end" ]; then why="still not so after $DEADLINE_S s"; fi
    if [ -n "$why" ]; then
      echo "lab: $name did not come up: waited for $what; $why. The end of $LAB/$name.log:" >&2
      tail -n 20 "$LAB/$name.log" >&2
      exit 1
    fi
    sleep 0.2
  done
}

# says URL TEXT: the answer is 200 and holds the text. No proxy: loopback is asked directly.
says() {
  "$PYTHON" -c '
import sys, urllib.request as web
answer = web.build_opener(web.ProxyHandler({})).open(sys.argv[1], timeout=2).read().decode()
sys.exit(sys.argv[2] not in answer)' "$@"
}

is_on_air() {
  local playlist
  for playlist in high mid low; do [ "$(grep -c '^#EXTINF' "$LAB/media/$playlist.m3u8")" -ge 3 ] || return 1; done
}

# All at once, held open together: so no two are the same.
read -r prometheus_port node_port media_port < <("$PYTHON" -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(each.getsockname()[1] for each in held))')

# Every file system but the root is left out, and no type is: in a container the root is an overlay.
start node-exporter prometheus-node-exporter \
  --web.listen-address="127.0.0.1:$node_port" --log.level=warn --collector.disable-defaults \
  --collector.cpu --collector.loadavg --collector.meminfo --collector.filesystem \
  --collector.filesystem.mount-points-exclude='^/.+' --collector.filesystem.fs-types-exclude='^$' \
  --collector.textfile --collector.textfile.directory="$LAB/node"

cat >"$LAB/prometheus/prometheus.yml" <<YAML
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
scrape_configs:
- {job_name: prometheus, static_configs: [{targets: ['127.0.0.1:$prometheus_port']}]}
- {job_name: node, static_configs: [{targets: ['127.0.0.1:$node_port']}]}
YAML
start prometheus prometheus --web.listen-address="127.0.0.1:$prometheus_port" --log.level=warn \
  --config.file="$LAB/prometheus/prometheus.yml" --storage.tsdb.path="$LAB/prometheus/data" --storage.tsdb.retention.time=1h

# Segments of exactly 2 s (20 frames at 10/s, a keyframe at the head of each), so the target duration is 2. 24 s of window:
# after a stop ffmpeg hurries to catch up, and what it hurried through must still be in the playlist. temp_file: every file
# is renamed into place, so nobody reads half of one. About 6 % of a core.
encode=(-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 20 -keyint_min 20 -sc_threshold 0 -threads 1
  -b:v:0 250k -b:v:1 150k -b:v:2 80k -c:a aac -b:a 32k)
start ffmpeg ffmpeg -hide_banner -loglevel warning -nostdin \
  -re -f lavfi -i testsrc=size=320x180:rate=10 -re -f lavfi -i sine=frequency=440:sample_rate=44100 \
  -filter_complex '[0:v]split=3[a][b][c];[a]null[high];[b]scale=256:144[mid];[c]scale=192:108[low]' \
  -map '[high]' -map 1:a -map '[mid]' -map 1:a -map '[low]' -map 1:a "${encode[@]}" \
  -f hls -hls_time 2 -hls_list_size 12 -hls_delete_threshold 3 -hls_segment_type mpegts \
  -hls_flags delete_segments+independent_segments+program_date_time+temp_file -master_pl_name master.m3u8 \
  -var_stream_map 'v:0,a:0,name:high v:1,a:1,name:mid v:2,a:2,name:low' \
  -hls_segment_filename "$LAB/media/%v-%05d.ts" "$LAB/media/%v.m3u8"

start media-server "$PYTHON" "$here/static_server.py" "$LAB/media" "$media_port"

prometheus=http://127.0.0.1:$prometheus_port
wait_for node-exporter 'its load average' says "http://127.0.0.1:$node_port/metrics" node_load1
wait_for prometheus 'its readiness' says "$prometheus/-/ready" Ready
wait_for ffmpeg 'three segments of each rendition' is_on_air
wait_for media-server 'the master playlist' says "http://127.0.0.1:$media_port/master.m3u8" RESOLUTION
# 6 s ago: the console asks about whole steps of 5 s, so the first question may lie that far back.
wait_for prometheus 'a rate of this machine, 6 s ago' \
  says "$prometheus/api/v1/query?query=count(rate(node_cpu_seconds_total%5B10s%5D%20offset%206s))" '"value"'

# Busy is what the console must show, not raise: a machine that runs a test suite is busy.
cat >"$SITE.new" <<TOML
# Written by tests/lab/up.sh; gone with tests/lab/down.sh.
# lab: $LAB
default_site = "lab"

[sites.lab]
guard = "none"

[sites.lab.prometheus]
url = "$prometheus"

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
services = { package = "ffmpeg", origin = "media-server" }

[[sites.lab.channels.inline.vantages]]
name = "origin"
layer = "origin"
url = "http://127.0.0.1:$media_port/master.m3u8"
TOML
mv "$SITE.new" "$SITE"
echo "lab: up; midwatch --config ${SITE#"$PWD/"} snapshot overview"

#!/usr/bin/env bash
# Bring up one real Elasticsearch on a free loopback port, without security, with 512 MB of heap, its things under $LAB.
# The way in is $LAB/site.toml. down.sh ends it. One that ended by itself comes back on its port, with what it held.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/elasticsearch/folders.sh
. "$here/folders.sh"
DEADLINE_S=180 # about 15 s on a machine at rest, more than half a minute on a busy one

if [ ! -e "$LAB/.lab" ] && [ -n "$(ls -A "$LAB" 2>/dev/null)" ]; then
  echo "lab: $LAB is not empty and no lab of ours; name another folder with MIDWATCH_ELASTICSEARCH_CACHE=FOLDER" >&2
  exit 1
fi
# One at a time: of two servers on one folder only one would be known by its pid.
mkdir -p "$CACHE"
exec 9>"$CACHE/lock"
flock 9
"$here/fetch.sh"
if runs elasticsearch && [ -e "$SITE" ]; then
  echo "lab: elasticsearch is already up; midwatch --config $SITE doctor"
  exit 0
fi
stop_server elasticsearch

mkdir -p "$LAB"/{config,data,logs,tmp}
touch "$LAB/.lab"
[ "$(id -u)" -ne 0 ] || chown -R nobody:nogroup "$LAB"
if ! as_server test -x "$LAB/config" || ! as_server test -r "$DISTRIBUTION/config/log4j2.properties"; then
  echo "lab: the server runs as nobody, who cannot enter $CACHE; name another folder with MIDWATCH_ELASTICSEARCH_CACHE=FOLDER" >&2
  exit 1
fi

if [ -e "$LAB/ports" ]; then
  read -r http_port transport_port <"$LAB/ports"
else
  read -r http_port transport_port < <("$PYTHON" -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(each.getsockname()[1] for each in held))')
  echo "$http_port $transport_port" >"$LAB/ports"
fi

# The disk thresholds would make a nearly full disk of the developer's refuse every document. An index that a test has
# deleted must not come back because somebody still writes into it.
cat >"$LAB/config/elasticsearch.yml" <<YAML
cluster.name: midwatch-lab
node.name: lab-0
discovery.type: single-node
http.host: 127.0.0.1
http.port: $http_port
transport.host: 127.0.0.1
transport.port: $transport_port
path.data: $LAB/data
path.logs: $LAB/logs
xpack.security.enabled: false
cluster.routing.allocation.disk.threshold_enabled: false
action.auto_create_index: false
YAML
cat >"$LAB/config/jvm.options" <<OPTIONS
-Xms512m
-Xmx512m
-XX:+ExitOnOutOfMemoryError
-XX:ErrorFile=$LAB/logs/hs_err_%p.log
-Djava.io.tmpdir=$LAB/tmp
20-:--add-modules=jdk.incubator.vector
OPTIONS
cp "$DISTRIBUTION/config/log4j2.properties" "$LAB/config/"
[ "$(id -u)" -ne 0 ] || chown -R nobody:nogroup "$LAB/config"

# Its command waits until the server answers, then leaves it in the background, its pid in a file: one line without its
# end, which `read` takes for none.
began=$(date +%s%N)
is_up=yes
as_server env -u JAVA_HOME ES_JAVA_HOME="$(java_home)" ES_PATH_CONF="$LAB/config" ES_TMPDIR="$LAB/tmp" HOME="$LAB" \
  ES_JAVA_OPTS= setsid timeout "$DEADLINE_S" "$DISTRIBUTION/bin/elasticsearch" -d -p "$LAB/tmp/pid" \
  >"$LAB/logs/start.log" 2>&1 </dev/null 9>&- || is_up=no
echo "$(cat "$LAB/tmp/pid" 2>/dev/null)" >"$LAB/elasticsearch.pid"
if [ "$is_up" = no ] || ! runs elasticsearch; then
  stop_server elasticsearch
  echo "lab: elasticsearch did not come up within $DEADLINE_S s; the end of $LAB/logs/start.log:" >&2
  tail -n 20 "$LAB/logs/start.log" >&2
  exit 1
fi
took_ms=$((($(date +%s%N) - began) / 1000000))

cat >"$SITE.new" <<TOML
# Written by tests/lab/elasticsearch/up.sh; gone with its down.sh.
# lab: $LAB
# started: {"version": "$VERSION", "from": "org.elasticsearch.distribution.integ-test-zip (Maven Central)", "start_s": $((took_ms / 1000)).$(printf '%03d' $((took_ms % 1000)))}
default_site = "lab"

[sites.lab]
guard = "none"

[sites.lab.elasticsearch]
url = "http://127.0.0.1:$http_port"
index = "logs-*"
TOML
mv "$SITE.new" "$SITE"
echo "lab: elasticsearch $VERSION is up on 127.0.0.1:$http_port; midwatch --config $SITE doctor"

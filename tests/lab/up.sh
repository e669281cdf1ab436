#!/usr/bin/env bash
# Bring up the lab: real servers on loopback, on free ports, under $LAB (default tests/lab/run), each a plain process with
# its pid in $LAB/NAME.pid and its words in $LAB/NAME.log. Each part of it is a file of its own: metrics.sh, alerts.sh,
# media.sh, logs.sh, traffic.sh. The way in is tests/lab/site.toml, which site.sh writes. down.sh ends it.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/processes.sh
. "$here/processes.sh"
# shellcheck source=tests/lab/metrics.sh
. "$here/metrics.sh"
# shellcheck source=tests/lab/alerts.sh
. "$here/alerts.sh"
# shellcheck source=tests/lab/media.sh
. "$here/media.sh"
# shellcheck source=tests/lab/logs.sh
. "$here/logs.sh"
# shellcheck source=tests/lab/traffic.sh
. "$here/traffic.sh"
# shellcheck source=tests/lab/site.sh
. "$here/site.sh"

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
install_noida

if [ -e "$SITE" ]; then
  up=yes
  for name in "${SERVERS[@]}"; do runs "$name" || up=no; done
  if [ "$up" = yes ]; then
    echo "lab: is already up; midwatch --config ${SITE#"$PWD/"} snapshot overview"
    exit 0
  fi
fi
for name in "${SERVERS[@]}"; do stop_server "$name"; done
for folder in "${FOLDERS[@]}"; do rm -rf "${LAB:?}/$folder"; done
rm -f "$SITE"
for folder in "${FOLDERS[@]}"; do mkdir -p "$LAB/$folder"; done
touch "$LAB/.lab"

# Whatever goes wrong from here on: no half a lab stays behind. The logs stay, to be read.
abandon() {
  local code=$?
  trap - EXIT
  [ "$code" -eq 0 ] || for name in "${SERVERS[@]}"; do stop_server "$name"; done
  exit "$code"
}
trap abandon EXIT

# All at once, held open together: so no two are the same.
read -r prometheus_port node_port am0_port am1_port gossip0_port gossip1_port rtmp_port origin_port backhaul_port edge_port \
  noida_port logs_port web1_port web2_port lb1_port lb2_port lb2_stats_port < <("$PYTHON" -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(17)]
print(*(each.getsockname()[1] for each in held))')

start_media
start_logs
start_alerts
start_metrics
start_traffic
await_alerts
await_logs
await_media
await_metrics
await_traffic
write_site
echo "lab: up; midwatch --config ${SITE#"$PWD/"} snapshot overview"

# Two Alertmanagers that gossip: each is told of every alert, and a silence made at one is known to the other. Sourced by
# up.sh.
# shellcheck shell=bash
# shellcheck disable=SC2154 # the ports are up.sh's

start_alerts() {
  cat >"$LAB/alertmanager/alertmanager.yml" <<'YAML'
global: {resolve_timeout: 1m}
route: {receiver: nobody, group_by: [alertname], group_wait: 1s, group_interval: 2s, repeat_interval: 1m}
receivers: [{name: nobody}]
YAML
  local web=("$am0_port" "$am1_port") gossip=("$gossip0_port" "$gossip1_port") own other
  for own in 0 1; do
    other=$((1 - own))
    # What a restarted peer must learn again it asks the other for; each is told of the other, so either may go.
    start "alertmanager-$own" prometheus-alertmanager --log.level=warn \
      --config.file="$LAB/alertmanager/alertmanager.yml" --storage.path="$LAB/alertmanager/$own" \
      --web.listen-address="127.0.0.1:${web[own]}" --cluster.listen-address="127.0.0.1:${gossip[own]}" \
      --cluster.peer="127.0.0.1:${gossip[other]}" --cluster.reconnect-interval=1s
  done
}

# Both peers see two members. Alertmanager answers before they have found each other.
await_alerts() {
  wait_for alertmanager-0 'its peer' has_two_peers "http://127.0.0.1:$am0_port"
  wait_for alertmanager-1 'its peer' has_two_peers "http://127.0.0.1:$am1_port"
}

has_two_peers() {
  "$PYTHON" -c '
import json, sys, urllib.request as web
answer = web.build_opener(web.ProxyHandler({})).open(sys.argv[1] + "/api/v2/status", timeout=2)
sys.exit(len(json.load(answer)["cluster"]["peers"]) != 2)' "$1"
}

# Prometheus looking at this machine by node_exporter, with one rule that truly fires. Sourced by up.sh.
# shellcheck shell=bash
# shellcheck disable=SC2154 # the ports are up.sh's

start_metrics() {
  # Every file system but the root is left out, and no type is: in a container the root is an overlay.
  start node-exporter prometheus-node-exporter \
    --web.listen-address="127.0.0.1:$node_port" --log.level=warn --collector.disable-defaults \
    --collector.cpu --collector.loadavg --collector.meminfo --collector.filesystem \
    --collector.filesystem.mount-points-exclude='^/.+' --collector.filesystem.fs-types-exclude='^$' \
    --collector.textfile --collector.textfile.directory="$LAB/node"

  # The archive is a machine that is not there (port 9 is `discard`, which nobody serves): what fires is true.
  cat >"$LAB/prometheus/rules.yml" <<'YAML'
groups:
- name: lab
  rules:
  - alert: TargetDown
    expr: up == 0
    for: 2s
    labels: {severity: critical}
    annotations: {summary: 'nothing answers at {{ $labels.instance }}'}
YAML
  cat >"$LAB/prometheus/prometheus.yml" <<YAML
global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}
rule_files: ['$LAB/prometheus/rules.yml']
alerting:
  alertmanagers: [{static_configs: [{targets: ['127.0.0.1:$am0_port', '127.0.0.1:$am1_port']}]}]
scrape_configs:
- {job_name: prometheus, static_configs: [{targets: ['127.0.0.1:$prometheus_port']}]}
- {job_name: node, static_configs: [{targets: ['127.0.0.1:$node_port']}]}
- {job_name: archive, static_configs: [{targets: ['127.0.0.1:9'], labels: {service: archive}}]}
YAML
  # Alertmanagers do not tell each other of alerts; one that was away knows none until Prometheus tells it again, by default
  # after a minute.
  start prometheus prometheus --web.listen-address="127.0.0.1:$prometheus_port" --log.level=warn \
    --config.file="$LAB/prometheus/prometheus.yml" --storage.tsdb.path="$LAB/prometheus/data" \
    --storage.tsdb.retention.time=1h --rules.alert.resend-delay=5s
}

await_metrics() {
  local prometheus=http://127.0.0.1:$prometheus_port
  wait_for node-exporter 'its load average' says "http://127.0.0.1:$node_port/metrics" node_load1
  wait_for prometheus 'its readiness' says "$prometheus/-/ready" Ready
  # 6 s ago: the console asks about whole steps of 5 s, so the first question may lie that far back.
  wait_for prometheus 'a rate of this machine, 6 s ago' \
    says "$prometheus/api/v1/query?query=count(rate(node_cpu_seconds_total%5B10s%5D%20offset%206s))" '"value"'
  local peer
  for peer in "$am0_port" "$am1_port"; do
    wait_for prometheus 'its alert at each Alertmanager' says "http://127.0.0.1:$peer/api/v2/alerts" TargetDown
  done
}

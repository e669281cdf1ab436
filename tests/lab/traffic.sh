# Two balancers (Debian's HAProxy) before two small web servers. Each balancer has its runtime API, one on a Unix socket and
# one over TCP, as they are found in the wild. Sourced by up.sh.
# shellcheck shell=bash
# shellcheck disable=SC2154 # the ports are up.sh's

# A health check goes to a page of its own: a server that fails its visitors and passes its check is what must be noticed.
write_balancer() { # NAME FRONT_PORT STATS_ADDRESS
  cat >"$LAB/traffic/$1.cfg" <<CFG
global
  stats socket $3 level admin
  maxconn 500
defaults
  mode http
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend live
  bind 127.0.0.1:$2
  default_backend web
backend web
  balance roundrobin
  option httpchk GET /health
  server web-1 127.0.0.1:$web1_port weight 100 maxconn 100 check inter 500
  server web-2 127.0.0.1:$web2_port weight 100 maxconn 100 check inter 500
CFG
}

start_traffic() {
  start web-1 "$PYTHON" "$ROOT/tests/lab/web.py" web-1 "$LAB/traffic/" "$web1_port"
  start web-2 "$PYTHON" "$ROOT/tests/lab/web.py" web-2 "$LAB/traffic/" "$web2_port"
  write_balancer lb-1 "$lb1_port" "$LAB/traffic/lb-1.sock mode 600"
  write_balancer lb-2 "$lb2_port" "ipv4@127.0.0.1:$lb2_stats_port"
  start lb-1 haproxy -db -f "$LAB/traffic/lb-1.cfg"
  start lb-2 haproxy -db -f "$LAB/traffic/lb-2.cfg"
}

await_traffic() {
  wait_for web-1 'its page' says "http://127.0.0.1:$web1_port/" ''
  wait_for web-2 'its page' says "http://127.0.0.1:$web2_port/" ''
  wait_for lb-1 'a page through it' says "http://127.0.0.1:$lb1_port/" ''
  wait_for lb-2 'a page through it' says "http://127.0.0.1:$lb2_port/" ''
}

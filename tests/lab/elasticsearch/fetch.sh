#!/usr/bin/env bash
# Fetch Elasticsearch from Maven Central, once, into $CACHE: the distribution that its own makers publish there for
# integration tests, the real server with few modules (docs/lab.md names what it lacks). A second call ends at once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lab/elasticsearch/folders.sh
. "$here/folders.sh"

needed=()
java_home >/dev/null || needed+=(openjdk-17-jre-headless)
[ -x "$DISTRIBUTION/bin/elasticsearch" ] || command -v mvn >/dev/null || needed+=(maven)
[ "$(id -u)" -ne 0 ] || command -v setpriv >/dev/null || needed+=(util-linux)
[ "${#needed[@]}" -eq 0 ] || printf '%s\n' "${needed[@]}" | "$here/../install.sh"
[ ! -x "$DISTRIBUTION/bin/elasticsearch" ] || exit 0

mkdir -p "$CACHE"
log=$CACHE/fetch.log
unpacked=$CACHE/unpacked
rm -rf "$unpacked"
mkdir "$unpacked"
artifact=org.elasticsearch.distribution.integ-test-zip:elasticsearch:$VERSION:zip
echo "lab: fetching $artifact with Maven (about 100 MB, once)"
began=$SECONDS
# Maven leaves its markers where it is called.
if ! (cd "$unpacked" && exec mvn -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:unpack -Dartifact="$artifact" \
  -DoutputDirectory="$unpacked") >"$log" 2>&1 </dev/null; then
  grep '^\[ERROR\]' "$log" | head -n 5 >&2 || tail -n 20 "$log" >&2
  echo "lab: Maven could not fetch it; its whole log is $log" >&2
  exit 1
fi
chmod -R a+rX "$unpacked"
chmod a+x "$unpacked/elasticsearch-$VERSION/bin"/*
# Renamed at the very end, so that half a distribution is never taken for a whole one.
mv "$unpacked/elasticsearch-$VERSION" "$DISTRIBUTION"
rm -rf "$unpacked"
echo "lab: fetched in $((SECONDS - began)) s"

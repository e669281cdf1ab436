# What fetch.sh, up.sh and down.sh all know: which Elasticsearch, where it lies, where it runs, and as whom. Sourced, never
# run. The lab's own processes.sh is asked for the rest: this is a lab beside it, with a folder and a site of its own.
# shellcheck shell=bash

VERSION=${MIDWATCH_ELASTICSEARCH_VERSION:-8.19.8}
# As root the server runs as nobody, and nobody cannot enter root's home.
home=$HOME/.cache
[ "$(id -u)" -ne 0 ] || home=/var/cache
CACHE=${MIDWATCH_ELASTICSEARCH_CACHE:-${XDG_CACHE_HOME:-$home}/midwatch-lab/elasticsearch}
case "$CACHE" in /*) ;; *) CACHE=$PWD/$CACHE ;; esac
DISTRIBUTION=$CACHE/elasticsearch-$VERSION

LAB=$CACHE/run
# shellcheck source=tests/lab/processes.sh
. "$(dirname "${BASH_SOURCE[0]}")/../processes.sh"
SERVERS=(elasticsearch)
SITE=$LAB/site.toml

# Elasticsearch refuses to run as root.
as_server() {
  if [ "$(id -u)" -ne 0 ]; then "$@"; else setpriv --reuid nobody --regid nogroup --clear-groups "$@"; fi
}

# A Java that it runs on: its home folder, or nothing. What ES_JAVA_HOME and JAVA_HOME name comes first, then the PATH's.
java_home() {
  local java major
  for java in ${ES_JAVA_HOME:+"$ES_JAVA_HOME/bin/java"} ${JAVA_HOME:+"$JAVA_HOME/bin/java"} "$(command -v java)" \
    /usr/lib/jvm/*/bin/java; do
    [ -x "$java" ] || continue
    major=$("$java" -version 2>&1 | sed -n 's/^.* version "\([0-9]*\).*/\1/p' | head -1)
    if [ "${major:-0}" -ge 17 ]; then
      dirname "$(dirname "$(readlink -f "$java")")"
      return
    fi
  done
  return 1
}

# What the scripts here all know: where the built servers lie, where they run, which process is ours. Sourced, never run.
# A lab of its own beside tests/lab, with the same rules for what is ours (processes.sh).
# shellcheck shell=bash

CACHE=${LAB_KUBERNETES:-${XDG_CACHE_HOME:-$HOME/.cache}/midwatch-lab/kubernetes}
case "$CACHE" in /*) ;; *) CACHE=$PWD/$CACHE ;; esac
# Folders in it are emptied, so it must be ours: LAB_KUBERNETES=/var would else cost a machine its /var/run.
if [ ! -e "$CACHE/.midwatch" ] && [ -n "$(ls -A "$CACHE" 2>/dev/null)" ]; then
  echo "lab: $CACHE is not empty and none of ours; name another folder with LAB_KUBERNETES=FOLDER" >&2
  exit 1
fi
LAB=$CACHE/run
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=tests/lab/processes.sh
. "$HERE/../processes.sh"
# The same names mean this lab from here on.
SITE=$ROOT/tests/lab/kubernetes.toml
SERVERS=(kube-apiserver etcd)

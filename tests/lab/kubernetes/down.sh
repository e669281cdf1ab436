#!/usr/bin/env bash
# Stop kube-apiserver and etcd by their pids and leave nothing of the run: no process, no site file, no data. What was built
# stays; to be rid of that too, remove the folder that is named.
set -euo pipefail
# shellcheck source=tests/lab/kubernetes/folders.sh
. "$(dirname "$0")/folders.sh"

stopped=()
for name in "${SERVERS[@]}"; do
  if pid_of "$name" >/dev/null; then stopped+=("$name"); fi
  stop_server "$name"
done
if [ "$(site_folder)" = "$LAB" ]; then rm -f "$SITE"; fi
if [ -e "$LAB/.lab" ]; then rm -rf "${LAB:?}"; fi
if [ "${#stopped[@]}" -gt 0 ]; then echo "lab: stopped ${stopped[*]}"; else echo "lab: nothing was up"; fi
if [ -e "$CACHE/bin" ]; then echo "lab: the built servers stay in $CACHE/bin"; fi

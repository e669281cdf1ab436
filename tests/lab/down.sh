#!/usr/bin/env bash
# Stop the lab by its pids and leave nothing of it: no process, no site.toml, no data. $LAB as for up.sh.
set -euo pipefail
# shellcheck source=tests/lab/processes.sh
. "$(dirname "$0")/processes.sh"

stopped=()
for name in "${SERVERS[@]}"; do
  if pid_of "$name" >/dev/null; then stopped+=("$name"); fi
  stop_server "$name"
done
if [ "$(site_folder)" = "$LAB" ]; then rm -f "$SITE"; fi
if [ -e "$LAB/.lab" ]; then
  for name in "${SERVERS[@]}"; do rm -f "$LAB/$name.log"; done
  for folder in "${FOLDERS[@]}"; do rm -rf "${LAB:?}/$folder"; done
  rm -f "$LAB/.lab"
  rmdir "$LAB" 2>/dev/null || echo "lab: left $LAB, which holds files that are not the lab's" >&2
fi
if [ "${#stopped[@]}" -gt 0 ]; then echo "lab: stopped ${stopped[*]}"; else echo "lab: nothing was up"; fi

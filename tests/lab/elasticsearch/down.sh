#!/usr/bin/env bash
# Stop the lab's Elasticsearch by its pid and leave nothing of what it held. The fetched distribution stays in $CACHE.
set -euo pipefail
# shellcheck source=tests/lab/elasticsearch/folders.sh
. "$(dirname "$0")/folders.sh"

was_up=no
if pid_of elasticsearch >/dev/null; then was_up=yes; fi
stop_server elasticsearch
if [ -e "$LAB/.lab" ]; then rm -rf "${LAB:?}"; fi
if [ "$was_up" = yes ]; then echo "lab: stopped elasticsearch"; else echo "lab: elasticsearch was not up"; fi

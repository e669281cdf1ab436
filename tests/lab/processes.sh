# What up.sh and down.sh both know: where the lab keeps its things, and which process is ours. Sourced, never run.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PYTHON=$ROOT/.venv/bin/python
SITE=$ROOT/tests/lab/site.toml
LAB=${LAB:-$ROOT/tests/lab/run}
case "$LAB" in /*) ;; *) LAB=$PWD/$LAB ;; esac
SERVERS=(prometheus node-exporter ffmpeg media-server)

# Whose site.toml it is, by the folder named in it; fails when there is none.
site_folder() { sed -n 's/^# lab: //p' "$SITE" 2>/dev/null | grep .; }

# The pid of a server of this lab; fails when there is none. A number in a file is no proof: pids are given out again, so
# the process must also carry our folder in its arguments, which every server of the lab is given.
pid_of() {
  local file=$LAB/$1.pid pid
  [ -r "$file" ] && read -r pid <"$file" || return 1
  case "$pid" in '' | *[!0-9]*) return 1 ;; esac
  { tr '\0' '\n' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF -- "$LAB/" || return 1
  echo "$pid"
}

# Running, and not left behind by a SIGSTOP.
runs() {
  local pid state
  pid=$(pid_of "$1") || return 1
  state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) || return 1
  case "$state" in '' | T | t | Z | X) return 1 ;; esac
}

# End one server by its pid, and wait until it is gone; what does not go within 5 s is killed.
stop_server() {
  local pid tries
  if pid=$(pid_of "$1"); then
    kill -TERM "$pid" 2>/dev/null || true
    kill -CONT "$pid" 2>/dev/null || true
    for ((tries = 0; tries < 50; tries++)); do
      pid_of "$1" >/dev/null || break
      sleep 0.1
    done
    if pid_of "$1" >/dev/null; then
      echo "lab: $1 ($pid) did not end within 5 s; killing it" >&2
      kill -KILL "$pid" 2>/dev/null || true
    fi
  fi
  rm -f "$LAB/$1.pid"
}

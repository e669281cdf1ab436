# What up.sh and down.sh both know: where the lab keeps its things, which process is ours, how one is started and ended.
# Sourced, never run.
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PYTHON=$ROOT/.venv/bin/python
SITE=$ROOT/tests/lab/site.toml
LAB=${LAB:-$ROOT/tests/lab/run}
case "$LAB" in /*) ;; *) LAB=$PWD/$LAB ;; esac
DEADLINE_S=${DEADLINE_S:-30} # for each thing waited for; the slowest is the third segment, 6 s of air

# In the order in which they are stopped: who writes before who is written to.
SERVERS=(
  prometheus node-exporter alertmanager-0 alertmanager-1 writer noida-gate noida-db ffmpeg edge backhaul origin lb-1 lb-2 web-1 web-2
)
FOLDERS=(prometheus node alertmanager logs media traffic) # what the lab keeps under $LAB

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

# start NAME COMMAND...: in a session of its own, so that neither ^C nor the end of the terminal that typed `make lab`
# reaches it.
start() {
  local name=$1
  shift
  setsid "$@" >"$LAB/$name.log" 2>&1 </dev/null &
  echo "$!" >"$LAB/$name.pid"
}

# wait_for SERVER WHAT COMMAND...: until the command succeeds, the server dies, or the deadline passes.
wait_for() {
  local name=$1 what=$2 end=$((SECONDS + DEADLINE_S)) why=
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ! kill -0 "$(cat "$LAB/$name.pid")" 2>/dev/null; then why="it has ended"; fi
    if [ "$SECONDS" -ge "$end" ]; then why="still not so after $DEADLINE_S s"; fi
    if [ -n "$why" ]; then
      echo "lab: $name did not come up: waited for $what; $why. The end of $LAB/$name.log:" >&2
      tail -n 20 "$LAB/$name.log" >&2
      exit 1
    fi
    sleep 0.2
  done
}

# says URL TEXT: the answer is 200 and holds the text. No proxy: loopback is asked directly.
says() {
  "$PYTHON" -c '
import sys, urllib.request as web
answer = web.build_opener(web.ProxyHandler({})).open(sys.argv[1], timeout=2).read().decode()
sys.exit(sys.argv[2] not in answer)' "$@"
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

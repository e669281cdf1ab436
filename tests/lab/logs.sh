# A server that speaks Elasticsearch's protocol, and a writer that indexes a few lines a second into it. Sourced by up.sh.
# shellcheck shell=bash
# shellcheck disable=SC2154 # the ports are up.sh's

NOIDA=0.2.3
NOIDA_HOME=${XDG_CACHE_HOME:-$HOME/.cache}/midwatch-lab/noida-db-$NOIDA

# A wheel that holds one binary, and is therefore neither in .venv nor among the project's dependencies.
install_noida() {
  [ -x "$NOIDA_HOME/noida_db/noida-db" ] && return
  echo "lab: installing noida-db $NOIDA"
  rm -rf "$NOIDA_HOME.new"
  "$PYTHON" -m pip install --quiet --disable-pip-version-check --only-binary :all: --no-deps \
    --target "$NOIDA_HOME.new" "noida-db==$NOIDA" || {
    echo "lab: pip could not install noida-db $NOIDA into $NOIDA_HOME.new" >&2
    exit 1
  }
  rm -rf "$NOIDA_HOME"
  mv "$NOIDA_HOME.new" "$NOIDA_HOME"
}

# The binary itself: its Python wrapper, when killed, leaves the server running.
start_logs() {
  start noida-db "$NOIDA_HOME/noida_db/noida-db" start --data-dir "$LAB/logs/data" --host 127.0.0.1 \
    --only elasticsearch --elasticsearch-port "$noida_port"
  wait_for noida-db 'its version' says "http://127.0.0.1:$noida_port/" '"number"'
  # noida-db 0.2.3 knows this format of a date in a sort, but not in a range; Elasticsearch has it since 7.0. For dates of
  # milliseconds, which are all there are here, the other one is the same.
  start noida-gate "$PYTHON" "$here/forwarder.py" "$logs_port" "$noida_port" "$LAB/" \
    strict_date_optional_time_nanos strict_date_optional_time
  start writer "$PYTHON" "$here/writer.py" "http://127.0.0.1:$noida_port" "$LAB/logs/written"
}

await_logs() {
  wait_for writer 'its first lines' says "http://127.0.0.1:$noida_port/logs-lab-*/_search?q=message:beat" '"_id"'
}

#!/usr/bin/env bash
# The third ring of tests: the lab with real servers, the long proofs (mark `proof`), and the benches at full N; the figures go to docs/proof/lab.json.
# Brings the lab up when it is not, and down again when it did. What is not up (the Kubernetes API server and the
# Elasticsearch of tests/lab have targets of their own) is named as not run. PROOF_TESTS=tests/lab/test_lab.py runs only
# those tests, PROOF_BENCHES="table log" only those benches, PROOF_BENCHES= none. Exits 1 when a test failed; a bench that misses its goal is told and written down.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=tests/lab/processes.sh
. tests/lab/processes.sh

say() { printf '\n== %s\n' "$*"; }

folder=$(mktemp -d)
is_ours=no
finish() {
  local code=$?
  trap - EXIT
  [ "$is_ours" = no ] || tests/lab/down.sh || code=1
  rm -rf "$folder"
  exit "$code"
}
trap finish EXIT

say lab
up=yes
[ -e "$SITE" ] || up=no
LAB=$(site_folder || echo "$LAB") # the lab that is up, wherever it keeps its things
for name in "${SERVERS[@]}"; do runs "$name" || up=no; done
if [ "$up" = no ]; then
  is_ours=yes
  export LAB
  tests/lab/up.sh
else
  echo "lab: is up, and stays up"
fi

code=0
# shellcheck disable=SC2086 # several paths are several words
LAB_PROOF_DIR=$folder timeout 3600 "$PYTHON" -m pytest -q -m "lab or proof" -rs --junitxml="$folder/tests.xml" \
  ${PROOF_TESTS-} || code=1

say benches
for bench in ${PROOF_BENCHES-$("$PYTHON" -c 'from tests.bench.__main__ import BENCHES; print(*BENCHES)')}; do
  echo "$bench"
  # 1 is a goal that was missed, which the figure itself tells; anything above is a bench that could not be measured
  timeout 900 "$PYTHON" -m tests.bench "$bench" --json >"$folder/$bench.bench" 2>"$folder/$bench.words" ||
    [ $? -eq 1 ] || { cat "$folder/$bench.words" >&2; mv "$folder/$bench.words" "$folder/$bench.failed"; }
done

say proof
"$PYTHON" -m tests.proof.join "$folder" docs/proof/lab.json || code=1
exit "$code"

#!/usr/bin/env bash
# Runs the long form of every case of docs/reliability.md and prints one line for each, with its figure.
#
#   scripts/torture.sh -p PACKAGE...     (`make torture` builds them, and names them)
#
# The lines are in target/torture/report.txt, what the tests said in target/torture/log.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
source target/test-env/env.sh

export TOKENKEEP_TORTURE=$PWD/target/torture/report.txt
log=$PWD/target/torture/log.txt
: >"$TOKENKEEP_TORTURE"
: >"$log"
# Each line as it comes, for whoever watches.
tail -n +1 -f "$TOKENKEEP_TORTURE" &
watcher=$!
trap 'sleep 0.2; kill $watcher' EXIT

status=0
while [ $# -gt 0 ]; do
  # One test at a time: what is measured is the product, and not who gets the processors.
  cargo test --locked --profile torture --no-fail-fast "$1" "$2" -- --test-threads=1 >>"$log" 2>&1 || status=1
  shift 2
done
scripts/fuzz.sh 60 >>"$log" 2>&1 || status=1
if [ $status -ne 0 ]; then
  grep -E "^(test .*FAILED|thread '|fuzz)|panicked" "$log" >&2 || true
  echo "torture: something was lost; all of it is in $log" >&2
fi
exit $status

#!/usr/bin/env bash
# Runs the long form of every case of docs/reliability.md and prints one line for each, with its figure.
#
#   scripts/torture.sh     (after `make torture` has built what it runs)
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
# run PACKAGE [TEST...]: one test at a time, since what is measured is the product, and not who gets the processors.
run() {
  local package=$1
  shift
  cargo test --locked --profile torture --no-fail-fast -p "$package" -- --test-threads=1 "$@" >>"$log" 2>&1 || status=1
}

run tokenkeep-concurrency
run tokenkeep-crash
run tokenkeep-hostile
run tokenkeep-storage
# The cases that scenarios prove.
run tokenkeep-behaviour server_that_is_down throttled_by_retry_after endless_and_slow odd_answers two_logins_at_once \
  answer_that_comes_twice
scripts/fuzz.sh 60 >>"$log" 2>&1 || status=1
if [ $status -ne 0 ]; then
  grep -E "^test .*FAILED|panicked at|^fuzz.*[1-9] crashes" "$log" >&2 || true
  echo "torture: a case failed; all of it is in $log" >&2
fi
exit $status

#!/usr/bin/env bash
# Feeds every reader of foreign bytes for a while: builds the targets of fuzz/ and runs each for SECONDS, 60
# unless told, two at a time. Fails when one of them crashes, and says how to see it again.
#
#   scripts/fuzz.sh [SECONDS] [TARGET...]
#
# The stable toolchain does it: libFuzzer comes with a crate, and rustup's toolchains bring the address
# sanitizer along. What a run finds stays in target/fuzz: the corpora of fuzz/corpus are only read. One line
# a target goes to the file that TOKENKEEP_TORTURE names, if it is set.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

export SECONDS_EACH=${1:-60}
[[ $SECONDS_EACH =~ ^[1-9][0-9]*$ ]] || fail "SECONDS is a number of seconds, found $SECONDS_EACH"
shift || true
HOST=$(rustc -vV | sed -n 's/^host: //p')
export HOST
folder=target/fuzz

# libFuzzer is C++.
missing_packages() { has g++ || has c++ || echo g++; }

build() {
  local runtime
  runtime=$(rustc --print sysroot)/lib/rustlib/$HOST/lib
  compgen -G "$runtime/librustc-*_rt.asan.*" >/dev/null ||
    fail "$runtime has no address sanitizer: run this with a toolchain of rustup, on Linux or macOS"
  local flags=(
    --cfg fuzzing -Zsanitizer=address
    # Where the run has been, and what it compared: how libFuzzer finds its way.
    -Cpasses=sancov-module
    -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares
    # Coverage wants one unit a crate.
    -Ccodegen-units=1
  )
  say "building (the first time takes some minutes)"
  # The flags are not stable; the compiler is. With --target they do not reach build scripts.
  RUSTC_BOOTSTRAP=1 RUSTFLAGS="${flags[*]}" cargo build --quiet --locked --release \
    --manifest-path fuzz/Cargo.toml --target "$HOST" --target-dir "$folder"
}

# run_target TARGET: one line on how it went; fails when it crashed.
run_target() {
  local target=$1 began=$SECONDS crashes=0
  local log=target/fuzz/log/$target.log found=target/fuzz/corpus/$target crash=target/fuzz/crashes/$target
  local program=target/fuzz/$HOST/release/$target dictionary=fuzz/dictionaries/$target.dict
  mkdir -p "$(dirname "$log")" "$found" "$crash"
  local options=(-max_total_time="$SECONDS_EACH" -max_len=4096 -timeout=10 -print_final_stats=1)
  [ ! -f "$dictionary" ] || options+=(-dict="$dictionary")
  # New inputs go to the first folder; the second one is only read.
  "$program" "${options[@]}" -artifact_prefix="$crash/" "$found" "fuzz/corpus/$target" >"$log" 2>&1 || crashes=1

  local runs edges line
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  line="fuzz $target: ${runs:-0} runs in $((SECONDS - began)) s, ${edges:-0} edges, $crashes crashes"
  echo "$line"
  [ -z "${TOKENKEEP_TORTURE:-}" ] || echo "$line" >>"$TOKENKEEP_TORTURE"
  [ $crashes -ne 0 ] || return 0

  local file
  file=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
  {
    grep -m 1 -A 4 -e "panicked at" -e "ERROR: " "$log" || tail -n 20 "$log"
    echo "fuzz $target: the whole of it is in $log"
    [ -z "$file" ] || echo "fuzz $target: again: $program $file"
  } >&2
  return 1
}
export -f run_target

install_packages
build
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  mapfile -t targets < <(cd fuzz/fuzz_targets && printf '%s\n' *.rs | sed 's/\.rs$//')
fi
printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} bash -c 'run_target {}' || fail "a target has crashed"
say "${#targets[@]} targets held for $SECONDS_EACH s each"

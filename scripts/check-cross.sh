#!/usr/bin/env bash
# Type check and clippy of the whole workspace for systems that cannot run here: macOS and Windows. A call that is not
# there, code that nothing uses there and a lint are errors. Nothing is linked, so no tools of those systems are needed.
#
#   scripts/check-cross.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh
source scripts/other-systems.sh

TARGETS=(aarch64-apple-darwin x86_64-pc-windows-msvc)

for target in "${TARGETS[@]}"; do
  use_target "$target"
  say "$target"
  # Libraries in C are not looked into.
  export "CC_${target//-/_}=$PWD/scripts/empty-outputs.sh" "AR_${target//-/_}=$PWD/scripts/empty-outputs.sh"
  cargo_for_target clippy --quiet --keep-going --workspace --all-targets -- -D warnings
done

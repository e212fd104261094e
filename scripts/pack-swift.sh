#!/usr/bin/env bash
# Builds the Swift package as an app depends on it, in target/packages/tokenkeep-swift: what is written in bindings-swift, the Swift
# that calls the native half, and that half. On a Mac scripts/xcframework.sh makes the last.
#
#   scripts/pack-swift.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh
package=$PWD/target/packages/tokenkeep-swift
generated=$PWD/target/swift-generated
library=target/release/libtokenkeep_swift.a

cargo build --quiet --locked --release -p tokenkeep-swift
cargo build --quiet --locked -p tokenkeep-swift-bindgen

rm -rf "$generated"
target/debug/swift-bindgen --swift-sources --headers --modulemap --module-name TokenkeepNativeFFI \
  --modulemap-filename module.modulemap --metadata-no-deps "$library" "$generated"

# A program is linked anew for objects that have changed, and not for a library: this is an object of the library's content.
printf '\npublic let builtWith = "%s"\n' "$(hash_of "$library")" >>"$generated/TokenkeepNative.swift"

# put FOLDER FILE...: what has not changed keeps its time, and is not compiled again.
put() {
  local folder=$package/$1 file
  mkdir -p "$folder"
  for file in "${@:2}"; do
    cmp --quiet "$file" "$folder/$(basename "$file")" || cp "$file" "$folder"
  done
}

(
  cd bindings-swift
  while IFS= read -r file; do
    put "$(dirname "$file")" "$file"
  done < <(git ls-files NOTICE Package.swift Sources Tests)
)
put . LICENSE-APACHE LICENSE-MIT
put Sources/TokenkeepNative "$generated/TokenkeepNative.swift"
put Sources/TokenkeepNativeFFI "$generated/TokenkeepNativeFFI.h" "$generated/module.modulemap"
put lib "$library"

#!/usr/bin/env bash
# Builds the Swift package as an app depends on it, in target/packages/tokenkeep-swift: what is written in bindings-swift,
# the Swift that calls the native half, and that half.
#
#   scripts/pack-swift.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh
package=$PWD/target/packages/tokenkeep-swift
generated=$PWD/target/swift-generated
library=target/release/libtokenkeep_swift.a

# put FOLDER FILE...: what has not changed keeps its time, and is not compiled again.
put() {
  local folder=$package/$1 file name
  mkdir -p "$folder"
  for file in "${@:2}"; do
    name=$(basename "$file")
    cmp -s "$file" "$folder/$name" || cp "$file" "$folder"
    wanted+=("$folder/$name")
  done
}

# Removes what an earlier version of the package had.
remove_others() {
  local file
  while IFS= read -r file; do
    [[ " ${wanted[*]} " == *" $file "* ]] || rm "$file"
  done < <(find "$package/Sources" "$package/Tests" -type f)
}

put_written() {
  local file
  while IFS= read -r file; do
    put "$(dirname "$file")" "bindings-swift/$file"
  done < <(cd bindings-swift && git ls-files --cached --others --exclude-standard NOTICE Package.swift Sources Tests)
  put . LICENSE-APACHE LICENSE-MIT
}

put_native() {
  cargo build --quiet --locked --release -p tokenkeep-swift
  cargo build --quiet --locked -p tokenkeep-swift-bindgen
  rm -rf "$generated"
  target/debug/swift-bindgen --swift-sources --metadata-no-deps "$library" "$generated"
  target/debug/swift-bindgen --headers --modulemap --module-name TokenkeepNativeFFI \
    --modulemap-filename module.modulemap --metadata-no-deps "$library" "$generated/headers"
  # A program is linked anew for objects that have changed, and not for a library: this is an object of its content.
  printf '\npublic let builtWith = "%s"\n' "$(hash_of "$library")" >>"$generated/TokenkeepNative.swift"
  put Sources/TokenkeepNative "$generated/TokenkeepNative.swift"
  if [ "$(uname)" = Darwin ]; then
    scripts/xcframework.sh "$generated/headers" "$package/TokenkeepNativeFFI.xcframework"
  else
    put Sources/TokenkeepNativeFFI "$generated"/headers/*
    put lib "$library"
  fi
}

wanted=()
put_written
put_native
remove_others

#!/usr/bin/env bash
# On a Mac: the native half of the Swift package for both of its processors, as an XCFramework. Called by
# scripts/pack-swift.sh, which has written the headers.
#
#   scripts/xcframework.sh HEADERS XCFRAMEWORK
set -euo pipefail
headers=$(cd "$1" && pwd)
framework=$2
cd "$(dirname "$0")/.."

# That of Package.swift.
export MACOSX_DEPLOYMENT_TARGET=13.0
library=target/xcframework/libtokenkeep_swift.a

halves=()
for target in aarch64-apple-darwin x86_64-apple-darwin; do
  rustup target add "$target"
  cargo build --quiet --locked --release -p tokenkeep-swift --target "$target"
  halves+=("target/$target/release/libtokenkeep_swift.a")
done
mkdir -p "$(dirname "$library")"
lipo -create "${halves[@]}" -output "$library"
rm -rf "$framework"
xcodebuild -create-xcframework -library "$library" -headers "$headers" -output "$framework"

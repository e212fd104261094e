#!/usr/bin/env bash
# The tests of the Swift package: its own, and those against the scripted server. Nothing may be warned of.
#
#   scripts/test-swift.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

if ! scripts/swift.sh true 2>/dev/null; then
  scripts/setup-swift.sh
  exit
fi

# swift_test NAME FOLDER: builds and runs the tests of a package.
swift_test() {
  say "$2"
  # No keychain answers there, whatever the machine has.
  DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent/bus SWIFT_BACKTRACE=enable=no \
    scripts/swift.sh swift test --disable-xctest -Xswiftc -warnings-as-errors \
    --package-path "$2" --scratch-path "target/swift/$1"
}

# The login in the system's window is Apple's alone: elsewhere its types are checked against the declarations that it uses.
check_apple() {
  local package=target/packages/tokenkeep-swift modules=target/swift/apple
  say "the types of what is Apple's alone"
  mkdir -p "$modules"
  scripts/swift.sh swiftc -swift-version 6 -parse-as-library -emit-module -module-name AuthenticationServices \
    -o "$modules/AuthenticationServices.swiftmodule" tests/behaviour/swift/Apple/AuthenticationServices.swift
  scripts/swift.sh swiftc -swift-version 6 -warnings-as-errors -typecheck -module-name Tokenkeep \
    -I "$modules" -I target/swift/package/debug/Modules \
    -Xcc -fmodule-map-file="$package/Sources/TokenkeepNativeFFI/module.modulemap" "$package"/Sources/Tokenkeep/*.swift
}

swift_test package target/packages/tokenkeep-swift
[ "$(uname)" = Darwin ] || check_apple
swift_test scenarios tests/behaviour/swift

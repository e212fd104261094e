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

swift_test package target/packages/tokenkeep-swift
swift_test scenarios tests/behaviour/swift

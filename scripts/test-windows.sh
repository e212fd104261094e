#!/usr/bin/env bash
# Builds the core, the command line and the tests for Windows with MinGW, and runs them under Wine: files, locks and
# processes, the Credential Manager, the loopback redirect, a terminal. Wine is not Windows; docs/releasing.md says what
# it cannot show.
#
#   scripts/test-windows.sh
#
# Not run here: what a test leaves out for Windows itself (`cfg`); the bindings, which need Python's or Node's own
# Windows build; tests/storage but for the library's part of `damage`, whose other part is four minutes of processes
# that show the same; tests/crash, hostile, interop and leak, which need strace, mounts, or servers written by others.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh
source scripts/other-systems.sh

TARGET=x86_64-pc-windows-gnu
PACKAGES=(tokenkeep tokenkeep-cli tokenkeep-bindings tokenkeep-behaviour tokenkeep-concurrency tokenkeep-storage)
compiler=x86_64-w64-mingw32-gcc-posix
programs=$PWD/target/cross/$TARGET/debug

missing_packages() {
  has $compiler || echo gcc-mingw-w64-x86-64-posix
  has wine || echo wine
  has wine || echo wine64
}

# The tests, and the programs that they start.
build() {
  export CC_x86_64_pc_windows_gnu=$compiler AR_x86_64_pc_windows_gnu=x86_64-w64-mingw32-ar
  export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$compiler
  # Nobody debugs here, and the debug information takes longer to link than the rest.
  export CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0
  # In one call: with other packages beside them the dependencies have other features, and are built anew.
  cargo_for_target build --quiet --bins --tests "${PACKAGES[@]/#/--package=}" --package=tokenkeep-authorization-server
  # Beside each program, where Windows looks first.
  $compiler -shared -o "$programs/bcryptprimitives.dll" tests/windows/bcryptprimitives.c -ladvapi32
  cp "$programs/bcryptprimitives.dll" "$programs/deps"
}

make_prefix() {
  export WINEPREFIX=$PWD/target/test-env/wine
  # No display, no .NET, no browser of its own, no talk.
  unset DISPLAY
  export WINEDLLOVERRIDES="mscoree,mshtml=" WINEDEBUG=-all
  [ -e "$WINEPREFIX/done" ] || {
    say "Wine's prefix in ${WINEPREFIX#"$PWD/"} (once)"
    wineboot --init 2>/dev/null
    wineserver --wait
    touch "$WINEPREFIX/done"
  }
}

# The races at other servers need those servers.
run_tests() {
  CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=wine cargo_for_target test --quiet --tests --no-fail-fast \
    "${PACKAGES[@]/#/--package=}" -- --skip oidc_provider --skip django --skip the_command_line_says
}

use_target $TARGET
install_packages
say "building (the first time takes some minutes)"
build
make_prefix
# What a test that was killed left running.
trap 'wineserver --kill || true' EXIT
run_tests
python3 tests/windows/on_a_desktop.py "$programs"
say "all passed"

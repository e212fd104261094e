#!/usr/bin/env bash
# Swift 6 for the tests: the one on this machine, or the package of Debian 13 in a folder of its own,
# target/test-env/debian-13 (some 3 GB), which needs root on a Debian. Elsewhere it says in one line why the tests in
# Swift are skipped, and fails when CI is set: there none may be.
#
#   scripts/setup-swift.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

debian=$PWD/target/test-env/debian-13
# Foundation's own needs, which are recommended and not required.
PACKAGES=(swiftlang ca-certificates libcurl4-openssl-dev libxml2 tzdata zlib1g-dev)

missing_packages() {
  has debootstrap || echo debootstrap
}

skip() {
  [ -z "${CI:-}" ] || fail "$1"
  say "tests in Swift are skipped: $1"
  exit 0
}

# An older Swift does not know the language mode that the package is written in.
is_new_enough() { [[ $(swift --version 2>/dev/null) =~ Swift\ version\ ([0-9]+) ]] && [ "${BASH_REMATCH[1]}" -ge 6 ]; }

install_debian() {
  say "Debian 13 with Swift in target/test-env/debian-13 (some minutes, 3 GB, once)"
  rm -rf "$debian" "$debian.new"
  debootstrap --variant=minbase trixie "$debian.new" >"$debian.log" || { tail "$debian.log" >&2; fail "no Debian"; }
  # The network is reached as this machine reaches it.
  cp --dereference /etc/hosts /etc/resolv.conf "$debian.new/etc"
  unshare --mount bash -c '
    mount -t proc proc "$0/proc"
    chroot "$0" apt-get -qq update
    DEBIAN_FRONTEND=noninteractive chroot "$0" apt-get -qq install -y --no-install-recommends "$@"
    chroot "$0" apt-get clean
  ' "$debian.new" "${PACKAGES[@]}" >>"$debian.log" 2>&1 || { tail "$debian.log" >&2; fail "no Swift"; }
  mv "$debian.new" "$debian"
}

if has swift; then
  is_new_enough || skip "the Swift of this machine is older than 6"
elif [ ! -d "$debian" ]; then
  has apt-get && [ "$(id -u)" -eq 0 ] || skip "there is no Swift, and it takes root on a Debian to set one up"
  install_packages
  install_debian
fi
say "all there"

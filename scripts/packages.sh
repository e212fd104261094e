# Sourced by the scripts that need system programs. They come from apt-get on Debian as root; elsewhere it is
# said what is missing and how to get it, and the script stops. Whoever sources this names the packages that are
# not there in a function missing_packages, and calls install_packages.
# shellcheck shell=bash

script_name=$(basename "$0" .sh)

say() { echo "$script_name: $*"; }

fail() {
  echo "$script_name: $*" >&2
  exit 1
}

has() { command -v "$1" >/dev/null; }

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -gt 0 ] || return 0
  if ! has apt-get; then
    fail "missing: ${missing[*]} (Debian's names). Install them with your system's package manager, then run this again."
  fi
  if [ "$(id -u)" -ne 0 ]; then
    fail "missing: ${missing[*]}. Run: sudo apt-get install --no-install-recommends ${missing[*]}"
  fi
  say "installing with apt-get: ${missing[*]}"
  # Another apt-get may be at work: wait for it.
  local apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
  "${apt[@]}" update
  DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >/dev/null
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -eq 0 ] || fail "still missing after apt-get: ${missing[*]}"
}

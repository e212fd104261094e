# Sourced by the scripts that install what the tests need. System programs come from apt-get on Debian as root;
# elsewhere it is said what is missing and how to get it, and the script stops. Whoever wants some names the packages
# that are not there in a function missing_packages, and calls install_packages.
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

# is_done STAMP FILE...: whether STAMP was written for what the files hold now.
is_done() { [ "$(cat "$1" 2>/dev/null)" = "$(hash_of "${@:2}")" ]; }

hash_of() { cat "$@" | openssl dgst -sha256 -r | cut -d ' ' -f 1; }

# install_venv FOLDER REQUIREMENTS...: an environment of Python with just these packages.
install_venv() {
  local venv=$1 requirements=("${@:2}") file
  for file in "${requirements[@]}"; do
    [ -f "$file" ] || fail "$file is not there"
  done
  ! is_done "$venv/.requirements" "${requirements[@]}" || return 0
  say "Python packages of ${requirements[*]} in ${venv#"$PWD/"}"
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check "${requirements[@]/#/--requirement=}"
  hash_of "${requirements[@]}" >"$venv/.requirements"
}

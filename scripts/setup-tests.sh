#!/usr/bin/env bash
# Puts on this machine what the tests need beside Rust, and writes target/test-env/env.sh, which
# tells the tests where it is. Safe to run again at any time; what is there stays.
#
#   scripts/setup-tests.sh
#
# System programs come from apt-get on Debian as root. Elsewhere the script names what is missing
# and how to get it, and stops: a test that cannot run is never skipped in silence.
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO_DENY=0.20.2
NODE_MAJOR=20
# The conformance suite of the Model Context Protocol wants a newer one; its folder brings it for Linux and Intel Macs.
NODE_MAJOR_MCP=22
NPM_FOLDERS=(tests/interop/oidc-provider tests/interop/browser tests/interop/mcp)
environment=$PWD/target/test-env

source scripts/packages.sh

# Chromium may be one of your own: TOKENKEEP_TEST_CHROMIUM names it.
chromium_path() { echo "${TOKENKEEP_TEST_CHROMIUM:-$(type -P chromium)}"; }

# The Debian packages of the programs that are not there.
missing_packages() {
  [ -x "$(chromium_path)" ] || echo chromium
  has dbus-daemon && has dbus-send || echo dbus
  has faketime || echo faketime
  has gcc || echo gcc
  has gnome-keyring-daemon || echo gnome-keyring
  has openssl || echo openssl
  has pkg-config || echo pkg-config
  has python3 || echo python3
  python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  has secret-tool || echo libsecret-tools
  has strace || echo strace
}

# Debian's own Node may be too old, so this is left to the developer.
check_node() {
  local major
  has node && has npm || fail "missing: node and npm. Install Node.js $NODE_MAJOR or newer."
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge "$NODE_MAJOR" ] || fail "Node.js $major is too old. Install Node.js $NODE_MAJOR or newer."
}

# The Node.js of the conformance suite: the one that npm has put there, else the machine's own.
node_for_mcp() {
  local node
  for node in "$PWD"/tests/interop/mcp/node_modules/node-*/bin/node "$(type -P node)"; do
    [ -x "$node" ] && [ "$("$node" -p 'process.versions.node.split(".")[0]')" -ge "$NODE_MAJOR_MCP" ] || continue
    echo "$node"
    return
  done
  fail "missing: Node.js $NODE_MAJOR_MCP, for which npm has no package on this machine. Install Node.js $NODE_MAJOR_MCP or newer."
}

install_npm_folder() {
  local folder=$1 stamp=$1/node_modules/.tokenkeep-lock
  ! is_done "$stamp" "$folder/package-lock.json" || return 0
  say "npm ci in $folder"
  (cd "$folder" && npm ci --loglevel=error)
  hash_of "$folder/package-lock.json" >"$stamp"
}

is_cargo_deny() { [ "$("$1" --version 2>/dev/null)" = "cargo-deny $CARGO_DENY" ]; }

install_cargo_deny() {
  ! is_cargo_deny cargo-deny || return 0
  ! is_cargo_deny "$environment/cargo/bin/cargo-deny" || return 0
  say "cargo install cargo-deny $CARGO_DENY in target/test-env/cargo (some minutes, once)"
  cargo install --quiet --locked --root "$environment/cargo" "cargo-deny@$CARGO_DENY"
}

write_environment() {
  local file=$environment/env.sh node_for_mcp
  node_for_mcp=$(node_for_mcp)
  {
    echo "# Written by scripts/setup-tests.sh: where the tests find what they need."
    printf 'export TOKENKEEP_TEST_NODE=%q\n' "$(command -v node)"
    printf 'export TOKENKEEP_TEST_NODE_MCP=%q\n' "$node_for_mcp"
    printf 'export TOKENKEEP_TEST_PYTHON_DJANGO=%q\n' "$environment/django/bin/python"
    printf 'export TOKENKEEP_TEST_PYTHON_MSAL=%q\n' "$environment/msal/bin/python"
    printf 'export TOKENKEEP_TEST_CHROMIUM=%q\n' "$(chromium_path)"
    # scripts/install-packages.sh puts the packages there.
    printf 'export TOKENKEEP_TEST_PYTHON=%q\n' "$environment/python/bin/python"
    printf 'export TOKENKEEP_TEST_PACKAGES=%q\n' "$PWD/target/packages"
    printf 'export PATH=%q:"$PATH"\n' "$environment/cargo/bin"
  } >"$file.new"
  mv "$file.new" "$file"
}

mkdir -p "$environment"
install_packages
check_node
for folder in "${NPM_FOLDERS[@]}"; do
  install_npm_folder "$folder"
done
install_venv "$environment/django" tests/interop/django/requirements.txt
install_venv "$environment/msal" tests/authorization-server/tests/msal/requirements.txt
install_cargo_deny
write_environment
say "all there; the paths are in target/test-env/env.sh"

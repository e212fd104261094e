#!/usr/bin/env bash
# Builds the Python wheel, the npm packages and the Swift package as they are published, in target/packages, and installs
# them as a user does: in a virtual environment and a fresh folder below target/test-env, with the clients that the tests
# use beside them. Swift's is depended on where it is, by the programs that other tests start.
#
#   scripts/install-packages.sh
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

environment=$PWD/target/test-env
packages=$PWD/target/packages
venv=$environment/python
folder=$environment/node
fresh=$environment/node-fresh

build_wheel() {
  say "the wheel (the first time takes some minutes)"
  rm -f "$packages"/*.whl
  "$venv/bin/pip" wheel --quiet --no-deps --wheel-dir "$packages" .
}

build_tarballs() {
  say "the npm packages (the first time takes some minutes)"
  scripts/pack-npm.sh
}

install_wheel() {
  "$venv/bin/pip" install --quiet --no-deps --no-index --force-reinstall "$packages"/*.whl
}

install_clients() {
  local manifest=tests/adapters/node
  is_done "$folder/.lock" "$manifest/package-lock.json" && return
  say "npm packages of $manifest in target/test-env/node"
  rm -rf "$folder"
  mkdir -p "$folder"
  cp "$manifest/package.json" "$manifest/package-lock.json" "$folder"
  (cd "$folder" && npm ci --loglevel=error)
  hash_of "$manifest/package-lock.json" >"$folder/.lock"
}

install_tarballs() {
  rm -rf "$fresh"
  mkdir -p "$fresh"
  # Offline: the other platforms' halves are not there yet, and not asked for.
  (cd "$fresh" && npm install --offline --no-package-lock --loglevel=error "$packages"/*.tgz)
  # Where the types of the clients that its adapters are for are found too.
  rm -rf "$folder/node_modules/tokenkeep" "$folder/node_modules/@tokenkeep"
  cp -R "$fresh/node_modules/tokenkeep" "$fresh/node_modules/@tokenkeep" "$folder/node_modules"
}

build_swift() {
  # scripts/setup-swift.sh has said why there is none.
  scripts/swift.sh true 2>/dev/null || return 0
  say "the Swift package (the first time takes some minutes)"
  scripts/pack-swift.sh
  local quiet=(scripts/swift.sh swift build --quiet -Xswiftc -warnings-as-errors)
  "${quiet[@]}" -c release --package-path tests/concurrency/workers/swift --scratch-path target/swift/workers
  "${quiet[@]}" --package-path examples/swift --scratch-path target/swift/examples
}

mkdir -p "$packages"
install_venv "$venv" bindings-python/requirements-test.txt tests/adapters/python/requirements.txt
build_wheel
install_wheel
install_clients
build_tarballs
install_tarballs
build_swift
# Modules below tests/ find what they import.
ln -sfn "$folder/node_modules" tests/node_modules
say "installed in target/test-env/python and target/test-env/node; Swift's is in target/packages/tokenkeep-swift"

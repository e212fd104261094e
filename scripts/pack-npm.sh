#!/usr/bin/env bash
# Builds the npm package and the native half for this machine, and packs both into target/packages.
#
#   scripts/pack-npm.sh
set -euo pipefail
cd "$(dirname "$0")/../bindings-node"
packages=$PWD/../target/packages

mkdir -p "$packages"
rm -f "$packages"/*.tgz
# `prepare` builds.
npm ci --loglevel=error
for part in npm/tokenkeep "$(dirname npm/*/tokenkeep.node)"; do
  npm pack --silent --pack-destination "$packages" "./$part" >/dev/null
done

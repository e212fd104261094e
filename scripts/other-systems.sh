# Sourced by the scripts that build for other systems. `use_target TARGET` finds a Rust that knows the target, and
# `cargo_for_target COMMAND...` runs cargo with it. All of it is built in target/cross.
#
# A target that rustup has installed is used as it is. Where it is not there, and perhaps cannot be fetched, Debian's
# rustc serves: its package of sources holds the standard library, which is then built for the target. The packages are
# unpacked in target/test-env/rust-web and never installed: they would take the place of rustup's programs.
# shellcheck shell=bash

debian_rust=$PWD/target/test-env/rust-web

use_target() {
  target=$1
  export CARGO_TARGET_DIR=$PWD/target/cross
  if has rustup && rustup target list --installed | grep -qx "$target"; then
    cargo_for_target() { cargo "$1" --locked --target "$target" "${@:2}"; }
    return
  fi
  install_debian_rust
  libraries=$(printf '%s:' "$debian_rust"/usr/lib/*-linux-gnu "$debian_rust"/lib/*-linux-gnu)
  cargo_for_target() {
    local cargo=cargo
    # Looks for the compiler's other half beside itself.
    [ "$1" != clippy ] || cargo=$debian_rust/usr/bin/cargo-clippy
    LD_LIBRARY_PATH=$libraries \
      RUSTC=$debian_rust/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
      "$cargo" "$1" -Zbuild-std=std,panic_unwind --locked --target "$target" "${@:2}"
  }
}

install_debian_rust() {
  [ ! -e "$debian_rust/done" ] || return 0
  local missing="missing: the target $target" packages=$debian_rust.packages package names
  ! has rustup || missing+=". Run: rustup target add $target"
  has apt-get || fail "$missing"
  [ "$(id -u)" -ne 0 ] || apt-get -qq -o DPkg::Lock::Timeout=300 update
  mapfile -t names < <(debian_rust_packages)
  [ ${#names[@]} -gt 4 ] || fail "$missing (Debian's rustc-web is not there either)"
  say "Debian's Rust in ${debian_rust#"$PWD/"} (once)"
  rm -rf "$debian_rust" "$packages"
  mkdir -p "$debian_rust" "$packages"
  (cd "$packages" && apt-get -qq -o APT::Sandbox::User=root download "${names[@]}")
  for package in "$packages"/*.deb; do
    # Of the sources only the folder library.
    dpkg --fsys-tarfile "$package" |
      tar -x -C "$debian_rust" --no-wildcards-match-slash --exclude='./usr/src/*/[!l]*' --exclude=./usr/share
  done
  rm -rf "$packages"
  touch "$debian_rust/done"
}

# The compiler's libraries have names with versions in them: they are what it depends on.
debian_rust_packages() {
  printf '%s\n' rustc-web rust-web-clippy rust-web-src
  apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
    libstd-rust-web-dev 2>/dev/null | grep '^lib' | sort -u | grep -vxE 'libc6|libgcc-s1|libstdc\+\+6'
}

#!/usr/bin/env bash
# Runs a command where Swift is: on this machine, or in the Debian that scripts/setup-swift.sh made below target/test-env.
# There the folders of this machine are where they are here, but for the system's own; the process is the same one.
#
#   scripts/swift.sh swift test
set -euo pipefail
debian=$(cd "$(dirname "$0")/.." && pwd)/target/test-env/debian-13

if command -v swift >/dev/null; then
  exec "$@"
fi
if [ ! -d "$debian" ]; then
  echo "swift.sh: no Swift: install it, or run scripts/setup-swift.sh" >&2
  exit 1
fi
# The mounts are this process's own, and end with it.
exec unshare --mount bash -c '
  set -euo pipefail
  for folder in /*; do
    case $folder in
      /bin | /boot | /etc | /lib* | /opt | /sbin | /usr | /var) ;;
      *)
        if [ -d "$folder" ] && [ ! -L "$folder" ]; then
          mkdir -p "$0$folder"
          mount --rbind "$folder" "$0$folder"
        fi
        ;;
    esac
  done
  # What trusts the authorities of SSL_CERT_FILE here does so there: the networking of Foundation reads no variable.
  if [ -f "${SSL_CERT_FILE:-}" ]; then
    mount --bind "$SSL_CERT_FILE" "$0/etc/ssl/certs/ca-certificates.crt"
  fi
  exec chroot "$0" env --chdir="$PWD" "$@"
' "$debian" "$@"

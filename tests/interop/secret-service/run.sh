#!/usr/bin/env bash
# Runs a command next to a real, unlocked Secret Service: gnome-keyring on a session bus of its own.
#
#   run.sh COMMAND [ARGUMENT...]
#
# The keyring is new and empty; it and the bus live in a temporary directory and end with the
# command, whose exit status is this script's. The command's environment has
#   TOKENKEEP_TEST_KEYRING_PID   the keyring's process: SIGSTOP makes it a service that hangs
#   XDG_DATA_HOME, XDG_RUNTIME_DIR, DBUS_SESSION_BUS_ADDRESS
#
# The bus is started by hand rather than by dbus-run-session: what is ended here is then known by
# its process id, also when a signal ends the script.
set -euo pipefail

if [ $# -eq 0 ]; then
  echo "usage: run.sh COMMAND [ARGUMENT...]" >&2
  exit 2
fi

# Seconds until a service that has not come up never will.
PATIENCE=10

directory=$(mktemp -d)
started=()

clean_up() {
  local pid
  for pid in "${started[@]}"; do
    # A stopped process sees SIGTERM only once it goes on.
    kill -CONT "$pid" 2>/dev/null && kill "$pid" 2>/dev/null || true
  done
  rm -rf "$directory"
}
trap clean_up EXIT
trap 'exit 143' TERM
trap 'exit 130' INT

await() {
  local deadline=$((SECONDS + PATIENCE))
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      echo "run.sh: no answer after $PATIENCE s: $*" >&2
      exit 1
    fi
    sleep 0.02
  done
}

ask_bus() {
  dbus-send --session --print-reply --dest=org.freedesktop.DBus / "org.freedesktop.DBus.$1" "${@:2}"
}

mkdir -m 0700 "$directory/data" "$directory/runtime"
export XDG_DATA_HOME="$directory/data" XDG_RUNTIME_DIR="$directory/runtime"
export DBUS_SESSION_BUS_ADDRESS="unix:path=$directory/runtime/bus"

dbus-daemon --session --nofork --nopidfile --address="$DBUS_SESSION_BUS_ADDRESS" &
started+=($!)
await ask_bus ListNames

# In the foreground, so that its process id is known. The login keyring is made with this password.
gnome-keyring-daemon --foreground --unlock --components=secrets <<<"a test's password" >/dev/null &
export TOKENKEEP_TEST_KEYRING_PID=$!
started+=("$TOKENKEEP_TEST_KEYRING_PID")
await ask_bus GetNameOwner string:org.freedesktop.secrets

# In the background, or a signal would wait for the command; with the script's own stdin all the same.
"$@" <&0 &
started+=($!)
status=0
wait $! || status=$?
# Gone: its process id may be another's by now.
unset 'started[-1]'
exit "$status"

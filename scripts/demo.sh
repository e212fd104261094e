#!/usr/bin/env bash
# Shows the whole life of two logins against the scripted authorization server, which speaks as
# Microsoft does. A stand-in plays the person; everything else is what you would type.
#
#   make demo
set -euo pipefail
cd "$(dirname "$0")/.."

programs=$PWD/target/debug
home=$(mktemp -d)
server_pid=
trap '[ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || true; rm -rf "$home"' EXIT

# Seconds. Long enough to be handed out twice, short enough to watch it expire.
LIFETIME=6

title() { printf '\n\033[1m%s\033[0m\n' "$*"; }
note() { printf '  # %s\n' "$*"; }
# Shows a command, then runs it.
run() {
  printf '$ %s\n' "$*"
  "$@"
}
# A token as a person may see it: enough to tell two apart.
short() { printf '%s...\n' "${1:0:12}"; }
# What a resource server says to a token: the status of GET /resource.
resource() {
  local status
  exec 3<>"/dev/tcp/127.0.0.1/${origin##*:}"
  printf 'GET /resource HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n' "$1" >&3
  read -r _ status _ <&3
  exec 3>&-
  echo "$status"
}

tokenkeep() { command "$programs/tokenkeep" "$@"; }

title "A Microsoft of our own, on this machine"
"$programs/authorization-server" --dialect entra --access-token-lifetime $LIFETIME \
  --device-interval 1 --device-approve-after 1 >"$home/ready" &
server_pid=$!
# The server writes one line when it listens.
until [ -s "$home/ready" ]; do sleep 0.02; done
origin=$(sed 's/.*"origin":"\([^"]*\)".*/\1/' "$home/ready")
note "listening at $origin"

export TOKENKEEP_HOME=$home/store TOKENKEEP_INSECURE_LOOPBACK=1
export TOKENKEEP_MICROSOFT_CLIENT_ID=5f1ad2a6-3c44-4d6c-9d0b-7f6f2a1e9c55
unset BROWSER TOKENKEEP_KEY TOKENKEEP_PASSPHRASE
sed "s|https://login.microsoftonline.com|$origin|" core/providers/microsoft.toml >"$home/microsoft.toml"
run tokenkeep init --key file
run tokenkeep providers add "$home/microsoft.toml"

title "Log in with the browser"
run tokenkeep login microsoft --flow pkce --browser "$programs/stand-in-person"

title "Log in with a device code, as another connection"
note "the person enters the code on another device"
run tokenkeep login microsoft --connection headless --flow device-code

title "What is kept"
run tokenkeep list

title "A token, twice: the second comes from the store"
first=$(tokenkeep token microsoft)
echo '$ tokenkeep token microsoft'
short "$first"
[ "$first" = "$(tokenkeep token microsoft)" ]
note "the same again, and the server was not asked; it says $(resource "$first") to it"

title "It expires after $LIFETIME s"
until [ "$(resource "$first")" = 401 ]; do sleep 0.2; done
note "now the server says $(resource "$first") to it"

title "The next one is fresh: refreshed, rotated, written down, handed out"
second=$(tokenkeep token microsoft)
echo '$ tokenkeep token microsoft'
short "$second"
[ "$first" != "$second" ]
[ "$(resource "$second")" = 200 ]
note "the server says $(resource "$second") to it"

title "Log out"
run tokenkeep logout microsoft --all
run tokenkeep list

title "That was it"
note "your turn: tokenkeep login microsoft shows what to register, once"

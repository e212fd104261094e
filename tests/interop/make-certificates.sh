#!/usr/bin/env bash
# Makes the certificates of one test run: a CA of its own and leaves that are right or wrong.
#
#   make-certificates.sh DIR
#
#   ca.pem                          the CA; a client that trusts it trusts the leaves below
#   cert.pem, key.pem               localhost, 127.0.0.1 and ::1
#   expired-cert.pem, -key.pem      the same names, but its time is over
#   wrong-host-cert.pem, -key.pem   another name
#
# Every leaf's file has the CA behind it, as a server sends its chain. The CA's key is gone when the
# script ends: nobody can make one more certificate that a test trusts.
set -euo pipefail

if [ $# -ne 1 ]; then
  echo "usage: make-certificates.sh DIR" >&2
  exit 2
fi
mkdir -p "$1"
cd "$1"
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

LOOPBACK="DNS:localhost,IP:127.0.0.1,IP:::1"

# Silent unless it fails: what openssl says on the way is of no use to a test's reader.
quietly() {
  local said
  said=$("$@" 2>&1) || { echo "$said" >&2; return 1; }
}

new_key() {
  quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"
}

# leaf PREFIX NAMES VALIDITY... (the last in the words of `openssl ca`)
leaf() {
  local prefix=$1 names=$2
  shift 2
  new_key "${prefix}key.pem"
  quietly openssl req -new -key "${prefix}key.pem" -subj "/CN=tokenkeep test" -out "$work/request.pem"
  printf '%s\n' "subjectAltName=$names" "extendedKeyUsage=serverAuth" "keyUsage=digitalSignature" \
    "basicConstraints=CA:FALSE" >"$work/extensions"
  quietly openssl ca -batch -notext -config "$work/ca.conf" -extfile "$work/extensions" \
    "$@" -in "$work/request.pem" -out "$work/leaf.pem"
  cat "$work/leaf.pem" ca.pem >"${prefix}cert.pem"
}

# `openssl ca` is the one command that sets the dates of a certificate at will.
cat >"$work/ca.conf" <<CONF
[ca]
default_ca = here
[here]
new_certs_dir = $work
database = $work/index
rand_serial = yes
default_md = sha256
private_key = $work/ca-key.pem
certificate = ca.pem
policy = any
unique_subject = no
[any]
commonName = supplied
CONF
: >"$work/index"

new_key "$work/ca-key.pem"
quietly openssl req -x509 -new -key "$work/ca-key.pem" -subj "/CN=tokenkeep test CA" -days 30 \
  -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign" -out ca.pem

leaf "" "$LOOPBACK" -days 30
leaf "expired-" "$LOOPBACK" -startdate 20200101000000Z -enddate 20200201000000Z
leaf "wrong-host-" "DNS:wrong.example" -days 30


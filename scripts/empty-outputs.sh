#!/bin/sh
# Stands in for the C compiler and the archiver of a system that is not here, where nothing will be linked: makes the
# files that it was asked for, empty.
#
#   CC_<target>=scripts/empty-outputs.sh AR_<target>=scripts/empty-outputs.sh cargo check --target <target>
before=
for argument; do
  case $before:$argument in
    -o:*) : >"$argument" ;;
    *:-out:* | *:/OUT:*) : >"${argument#*:}" ;;
    *:-Fo*) : >"${argument#-Fo}" ;;
    # ar cq library.a object...
    c*:*.a) : >"$argument" ;;
  esac
  before=$argument
done

#!/usr/bin/env bash
# Install the Debian packages named on stdin, one a line; '#' starts a remark. `make lab` and .ci/run both come here.
# As root on Debian what is missing is installed; else it is named and the exit code is 1.
set -euo pipefail

missing=()
while read -r name; do
  case "$name" in '' | '#'*) continue ;; esac
  status=$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) || status=none
  [ "$status" = installed ] || missing+=("$name")
done
[ "${#missing[@]}" -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
  echo "lab: missing ${missing[*]}; install them, or run as root on Debian" >&2
  exit 1
fi

# No package may start its service on the machine that runs the tests: the lab starts its own, on its own ports.
# A policy that is already there is the machine's, and stays as it is.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi

echo "lab: installing ${missing[*]}"
log=$(mktemp)
apt() { DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=60 "$@" >>"$log" 2>&1 </dev/null; }
if ! { apt update && apt install --no-install-recommends "${missing[@]}"; }; then
  tail -n 20 "$log" >&2
  echo "lab: apt-get could not install ${missing[*]}; its whole log is $log" >&2
  exit 1
fi
rm -f "$log"

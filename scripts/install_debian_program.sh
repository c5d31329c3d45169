#!/usr/bin/env bash
# A program out of a Debian package, on a root Debian machine that lacks it.
#
#   scripts/install_debian_program.sh PROGRAM [PACKAGE]    may be repeated; a program that is found is left as it is
#
# Exit: 0 it is there, 1 apt failed, 2 usage, 3 this machine is not one this script can set up.
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: ${0##*/} PROGRAM [PACKAGE]" >&2; exit 2; }
program=$1
package=${2:-$1}
say() { printf '%s: %s\n' "$program" "$*" >&2; }
# Servers of Debian's lie where only root's PATH leads.
found() { PATH=$PATH:/usr/sbin:/sbin command -v "$program"; }

if path=$(found); then
    say "found: $path"
    exit 0
fi
if [ "$(id -u)" != 0 ] || [ ! -r /etc/debian_version ] || ! command -v apt-get >/dev/null; then
    say "not found, and this script installs it only as root on Debian: install the package $package yourself"
    exit 3
fi

export DEBIAN_FRONTEND=noninteractive
# Waits for another apt instead of failing beside it.
options=(-y -q -o DPkg::Lock::Timeout=300)
# A server's package would start it.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    trap 'rm -f "$policy"' EXIT
fi
if ! apt-get "${options[@]}" install --no-install-recommends "$package" >/dev/null; then
    say "lists may be old: updating them and trying once more"
    apt-get "${options[@]}" update >/dev/null || { say "apt-get update failed"; exit 1; }
    apt-get "${options[@]}" install --no-install-recommends "$package" >/dev/null || { say "apt-get install failed"; exit 1; }
fi
say "installed: $(found)"

#!/usr/bin/env bash
# Chromium for `make browser` and screenshots, on a root Debian machine that lacks it.
#
#   scripts/install_chromium.sh         install Debian's package when no chromium is found; may be repeated
#
# Exit: 0 chromium is there, 1 apt failed, 3 this machine is not one this script can set up.
set -euo pipefail

say() { printf 'chromium: %s\n' "$*" >&2; }

if command -v chromium >/dev/null; then
    say "found: $(chromium --version 2>/dev/null | head -n 1)"
    exit 0
fi
if [ "$(id -u)" != 0 ] || [ ! -r /etc/debian_version ] || ! command -v apt-get >/dev/null; then
    say "not found, and this script installs it only as root on Debian: install the package chromium yourself"
    exit 3
fi

export DEBIAN_FRONTEND=noninteractive
# Waits for another apt instead of failing beside it.
options=(-y -q -o DPkg::Lock::Timeout=300)
if ! apt-get "${options[@]}" install --no-install-recommends chromium >/dev/null; then
    say "lists may be old: updating them and trying once more"
    apt-get "${options[@]}" update >/dev/null || { say "apt-get update failed"; exit 1; }
    apt-get "${options[@]}" install --no-install-recommends chromium >/dev/null || { say "apt-get install failed"; exit 1; }
fi
say "installed: $(chromium --version 2>/dev/null | head -n 1)"

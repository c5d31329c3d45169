#!/usr/bin/env bash
# Chromium for `make browser` and screenshots, on a root Debian machine that lacks it.
#
#   scripts/install_chromium.sh         install Debian's package when no chromium is found; may be repeated
#
# Exit: 0 chromium is there, 1 apt failed, 3 this machine is not one this script can set up.
set -euo pipefail

exec "$(dirname "${BASH_SOURCE[0]}")/install_debian_program.sh" chromium

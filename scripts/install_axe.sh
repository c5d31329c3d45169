#!/usr/bin/env bash
# axe-core, the accessibility checker of the tests, at the version and hash of tests/evidence/report/axe/package-lock.json.
#
#   scripts/install_axe.sh      may be repeated; npm is installed for root on Debian if there is none
#
# Exit: 0 it is there, 1 npm failed, 3 this machine is not one this script can set up.
set -euo pipefail

folder="$(dirname "${BASH_SOURCE[0]}")/../tests/evidence/report/axe"
# npm writes the lock that it has installed into node_modules: the same as ours means that nothing is left to do.
wanted=$(grep -o '"integrity": "[^"]*"' "$folder/package-lock.json")
if grep -qsF "$wanted" "$folder/node_modules/.package-lock.json"; then
    exit 0
fi
"$(dirname "${BASH_SOURCE[0]}")/install_debian_program.sh" npm
npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null ||
    { echo "axe-core: npm could not install it; its own lines above say why" >&2; exit 1; }

#!/usr/bin/env bash
# Every test that needs Chromium, those marked `browser`; root on Debian gets it installed.
#
#   scripts/run_in_browser.sh [pytest options]
#
# BROWSER=required makes a machine without one a failure; otherwise it is said aloud and passed over.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! .venv/bin/python -m acceptance.dashboards.pictures.chromium >/dev/null 2>&1 && ! scripts/install_chromium.sh; then
    echo "BROWSER NOT RUN: no Chromium here, and none could be had (the lines above say why)"
    [ "${BROWSER:-}" != required ] || exit 1
    exit 0
fi

# It looks for what keeps people from using a page.
scripts/install_axe.sh
.venv/bin/python -m pytest tests -m browser "$@"

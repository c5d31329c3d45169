#!/usr/bin/env bash
# What tests in a browser need: Chromium, and axe-core, which looks for what keeps people from using a page.
#
#   scripts/install_browser.sh          may be repeated; root on Debian gets installed what is missing
#
# Exit: 0 both are there; else one cannot be had, and the lines say which and why.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! .venv/bin/python -m acceptance.dashboards.pictures.chromium >/dev/null 2>&1 && ! scripts/install_chromium.sh; then
    echo "BROWSER NOT RUN: no Chromium here, and none could be had (the lines above say why)"
    exit 1
fi
if ! scripts/install_axe.sh >/dev/null; then
    echo "BROWSER NOT RUN: axe-core cannot be installed (the lines above say why)"
    exit 1
fi

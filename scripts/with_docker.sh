#!/usr/bin/env bash
# Runs a command on a machine that has what every test needs: a Docker engine, Chromium, pgbouncer, the stack's images.
#
#   scripts/with_docker.sh COMMAND...
#
# Root on Debian gets installed what is missing. An engine that this script started is stopped at the end, and only such
# a one may be restarted by a test: ENGINE=own says so to the command. What cannot be had is said and passed over here;
# the gates then say PARTIAL, and do not end with 0.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

started=no
cleanup() { [ "$started" = no ] || scripts/install_docker.sh stop; }
trap cleanup EXIT

if ! scripts/install_docker.sh status >/dev/null 2>&1; then
    started=yes # before it is: an interrupted start is to be cleared up as well
    if scripts/install_docker.sh start; then
        export ENGINE=own
    else
        echo "COMPOSE NOT RUN: no Docker engine here, and none could be had (the lines above say why)"
    fi
fi
scripts/install_browser.sh || true # it has said why
# Not a server of the stack, but likewise installed for root on Debian only.
scripts/install_debian_program.sh pgbouncer || echo "pgbouncer cannot be installed (the lines above say why)"
# Before any test: making images takes minutes, which are no test's time, and why they cannot be had is said once.
if scripts/install_docker.sh status >/dev/null 2>&1; then
    .venv/bin/python -m acceptance.stack.compose.images.choose --only-have
fi

"$@"

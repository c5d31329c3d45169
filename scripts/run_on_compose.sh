#!/usr/bin/env bash
# Everything that needs a Docker engine: tests marked `compose`, the fault matrix, the acceptance suite on the compose stack.
#
#   scripts/run_on_compose.sh [pytest options for the acceptance suite]
#
# COMPOSE=required makes a machine without Docker a failure; otherwise it is said aloud and passed over.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

started=no
cleanup() { [ "$started" = no ] || scripts/install_docker.sh stop; }
trap cleanup EXIT

if ! scripts/install_docker.sh status >/dev/null 2>&1; then
    started=yes # before it is: an interrupted start is to be cleared up as well
    if ! scripts/install_docker.sh start; then
        echo "COMPOSE NOT RUN: no Docker engine here, and none could be had (the lines above say why)"
        [ "${COMPOSE:-}" != required ] || exit 1
        exit 0
    fi
fi

# Not servers of the stack, but likewise installed for root on Debian only.
scripts/install_debian_program.sh pgbouncer

# Before any test: making images takes minutes, which are no test's time, and why they cannot be had is said once. The
# operator's docker/.env stays as it is.
.venv/bin/python -m acceptance.stack.compose.images.choose --only-have

.venv/bin/python -m acceptance.gates core --part docker
if [ "$started" = yes ]; then
    .venv/bin/python -m acceptance.gates core --part engine
else
    echo "ENGINE RESTART NOT RUN: this Docker engine was here before, and may serve others (tests/docker/test_engine_restart.py)"
fi
.venv/bin/python -m pytest tests/preflight/faults/test_faults.py tests/preflight/faults/test_exchange_gate.py \
    --stack compose
.venv/bin/python -m pytest acceptance --stack compose "$@"

#!/bin/sh
# Starts the stand-in under the name of the official image's start script, which docker-compose.yml calls.
set -eu

# The list of fonts that matplotlib would else make anew at each start; its folder has to be one that can be written to.
export MPLCONFIGDIR="${TMPDIR:-/tmp}/matplotlib"
mkdir -p "$MPLCONFIGDIR"
cp /usr/share/grafana/matplotlib/* "$MPLCONFIGDIR"

exec python3 -m acceptance.world.grafana "$@"

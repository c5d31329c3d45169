#!/bin/sh
# As the official image's /run.sh: every GF_NAME__FILE becomes GF_NAME with that file's content, then Grafana starts.
set -eu

for name in $(env | sed -n 's/^\(GF_[A-Z0-9_]*\)__FILE=.*/\1/p'); do
    file=$(printenv "${name}__FILE")
    if [ ! -s "$file" ]; then
        echo "grafana: ${name}__FILE names no readable, non-empty file: run 'make secrets'" >&2
        exit 1
    fi
    value=$(cat "$file")
    export "$name=$value"
    unset "${name}__FILE"
done

exec grafana server --homepath=/usr/share/grafana --config=/etc/grafana/grafana.ini --packaging=docker "$@" \
    cfg:default.paths.data="${GF_PATHS_DATA:-/var/lib/grafana}" \
    cfg:default.paths.plugins="${GF_PATHS_PLUGINS:-/var/lib/grafana/plugins}" \
    cfg:default.paths.provisioning="${GF_PATHS_PROVISIONING:-/etc/grafana/provisioning}" \
    cfg:default.log.mode=console

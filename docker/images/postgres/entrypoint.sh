#!/bin/sh
# Makes the cluster on the first start, then becomes the server. Understands the part of the official image's
# interface that docker-compose.yml uses: POSTGRES_USER, POSTGRES_PASSWORD_FILE, PGDATA, docker-entrypoint-initdb.d.
set -eu

[ "$1" = postgres ] || exec "$@"

owner=${POSTGRES_USER:-postgres}
marker=$PGDATA/.arbitrage-making # there from before the first file is written until the cluster is whole

make_cluster() {
    if [ ! -s "${POSTGRES_PASSWORD_FILE:-}" ]; then
        echo "postgres: POSTGRES_PASSWORD_FILE names no readable, non-empty file: run 'make secrets'" >&2
        exit 1
    fi
    if [ -e "$marker" ]; then
        # What an attempt of ours that was interrupted left would make initdb refuse for ever.
        find "$PGDATA" -mindepth 1 ! -path "$marker" -delete
    elif [ -n "$(ls -A "$PGDATA")" ]; then
        echo "postgres: the volume is not empty and is no cluster (PG_VERSION is missing or empty), so it is left as" \
            "it is: bring its backup back whole, or give an empty volume" >&2
        exit 1
    fi
    touch "$marker"
    # Made beside its final name and renamed when it is whole, so that PG_VERSION is there only for a whole one.
    new=$PGDATA/.new
    initdb --pgdata="$new" --username="$owner" --pwfile="$POSTGRES_PASSWORD_FILE" --encoding=UTF8 \
        --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256 --no-instructions >/dev/null
    echo 'host all all all scram-sha-256' >>"$new/pg_hba.conf"
    echo "listen_addresses = '*'" >>"$new/postgresql.conf"
    # On the socket only: a healthcheck over TCP cannot take this server for the real one.
    pg_ctl --pgdata="$new" --options="-c listen_addresses=''" --wait --silent start
    for script in /docker-entrypoint-initdb.d/*.sh; do
        [ -e "$script" ] || continue
        echo "postgres: running $script"
        # As the official image does: a script that may not be executed is read instead.
        # shellcheck disable=SC1090
        if [ -x "$script" ]; then "$script"; else . "$script"; fi
    done
    pg_ctl --pgdata="$new" --mode=fast --wait --silent stop
    find "$new" -mindepth 1 -maxdepth 1 ! -name PG_VERSION -exec mv -t "$PGDATA" {} +
    mv "$new/PG_VERSION" "$PGDATA/"
    rmdir "$new"
    chmod 0700 "$PGDATA"
    echo "postgres: made a new cluster owned by $owner"
}

[ -s "$PGDATA/PG_VERSION" ] || make_cluster
rm -f "$marker"
exec "$@"

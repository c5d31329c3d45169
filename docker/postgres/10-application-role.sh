#!/bin/sh
# Run once by the postgres image, when its volume is empty: the role and database of the bot and of preflight. By hand,
# for a volume that lacks them: docker compose exec postgres sh /docker-entrypoint-initdb.d/10-application-role.sh
# The role is no superuser. Its password is read by psql from the secret's file, so no command line shows it.
set -eu

if [ ! -s /run/secrets/postgres_password ] || [ ! -r /run/secrets/postgres_password ]; then
    echo "postgres: secrets/postgres_password cannot be read or is empty: run 'make secrets' in the project root" >&2
    exit 1
fi

psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres \
    --set=role="$APPLICATION_ROLE" --set=database="$APPLICATION_DATABASE" <<'SQL'
-- A statement that fails is written to the log, and one of these holds the password.
SET log_min_error_statement = panic;
\set password `cat /run/secrets/postgres_password`
SELECT format('CREATE ROLE %I', :'role') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'role')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
ALTER DATABASE :"database" OWNER TO :"role";
SQL

#!/bin/sh
# Run once by the postgres image, when its volume is empty: the role and database of the bot and of preflight.
# The role is no superuser. Its password is read by psql from the secret's file, so no command line shows it.
set -eu

psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres \
    --set=role="$APPLICATION_ROLE" --set=database="$APPLICATION_DATABASE" <<'SQL'
\set password `cat /run/secrets/postgres_password`
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"role";
SQL

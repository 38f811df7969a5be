# shellcheck shell=bash
# A database that uses the extension: what is updated, and what then works.

psql_as() { # ROLE DATABASE ARGUMENT...
  "$PSQL" -X -q -v ON_ERROR_STOP=1 -U "$1" -d "$2" "${@:3}"
}

roles() { sql postgres "CREATE ROLE app LOGIN CREATEROLE; CREATE ROLE reader LOGIN"; }

database() { # NAME VERSION
  sql postgres "CREATE DATABASE $1 OWNER app"
  sql "$1" "CREATE EXTENSION neon_auth_admin VERSION '$2'" app
  psql_as app "$1" -v key="$NEON_API_KEY" -v url="$NEON_SIMULATOR_URL" -v project="test-${1//_/-}" -f tests/upgrade/use.sql
}

works() { # DATABASE ROUND
  psql_as app "$1" -v round="$2" -f tests/upgrade/works.sql &&
    sql "$1" "SELECT 1 / (count(*) > 3)::int FROM neon_auth_admin.list_domains()" reader >/dev/null &&
    sql "$1" "INSERT INTO neon_auth_admin.domains (domain) VALUES ('https://reader-$2.example.com')" reader
}

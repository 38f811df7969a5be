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

# Calls wait until something works again.
leave() { # DATABASE ROUND
  sql "$1" "SELECT neon_auth_admin.enqueue('add_domain', '{\"domain\": \"https://left-$2.example.com\"}')" app >/dev/null
  sql "$1" "INSERT INTO customers (email) SELECT 'left-$2-' || n || '@example.com' FROM generate_series(1, 105) AS n" app
}

left() { # DATABASE: how many there are that nobody has touched
  sql "$1" "SELECT count(*) FROM neon_auth_admin.queue WHERE state = 'waiting' AND attempts = 0" app
}

was_made() { # DATABASE ROUND: the call that is no row's
  [[ $(sql "$1" "SELECT count(*) FROM neon_auth_admin.list_domains() WHERE domain = 'https://left-$2.example.com'" app) == 1 ]]
}

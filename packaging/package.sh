#!/usr/bin/env bash
# Makes the packages for the Postgres of PG_CONFIG, in target/packages: a tarball with the layout that
# extension_control_path wants, and for a Postgres of Debian's a Debian package. The same sources make
# the same bytes, whoever builds them where.
# shellcheck source=tests/setup.sh
source "$(dirname "$0")/../tests/setup.sh"

BUILD=$TARGET/package # cargo's, apart: its flags would have every other build start again
OUT=$TARGET/packages
VERSION=$(version)
MAINTAINER="${DEBFULLNAME:-The neon_auth_admin authors} <${DEBEMAIL:-maintainers@neon-auth-admin.invalid}>"
# The time of everything in a package: of the commit, or in an archive of the sources that of its files.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Cargo.lock)}
export SOURCE_DATE_EPOCH
umask 022

need() { # PROGRAM PACKAGE
  command -v "$1" >/dev/null && return
  prepare_to_install "$1"
  install_packages "$1" "$2"
}

# No path of this machine gets into the library: of two that fit, rustc takes the later one.
build_library() {
  local maps=() flags=() sources sysroot
  cargo fetch --quiet --locked # or the folders of the sources may not be there yet
  sysroot=$(rustc --print sysroot)
  maps=("$sysroot/lib/rustlib/src/rust=/rustc/$(rustc -vV | sed -n 's/^commit-hash: //p')")
  for sources in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*; do maps+=("$sources=/cargo"); done
  maps+=("$(pwd -P)=/neon_auth_admin" "$BUILD=/target")
  flags=("${maps[@]/#/--remap-path-prefix=}")
  CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}") CARGO_TARGET_DIR=$BUILD PROFILE=release build_extension
}

# The crates in the library are those whose code runs in it: not macros, nor what builds others.
copyright() {
  local features=(--quiet --locked --no-default-features --features "pg$PG_MAJOR") host
  host=$(rustc -vV | sed -n 's/^host: //p')
  cargo tree "${features[@]}" -p neon_auth_admin --target "$host" -e normal,no-proc-macro --prefix none \
    --format '{p}' >"$1.crates"
  cargo metadata "${features[@]}" --filter-platform "$host" --format-version 1 |
    python3 packaging/copyright.py "$1.crates" >"$1"
  rm "$1.crates"
}

# What the notices do not contain: those of Rust's own library, and the licence that most refer to.
rust_notices() { # INTO
  local doc
  doc=$(rustc --print sysroot)/share/doc/rust
  [[ -f $doc/COPYRIGHT-library.html ]] ||
    die "no $doc/COPYRIGHT-library.html: a package needs the notices that rustup's toolchains come with"
  install -m 644 "$doc/COPYRIGHT-library.html" "$doc/licenses/Apache-2.0.txt" "$1"
}

documentation() { # INTO
  install -d "$1/docs" "$1/examples"
  install -m 644 README.md SECURITY.md "$1"
  install -m 644 docs/*.md docs/*.json "$1/docs"
  install -m 644 examples/*.sql "$1/examples"
}

# As extension_control_path and the images of CloudNativePG want it; for others it is copied.
layout() { # FOLDER
  local notices=$1/licenses/neon_auth_admin
  install -d "$1/lib" "$1/share/extension" "$notices"
  strip --strip-unneeded -R .comment -R .note -o "$1/lib/neon_auth_admin.so" "$BUILD/release/libneon_auth_admin.so"
  chmod 755 "$1/lib/neon_auth_admin.so"
  install -m 644 neon_auth_admin.control sql/neon_auth_admin--*.sql "$1/share/extension"
  copyright "$notices/copyright"
  rust_notices "$notices"
  documentation "$1/doc"
  install -m 644 CHANGELOG.md "$1/doc"
}

same_times() { find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +; } # FOLDER

publish() { # FILE
  (cd "$OUT" && sha256sum "$(basename "$1")" >"$1.sha256")
  say "Made $1 ($(stat -c %s "$1") bytes)"
}

tarball() { # FOLDER
  local name file
  name=$(basename "$1") file=$OUT/$(basename "$1").tar.xz
  same_times "$1"
  tar -C "$(dirname "$1")" --sort=name --owner=0 --group=0 --numeric-owner --format=gnu -cf - "$name" | xz -9 -T1 >"$file"
  publish "$file"
}

# The folders below it are those of the Postgres that it is for.
debian_tree() { # LAYOUT ROOT
  local ext lib doc=$2/usr/share/doc/$PACKAGE
  lib=$2$("$PG_CONFIG" --pkglibdir) ext=$2$("$PG_CONFIG" --sharedir)/extension
  install -d "$lib" "$ext" "$doc" "$2/usr/share/lintian/overrides" "$2/DEBIAN"
  install -m 644 "$1/lib/neon_auth_admin.so" "$lib"
  install -m 644 "$1"/share/extension/* "$ext"
  documentation "$doc"
  install -m 644 "$1"/licenses/neon_auth_admin/copyright "$doc"
  gzip -9nc "$1/licenses/neon_auth_admin/COPYRIGHT-library.html" >"$doc/COPYRIGHT-library.html.gz"
  gzip -9nc CHANGELOG.md >"$doc/changelog.gz"
  gzip -9n >"$doc/changelog.Debian.gz" <<TEXT
neon-auth-admin ($VERSION-1) unstable; urgency=medium

  * Release $VERSION; changelog.gz says what changed.

 -- $MAINTAINER  $(date -uR -d "@$SOURCE_DATE_EPOCH")
TEXT
  sed "s/@PACKAGE@/$PACKAGE/" packaging/lintian-overrides >"$2/usr/share/lintian/overrides/$PACKAGE"
}

# What the library is linked with, with the oldest versions that have its symbols.
library_packages() { # LIBRARY
  local work=$OUT/shlibdeps
  mkdir -p "$work/debian"
  printf 'Source: neon-auth-admin\n\nPackage: %s\nArchitecture: any\n' "$PACKAGE" >"$work/debian/control"
  (cd "$work" && dpkg-shlibdeps -O "$1" 2>"$OUT/shlibdeps.log") | sed -n 's/^shlibs:Depends=//p'
  rm -r "$work"
}

debian_package() { # LAYOUT
  local arch file root=$OUT/debian libraries
  arch=$(dpkg --print-architecture)
  file=$OUT/${PACKAGE}_$VERSION-1_$arch.deb
  rm -rf "$root"
  debian_tree "$1" "$root"
  libraries=$(library_packages "$1/lib/neon_auth_admin.so")
  [[ $libraries == *libc6* ]] || die "dpkg-shlibdeps found no libc6: $(cat "$OUT/shlibdeps.log")"
  cat >"$root/DEBIAN/control" <<TEXT
Package: $PACKAGE
Source: neon-auth-admin
Version: $VERSION-1
Architecture: $arch
Maintainer: $MAINTAINER
Installed-Size: $(find "$root/usr" -type f -printf '%s\n' | awk '{ kb += int(($1 + 1023) / 1024) } END { print kb }')
Depends: postgresql-$PG_MAJOR, ca-certificates, $libraries
Section: database
Priority: optional
Description: administer Neon Auth from inside Postgres $PG_MAJOR
 Neon Auth keeps its users in a Postgres database, but is administered
 somewhere else. This extension has SQL functions that call the Neon
 management API, so that users, OAuth providers, redirect domains, the
 email server, plugins and webhooks are managed from psql, migrations and
 triggers.
TEXT
  (cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
  chmod 644 "$root/DEBIAN"/*
  same_times "$root"
  # On one thread, as the bytes depend on their number.
  DPKG_DEB_THREADS_MAX=1 dpkg-deb --root-owner-group -Zxz --build "$root" "$file" >/dev/null
  rm -r "$root"
  publish "$file"
}

# One that dpkg knows: others have folders of their own, and no packages to depend on.
is_debian() {
  dpkg-query -S "$("$PG_CONFIG" --bindir)/postgres" 2>/dev/null | grep -q "^postgresql-$PG_MAJOR:"
}

need strip binutils
need xz xz-utils
need python3 python3-minimal
PACKAGE=postgresql-$PG_MAJOR-neon-auth-admin
LAYOUT=$OUT/neon_auth_admin-$VERSION-pg$PG_MAJOR-linux-$(uname -m)
mkdir -p "$OUT"
rm -rf "$LAYOUT"
timed "Building for Postgres $PG_MAJOR (some minutes the first time)" build_library
layout "$LAYOUT"
tarball "$LAYOUT"
if is_debian; then
  need dpkg-shlibdeps dpkg-dev
  debian_package "$LAYOUT"
else
  say "No Debian package: $PG_CONFIG is not of a package postgresql-$PG_MAJOR"
fi
rm -r "$LAYOUT"

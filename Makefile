# The project's commands; `make` alone lists them. The work is done by the scripts in tests/.
# PG_CONFIG=/path/to/pg_config chooses the Postgres of each, e.g. make test PG_CONFIG=...

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.PHONY: help demo test test-all bench build install package package-test package-reproducible pgxn upgrade-test pg-upgrade-test schema schema-check \
	lint format-check clippy deny all

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-20s %s\n", $$1, $$2 }' Makefile

demo: ## try it: a tour of the SQL functions in a private Postgres, then psql
	@bash tests/demo.sh

test: ## run every test in a private Postgres
	@bash tests/run.sh

test-all: ## the same on Postgres 14, 15, 16, 17 and 18, which are fetched where they are missing
	@bash tests/run_all.sh

bench: ## measure calls from SQL against a plain Rust program; with BENCH=queue, the queue
	@bash tests/bench.sh

all: build # what PGXN's client calls

build: ## build the release library for the Postgres of PG_CONFIG
	@source tests/setup.sh && PROFILE=release build_extension

install: ## install into the Postgres of PG_CONFIG, below DESTDIR if set
	@source tests/setup.sh && install_extension

package: ## make a tarball, and for a Postgres of Debian's a Debian package, in target/packages
	@bash packaging/package.sh

package-test: ## make the packages and try them: installs and removes the Debian package
	@bash packaging/test.sh

package-reproducible: ## make them twice, in other folders and with another umask, and compare
	@bash packaging/reproducible.sh

upgrade-test: ## update a database that uses the extension to a made-up next version, and compare the catalogs
	@bash tests/upgrade.sh

pg-upgrade-test: ## take a server that has it from Postgres 14 to 18 with pg_upgrade
	@bash tests/pg_upgrade.sh

pgxn: ## make the archive for PGXN, of what is committed
	@source tests/lib.sh && pgxn_archive

schema: ## write the install script in sql/ from the code
	@source tests/setup.sh && schema

schema-check: ## fail if the install script is not what the code generates
	@source tests/setup.sh && schema_check

lint: format-check clippy ## check formatting, and clippy without warnings

deny: ## check licences, versions and sources of the dependencies
	@source tests/lib.sh && deny

format-check:
	@cargo fmt --all --check

clippy:
	@source tests/setup.sh && clippy

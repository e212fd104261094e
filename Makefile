# The one door to everything that is done here. `make demo` and `make test` set up what they need.

.PHONY: demo test check test-rust test-python test-node test-swift test-demo check-cross test-windows setup packages build torture bench clean help

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
# What scripts/setup-tests.sh found out, for the commands that need it.
ENV := source target/test-env/env.sh

help: ## What there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

demo: ## Log in, hand out a token, let it expire, see it rotated, log out: against a server on this machine
	@echo "demo: building (the first time takes some minutes)"
	@cargo build --quiet --locked -p tokenkeep-cli -p tokenkeep-authorization-server
	@scripts/demo.sh

test: setup check packages test-rust test-python test-node test-swift test-demo check-cross test-windows ## Everything: set-up, checks, tests
	@echo "test: all passed"

setup: ## What the tests need beside Rust: apt as root, npm, pip, Swift
	@scripts/setup-tests.sh
	@scripts/setup-swift.sh

check: ## Format, lints, licences and sources of dependencies
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo metadata --quiet --locked --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null
	cargo clippy --quiet --locked --workspace --all-targets -- -D warnings
	$(ENV); cargo deny --log-level error check bans licenses sources

packages: ## The packages for Python, Node and Swift as they are published, and installed for the tests
	@scripts/install-packages.sh

build: ## Every program and example of the workspace, for the tests
	cargo build --quiet --locked --workspace --bins --examples

test-rust: build ## All tests in Rust; they drive the programs and packages that were built
	$(ENV); cargo test --locked --workspace --no-fail-fast
	RUSTDOCFLAGS="-D warnings" cargo doc --quiet --locked --no-deps -p tokenkeep --all-features

test-python: build ## The package for Python: types, its own tests, scenarios, adapters
	$(ENV); "$$TOKENKEEP_TEST_PYTHON" -m pytest -q -n 4

test-node: build ## The package for Node: types, its own tests, scenarios, adapters
	$(ENV); node --test --test-concurrency=4 bindings-node/tests/*.test.mjs tests/behaviour/node/*.test.mjs tests/adapters/node/*.test.mjs

test-swift: build ## The package for Swift: its own tests, scenarios, the example
	@scripts/test-swift.sh

test-demo: build ## The demonstration runs, within the 20 seconds that it may take
	@timeout 20 scripts/demo.sh >target/demo.log 2>&1 || { cat target/demo.log; exit 1; }
	@echo "test-demo: passed"

check-cross: ## Types and lints for macOS and Windows
	@scripts/check-cross.sh

test-windows: ## The core, the command line and their scenarios, built for Windows and run under Wine
	@scripts/test-windows.sh

# Some twenty minutes: what `make test` tries a little, tried as often as docs/reliability.md says.
torture: setup packages ## The long form of every case of docs/reliability.md, with a figure for each
	@echo "torture: building (some minutes)"
	@cargo build --quiet --locked --profile torture --workspace --bins --examples
	@cargo test --quiet --locked --profile torture --no-run -p tokenkeep-behaviour -p tokenkeep-concurrency -p tokenkeep-crash \
		-p tokenkeep-hostile -p tokenkeep-storage
	@scripts/torture.sh

bench: setup packages ## The figures of docs/benchmarks.md, measured here and now
	@echo "bench: building for release (some minutes)"
	@cargo build --quiet --release --locked -p tokenkeep-concurrency -p tokenkeep-storage --bins --bench hot_token
	@cargo build --quiet --release --locked -p tokenkeep-cli
	@cargo build --quiet --locked -p tokenkeep-authorization-server
	@$(ENV); python3 scripts/bench.py "$$TOKENKEEP_TEST_PYTHON_MSAL"

clean: ## Remove what was built
	cargo clean

#!/usr/bin/env bash
# Clippy over the whole workspace, warnings denied.
#
# `cargo clippy` would compile the metadata of a thousand dependencies beside what the build has
# compiled already. Run as the workspace's compiler wrapper instead, clippy lints the same crates and
# shares every dependency with the build.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/environment.sh
. scripts/environment.sh
export SKIP_WASM_BUILD=1 # The blob is compiled from what is linted here.
export RUSTC_WORKSPACE_WRAPPER=clippy-driver
export CLIPPY_ARGS='-Dwarnings__CLIPPY_HACKERY__'
for group in "${PACKAGE_GROUPS[@]}"; do
  # shellcheck disable=SC2086 # A group is several arguments.
  cargo build --release --locked --all-targets $group
done

#!/usr/bin/env bash
# Sets up what is missing, then builds the node and the worker, and prints where they are.
set -euo pipefail
cd "$(dirname "$0")/.."

./scripts/setup.sh
# shellcheck source=scripts/environment.sh
. scripts/environment.sh
cargo build "${POUW_BUILD[@]}" --bin pouw-node --bin ml-worker --example metadata
printf 'built: %s/pouw-node and %s/ml-worker\n' "$POUW_BIN_DIR" "$POUW_BIN_DIR"

#!/usr/bin/env bash
# Sets up what is missing, then passes every check of the project:
# format, lints, tests of all crates, and networks with the real programs and workers that do wrong.
#
# usage: scripts/test.sh [--no-network]
set -euo pipefail
cd "$(dirname "$0")/.."

network=yes
for argument in "$@"; do
  case $argument in
    --no-network) network=no ;;
    *) printf 'test: unknown argument %s\nusage: scripts/test.sh [--no-network]\n' "$argument" >&2; exit 2 ;;
  esac
done

./scripts/setup.sh
# shellcheck source=scripts/environment.sh
. scripts/environment.sh

started=$SECONDS
step() { printf '\n== %s (%d s since the start)\n' "$*" "$((SECONDS - started))"; }

step 'format'
cargo fmt --all --check

step 'lints'
./scripts/lint.sh

step 'build and test'
cargo test "${POUW_BUILD[@]}" --no-fail-fast

if [ "$network" = yes ]; then
  step 'network'
  ./scripts/end-to-end.sh
fi

step 'all passed'

#!/usr/bin/env bash
# Measures, side by side and in turns within one run, and prints ratios.
#
# usage: scripts/bench.sh step [ROUNDS]
#
# step: microseconds of a training step for the networks 784-128-64-10 (batch 100) and 784-1024-1024-10
#       (batch 128), on one thread and two: this engine beside stock Burn's flex backend.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '4p' scripts/bench.sh | cut -c3- >&2; exit 2; }
[ $# -ge 1 ] || usage
what=$1
shift
case $what in
  step) ;;
  *) printf 'bench: nothing is measured under the name %s\n' "$what" >&2; usage ;;
esac

./scripts/setup.sh >&2
# shellcheck source=scripts/environment.sh
. scripts/environment.sh
cargo build --quiet "${POUW_BUILD[@]}" --example bench_step
exec "$CARGO_TARGET_DIR/release/examples/bench_step" "$@"

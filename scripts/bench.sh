#!/usr/bin/env bash
# Measures, side by side and in turns within one run, and prints ratios.
#
# usage: scripts/bench.sh step [ROUNDS]
#        scripts/bench.sh dispute
#        scripts/bench.sh referee
#
# step: microseconds of a training step for the networks 784-128-64-10 (batch 100) and 784-1024-1024-10
#       (batch 128), on one thread and two: this engine beside stock Burn's flex backend.
# dispute: what a dispute costs for models of 10^5, 10^6 and 10^7 parameters, played by both parties, and for one
#       of 10^9 by calculation: a table, as in docs/disputes.md. It takes a minute and 2.5 GiB.
# referee: microseconds of the moves that are worst for the chain, in wasm as the node runs it and natively: a table,
#       as in docs/disputes.md, from which the weights of pallet pouw are derived.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '4,6p' scripts/bench.sh | cut -c3- >&2; exit 2; }
[ $# -ge 1 ] || usage
what=$1
shift
case $what in
  step) ;;
  dispute | referee) [ $# -eq 0 ] || usage ;;
  *) printf 'bench: nothing is measured under the name %s\n' "$what" >&2; usage ;;
esac

./scripts/setup.sh >&2
# shellcheck source=scripts/environment.sh
. scripts/environment.sh
cargo build --quiet "${POUW_BUILD[@]}" --example "bench_$what"
exec "$CARGO_TARGET_DIR/release/examples/bench_$what" "$@"

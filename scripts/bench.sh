#!/usr/bin/env bash
# Measures, side by side and in turns within one run, and prints ratios.
#
# usage: scripts/bench.sh step [--pytorch] [ROUNDS]
#        scripts/bench.sh products [ROUNDS]
#        scripts/bench.sh overhead [ROUNDS]
#        scripts/bench.sh stages [NETWORK [STEPS]]
#        scripts/bench.sh dispute
#        scripts/bench.sh referee
#
# step: microseconds of a training step of five networks (three MLPs, a CNN, a transformer), on one thread and two:
#       this engine beside stock Burn's flex backend and, when asked, PyTorch: a table, as in docs/engine.md. PyTorch
#       is installed from PyPI into a virtual environment in the cache: 5.5 GiB, as PyPI's wheel for Linux brings
#       CUDA. pip's own settings hold, so that a wheel without it can be had from elsewhere.
# products: GFLOP/s of the engine's matrix products beside the core's peak and the `gemm` crate, by instruction set: a
#       table, as in docs/engine.md.
# overhead: what training costs besides its steps: the time of commitments to states, and memory: tables, as in
#       docs/engine.md.
# stages: microseconds of each stage of a training step, for those who look for where the time goes.
# dispute: what a dispute costs for models of 10^5, 10^6 and 10^7 parameters, played by both parties, and for one
#       of 10^9 by calculation: a table, as in docs/disputes.md. It takes a minute and 2.5 GiB.
# referee: microseconds of the moves that are worst for the chain, in wasm as the node runs it and natively: a table,
#       as in docs/disputes.md, from which the weights of pallet pouw are derived.
set -euo pipefail
cd "$(dirname "$0")/.."

PYTORCH_VERSION=2.15.0

# Makes the virtual environment, unless it is there already.
install_pytorch() {
  local folder=$POUW_CACHE_DIR/pytorch-$PYTORCH_VERSION
  [ ! -x "$folder/bin/python" ] || return 0
  # Debian has this part of Python in a package of its own.
  python3 -c 'import ensurepip' 2>/dev/null || install_packages python3-venv
  rm -rf "$folder.new"
  python3 -m venv "$folder.new"
  "$folder.new/bin/python" -m pip install --quiet "torch==$PYTORCH_VERSION" >&2
  mv "$folder.new" "$folder"
}

usage() { sed -n '4,9p' scripts/bench.sh | cut -c3- >&2; exit 2; }
[ $# -ge 1 ] || usage
what=$1
shift
pytorch=no
features=()
program=bench_$what
case $what in
  step | overhead | stages)
    program=bench_training
    if [ "$what ${1-}" = 'step --pytorch' ]; then pytorch=yes; shift; fi
    ;;
  # Without the feature the crate knows no AVX-512.
  products) features=(--features ml-worker-engine/gemm-avx512) ;;
  dispute | referee) [ $# -eq 0 ] || usage ;;
  *) printf 'bench: nothing is measured under the name %s\n' "$what" >&2; usage ;;
esac

./scripts/setup.sh >&2
# shellcheck source=scripts/environment.sh
. scripts/environment.sh
# shellcheck source=scripts/packages.sh
. scripts/packages.sh
if [ $pytorch = yes ]; then
  install_pytorch
  set -- --pytorch "$POUW_CACHE_DIR/pytorch-$PYTORCH_VERSION/bin/python" "$@"
fi
if [ "$program" = bench_training ]; then set -- "$what" "$@"; fi
cargo build --quiet "${POUW_BUILD[@]}" "${features[@]}" --example "$program"
exec "$CARGO_TARGET_DIR/release/examples/$program" "$@"

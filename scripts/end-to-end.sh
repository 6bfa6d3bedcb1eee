#!/usr/bin/env bash
# The network test: the real programs, on networks of their own, with workers that do wrong. Each fault has one
# network: two validators, the workers of one task, and a client that knows the chain by its metadata alone
# (@polkadot/api). They spend most of their time waiting for blocks, so several run at a time.
#
# usage: scripts/end-to-end.sh [--fault FAULT] [--at-once NUMBER] [--no-build]
#
# Without --fault all of them are run, NUMBER at a time (5 if nothing is said), and of each that has failed the log
# is shown. With --fault that one alone is run, and tells what it does. With --no-build the programs are taken that
# were built before.
#
# FAULT is what is done wrong:
#   skip-steps, stale-weights, wrong-rows, flip-bit, copy-update   a trainer that claims what it has not trained
#   silent                                                         such a one that makes no move when challenged
#   false-challenge                                                a verifier that disputes what is right
#   stalled-challenge                                              such a one that makes no move then
#   approve-all                                                    two of three verifiers that approve whatever
#                                                                  they are asked about, and a trainer that skips
#                                                                  steps
#
# What must hold: the wrong commitment is challenged by the verifiers on their own, and the dispute ends by
# proof or by the clock; who is wrong loses what it had at stake, half of it to the other party, and nobody else
# loses anything; a trainer and a verifier that are killed come back and go on; the task settles, every unit of the
# fee is accounted for, and of what was on hold nothing is left; someone with an empty store replays the run to
# the chain's own roots.
set -euo pipefail
cd "$(dirname "$0")/.."

# Those that take longest come first.
faults=(approve-all skip-steps silent stalled-challenge false-challenge stale-weights wrong-rows flip-bit copy-update)
only='' at_once=5 build=yes
usage() {
  printf 'network test: %s\nusage: scripts/end-to-end.sh [--fault FAULT] [--at-once NUMBER] [--no-build]\n' "$*" >&2
  exit 2
}
while [ $# -gt 0 ]; do
  case $1 in
    --fault) only=${2-}; shift
      case " ${faults[*]} " in
        *" ${only:-none} "*) ;;
        *) usage "there is no fault \"$only\"; there are ${faults[*]}" ;;
      esac ;;
    --at-once) at_once=${2-}; shift
      case $at_once in '' | *[!0-9]* | 0*) usage '--at-once takes a number from 1 on' ;; esac ;;
    --no-build) build=no ;;
    *) usage "unknown argument $1" ;;
  esac
  shift
done
# shellcheck source=scripts/environment.sh
. scripts/environment.sh

# Whatever brought them, programs that are there will do.
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  (. scripts/packages.sh && install_packages nodejs npm)
fi
npm ci --silent --no-audit --no-fund --prefix scripts/polkadot-js
if [ $build = yes ]; then
  ./scripts/build.sh
  cargo build "${POUW_BUILD[@]}" --example ml-worker-faulty --features ml-worker/faults
fi

folder=$PWD/target/network-test/run-$(date +%Y%m%d-%H%M%S)-$$
mkdir -p "$folder"
# To make a genesis state is most of what a node does when it starts; here it is made once for all.
export NETWORK_CHAIN=$folder/chain.json
"$POUW_BIN_DIR/pouw-node" export-chain-spec --chain local --raw --output "$NETWORK_CHAIN" 2>"$folder/chain.log" ||
  { cat "$folder/chain.log" >&2; exit 1; }

if [ -n "$only" ]; then
  if ./scripts/network-test/run.sh "$only" "$folder/$only"; then
    printf '\n1 passed, 0 failed\n'
    exit 0
  fi
  printf '\n0 passed, 1 failed\n'
  exit 1
fi

declare -A fault_of=() begun=()
passed=0 failed=0
stop_runs() {
  trap '' INT TERM
  if [ ${#fault_of[@]} -gt 0 ]; then kill "${!fault_of[@]}" 2>/dev/null || true; fi
  wait
}
trap stop_runs EXIT
trap 'exit 143' INT TERM

# finish_one : waits until one of the runs has ended, and tells how.
finish_one() {
  local pid fault status=0 seconds
  wait -n -p pid "${!fault_of[@]}" || status=$?
  fault=${fault_of[$pid]} seconds=$((SECONDS - begun[$pid]))
  unset "fault_of[$pid]"
  if [ $status = 0 ]; then
    passed=$((passed + 1))
    printf 'network test: %-17s passed in %d s\n' "$fault" $seconds
    # Logs are small, what nodes and workers have stored is not.
    find "$folder/$fault" -mindepth 1 -maxdepth 1 -type d -exec rm -rf {} +
  else
    failed=$((failed + 1))
    printf 'network test: %-17s FAILED after %d s; its log:\n' "$fault" $seconds
    sed "s/^/$fault: /" "$folder/$fault.log"
  fi
}

printf 'network test: %d faults, each on a network of its own, %d at a time; logs: %s\n' \
  ${#faults[@]} "$at_once" "$folder"
# A hundred ports for each, below those that the system gives away.
port=$((10000 + RANDOM % 200 * 100))
for fault in "${faults[@]}"; do
  while [ ${#fault_of[@]} -ge "$at_once" ]; do finish_one; done
  NETWORK_FIRST_PORT=$port ./scripts/network-test/run.sh "$fault" "$folder/$fault" >"$folder/$fault.log" 2>&1 &
  fault_of[$!]=$fault begun[$!]=$SECONDS
  port=$((port + 100))
done
while [ ${#fault_of[@]} -gt 0 ]; do finish_one; done

printf '\n%d passed, %d failed\n' $passed $failed
[ $failed = 0 ]

#!/usr/bin/env bash
# The network test: the real programs, on networks of their own, with workers that do wrong. Each fault has one
# network: two validators, the workers of one task, and a client that knows the chain by its metadata alone
# (@polkadot/api). They spend most of their time waiting for blocks, so several run at a time.
#
# usage: scripts/end-to-end.sh [--fault FAULT] [--at-once NUMBER] [--no-build]
#
# Without --fault all but `upgrade` are run, NUMBER at a time, and of each that has failed the log is shown. If nothing is
# said they are 5, or less where memory is short: a network takes most of a GiB, and half a minute of a processor's
# time, most of it to start. With --fault that one alone is run, and tells what it does. With --no-build the programs
# are taken that were built before.
#
# FAULT is what is done wrong:
#   skip-steps, stale-weights, wrong-rows, flip-bit, copy-update   a trainer that claims what it has not trained
#   silent                                                         such a one that makes no move when challenged
#   false-challenge                                                a verifier that disputes what is right
#   stalled-challenge                                              such a one that makes no move then
#   withhold                                                       a supervisor that says that it holds what it has not
#                                                                  fetched
#   wrong-score                                                    an evaluator that says another number of right
#                                                                  answers than the final model gives
#   approve-all                                                    two of three verifiers that approve whatever
#                                                                  they are asked about, and a trainer that skips
#                                                                  steps
# or, by its name alone:
#   upgrade                                                        a trainer that skips steps, and the runtime is
#                                                                  upgraded while that is in dispute
#
# The task of wrong-rows starts from given weights, those of the others from their seed.
#
# What must hold: the wrong commitment is challenged by the verifiers on their own, and the dispute ends by proof or
# by the clock; who is wrong loses what it had at stake, half of it to the other party; nobody else loses a ticket
# or a bond; workers that are killed come back and go on; the task settles, every unit of the fee is accounted for,
# and of what was on hold for the task nothing is left; someone with an empty store replays the run to the chain's
# own roots.
set -euo pipefail
cd "$(dirname "$0")/.."

# Those that take longest come first.
faults=(approve-all skip-steps wrong-score withhold silent stalled-challenge false-challenge stale-weights wrong-rows
  flip-bit copy-update)
by_name_alone=(upgrade)
only='' at_once='' build=yes
usage() {
  printf 'network test: %s\nusage: scripts/end-to-end.sh [--fault FAULT] [--at-once NUMBER] [--no-build]\n' "$*" >&2
  exit 2
}
while [ $# -gt 0 ]; do
  case $1 in
    --fault) only=${2-}; shift
      case " ${faults[*]} ${by_name_alone[*]} " in
        *" ${only:-none} "*) ;;
        *) usage "there is no fault \"$only\"; there are ${faults[*]} ${by_name_alone[*]}" ;;
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
  if [ "$only" = upgrade ]; then
    cargo build "${POUW_BUILD[@]}" --bin pouw-runtime-successor --example metadata
  fi
  cargo build "${POUW_BUILD[@]}" --example ml-worker-faulty --features ml-worker/faults
fi

folder=$PWD/target/network-test/run-$(date +%Y%m%d-%H%M%S)-$$
mkdir -p "$folder"
# To make a genesis state is most of what a node does when it starts; here it is made once for all.
export NETWORK_CHAIN=$folder/chain.json
"$POUW_BIN_DIR/pouw-node" export-chain-spec --chain local --raw --output "$NETWORK_CHAIN" >"$folder/chain.log" 2>&1 ||
  { cat "$folder/chain.log" >&2; exit 1; }

if [ -n "$only" ]; then
  if ./scripts/network-test/run.sh "$only" "$folder/$only"; then
    printf '\n1 passed, 0 failed\n'
    exit 0
  fi
  printf '\n0 passed, 1 failed\n'
  exit 1
fi

# What a run says when its network is up.
READY='the workers have their tickets and work'
declare -A fault_of=() begun=()
passed=0 failed=0 again=()
stop_runs() {
  trap '' INT TERM
  if [ ${#fault_of[@]} -gt 0 ]; then kill "${!fault_of[@]}" 2>/dev/null || true; fi
  wait
}
trap stop_runs EXIT
trap 'exit 143' INT TERM

# finish_one : waits until one of the runs has ended, and tells how. One that has failed is kept to be run again.
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
    again+=("$fault")
    printf 'network test: %-17s FAILED after %d s; its log:\n' "$fault" $seconds
    sed "s/^/$fault: /" "$folder/$fault.log"
  fi
}

# starting : prints how many of the runs are not yet ready.
starting() {
  local pid count=0
  for pid in "${!fault_of[@]}"; do
    if kill -0 "$pid" 2>/dev/null && ! grep -qs "$READY" "$folder/${fault_of[$pid]}.log"; then
      count=$((count + 1))
    fi
  done
  printf '%d\n' $count
}

if [ -z "$at_once" ]; then
  at_once=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo)
  at_once=$((at_once < 1 ? 1 : at_once > 5 ? 5 : at_once))
fi
# One and a half for each processor, so that none is idle while blocks are waited for.
at_start=$((($(nproc) * 3 + 1) / 2))
printf 'network test: %d faults, each on a network of its own, %d at a time; logs: %s\n' \
  ${#faults[@]} "$at_once" "$folder"
# A hundred ports for each, below those that the system gives away.
port=$((10000 + RANDOM % 200 * 100))
for fault in "${faults[@]}"; do
  while [ ${#fault_of[@]} -ge "$at_once" ]; do finish_one; done
  # To start a network takes more of the processors than all that follows; those that are under way must not miss
  # their deadlines for it.
  while [ "$(starting)" -ge "$at_start" ]; do sleep 0.5; done
  NETWORK_FIRST_PORT=$port ./scripts/network-test/run.sh "$fault" "$folder/$fault" >"$folder/$fault.log" 2>&1 &
  fault_of[$!]=$fault begun[$!]=$SECONDS
  port=$((port + 100))
done
while [ ${#fault_of[@]} -gt 0 ]; do finish_one; done

# Two validators may fork while others use the processors, and who acts on a block that is gone has lost time. Audits are
# drawn by lot: stale weights are right in the first segment, and one time in eight only that one is looked at. What
# fails again by itself is wrong, and more than two are not by chance.
if [ "${#again[@]}" -gt 2 ]; then
  failed=${#again[@]} again=()
fi
for fault in "${again[@]}"; do
  printf 'network test: %s is run once more, by itself\n' "$fault"
  if NETWORK_FIRST_PORT=$port ./scripts/network-test/run.sh "$fault" "$folder/$fault-again" \
    >"$folder/$fault-again.log" 2>&1; then
    passed=$((passed + 1))
    printf 'network test: %-17s passed by itself\n' "$fault"
  else
    failed=$((failed + 1))
    printf 'network test: %-17s FAILED again; its log:\n' "$fault"
    sed "s/^/$fault: /" "$folder/$fault-again.log"
  fi
  port=$((port + 100))
done

printf '\n%d passed, %d failed\n' $passed $failed
[ $failed = 0 ]

#!/usr/bin/env bash
# One network of the network test: two validators and the workers of one task, one of them or several doing wrong
# (a build that exists for this test only), and a client that knows the chain by its metadata alone
# (@polkadot/api). `scripts/end-to-end.sh` calls it; what is built must be there.
#
# usage: scripts/network-test/run.sh FAULT FOLDER
#
# FAULT is one of those that `scripts/end-to-end.sh` lists. Folders and logs go to FOLDER, which must be new.
set -euo pipefail
cd "$(dirname "$0")/../.."

fault=$1 NETWORK_FOLDER=$2
# Who does wrong, which party of a dispute it is, and whether it loses by the clock.
trainer_fault=$fault verifier_fault='' supervisor_fault='' evaluator_fault='' wrong=Cheat loser=Defender clock=() bribed=() about=()
task_file=scripts/network-test/task.toml
case $fault in
  # The whole of the demonstration's task: long enough for another trainer to take the place of the cheat.
  skip-steps) task_file=examples/digits.toml ;;
  stale-weights | wrong-rows | flip-bit | copy-update) ;;
  upgrade) trainer_fault=skip-steps ;;
  withhold) trainer_fault='' supervisor_fault=$fault wrong=Supervisor1 about=(--attestation) ;;
  wrong-score) trainer_fault='' evaluator_fault=$fault wrong=Evaluator1 about=(--score) ;;
  silent) clock=(--timed-out) ;;
  approve-all) trainer_fault=skip-steps verifier_fault=approve-all bribed=(Verifier2 Verifier3) ;;
  false-challenge) trainer_fault='' verifier_fault=$fault wrong=Verifier3 loser=Challenger ;;
  stalled-challenge)
    trainer_fault='' verifier_fault=$fault wrong=Verifier3 loser=Challenger clock=(--timed-out) ;;
  *) printf 'network test: there is no fault "%s"\n' "$fault" >&2; exit 2 ;;
esac
# shellcheck source=scripts/environment.sh
. scripts/environment.sh
# shellcheck source=scripts/network.sh
. scripts/network.sh
# shellcheck source=scripts/network-test/upgrade.sh
. scripts/network-test/upgrade.sh

mkdir -p "$NETWORK_FOLDER"
trap stop_network EXIT
trap 'exit 143' INT TERM
worker=$POUW_BIN_DIR/ml-worker
faulty=$POUW_BIN_DIR/examples/ml-worker-faulty
client=(--dev-account Client --store "$NETWORK_FOLDER/Client/store")
events=$NETWORK_FOLDER/events.log
# The follower's limit is what ends a run that does not come to its end.
minutes=20

say() { printf 'network test: %s\n' "$*"; }
fail() {
  # The market's story is what explains a failure to those who have only this output.
  if [ -s "$events" ]; then cut -c1-400 "$events" >&2; fi
  printf 'network test: FAILED: %s: %s (folders and logs: %s)\n' "$fault" "$*" "$NETWORK_FOLDER" >&2
  exit 1
}

# ask ARGUMENT… : has the worker's command line do something that takes moments.
ask() { timeout 300 "$worker" "$@"; }

# wait_for PATTERN WHAT : waits until an event matches, or the task has ended without; says what it means.
wait_for() {
  local running=yes
  until grep -qE "$1" "$events"; do
    [ $running = yes ] || fail "$2: that did not happen before the task's end"
    sleep 0.5
    # What was written last must be looked at once more.
    kill -0 "$follower" 2>/dev/null || running=no
  done
  say "$2"
}

# start_verifier NAME : an honest one, or one that does what this test is about.
start_verifier() {
  case " $wrong ${bribed[*]} " in
    *" $1 "*) start_worker "$1" verifier "$faulty" --fault "$verifier_fault" ;;
    *) start_worker "$1" verifier ;;
  esac
}

if [ "$fault" = upgrade ]; then prepare_upgrade; fi
start_validators
wait_for_finality "$NODE_RPC_PORT" 1 600 || fail 'the chain does not finalize'
say "two validators finalize blocks; node at $NODE_URL"

# As many trainers as the task wants, so that it gets the cheat, and as many verifiers as an audit wants, so that
# each is asked about each.
start_worker Trainer1 trainer; trainer=$STARTED
if [ -n "$trainer_fault" ]; then start_worker Cheat trainer "$faulty" --fault "$trainer_fault"
else start_worker Cheat trainer; fi
if [ -n "$supervisor_fault" ]; then start_worker Supervisor1 supervisor "$faulty" --fault "$supervisor_fault"
else start_worker Supervisor1 supervisor; fi
start_verifier Verifier1; verifier=$STARTED
start_verifier Verifier2
start_verifier Verifier3
if [ -n "$evaluator_fault" ]; then start_worker Evaluator1 evaluator "$faulty" --fault "$evaluator_fault"
else start_worker Evaluator1 evaluator; fi
wait_for_workers Trainer1 Cheat Supervisor1 Verifier1 Verifier2 Verifier3 Evaluator1 ||
  fail 'a worker did not start'
say 'the workers have their tickets and work'

find_port
mkdir -p "$NETWORK_FOLDER/Client"
# One of the tasks starts from weights that were trained before.
weights=()
if [ "$fault" = wrong-rows ]; then
  ask train "$task_file" --out "$NETWORK_FOLDER/before" >"$NETWORK_FOLDER/before.log" 2>&1 ||
    fail "the weights to start from can't be trained: $(tail -1 "$NETWORK_FOLDER/before.log")"
  weights=(--weights "$NETWORK_FOLDER/before/model.safetensors")
fi
ask task prepare "$task_file" "${weights[@]}" --url "$NODE_URL" --store "$NETWORK_FOLDER/Client/store" \
  --listen "127.0.0.1:$PORT" --spec "$NETWORK_FOLDER/spec.hex" >"$NETWORK_FOLDER/prepare.log" 2>&1 ||
  fail "the task can't be prepared: $(cat "$NETWORK_FOLDER/prepare.log")"
start "$NETWORK_FOLDER/Client.log" "$worker" --log info work --role client "${client[@]}" \
  --url "$NODE_URL" --listen "127.0.0.1:$PORT"
: >"$events"
start "$events" node scripts/polkadot-js/follow-task.mjs --url "$NODE_URL" --uri //Client \
  --spec "$NETWORK_FOLDER/spec.hex" --from 1 --minutes "$minutes"
follower=$STARTED

wait_for '^task [0-9]+' 'the task is submitted'
task=$(sed -n 's/^task \([0-9]*\)$/\1/p' "$events")
if [ "$fault" = skip-steps ]; then
  wait_for 'pouw\.RoundCommitted' 'a trainer has committed to a round'
  kill -KILL "$trainer" "$verifier"
  say 'a trainer and a verifier are killed'
  sleep 3
  start_worker Trainer1 trainer
  start_verifier Verifier1
  # The place of the cheat can be taken once it is caught.
  start_worker Trainer2 trainer
  say 'they are started again, and another trainer has come'
fi

# What is claimed is disputed by the workers on their own, and the dispute ends.
watch_a_dispute() {
  wait_for 'pouw\.DisputeOpened' 'what is claimed is disputed'
  if [ "$fault" = upgrade ]; then upgrade_in_mid_dispute; fi
  if [ -n "$evaluator_fault" ]; then
    start_worker Charlie evaluator
    say 'another evaluator has come, who can score the model anew'
  fi
  dispute=$(sed -n 's/.*pouw\.DisputeOpened dispute=\([0-9]*\).*/\1/p' "$events" | head -1)
  ask dispute list --url "$NODE_URL" || fail "the disputes can't be listed"
  # It may have ended already; its story is then told by the events alone.
  start "$NETWORK_FOLDER/dispute.log" "$worker" dispute watch "$dispute" --url "$NODE_URL" \
    --store "$NETWORK_FOLDER/watcher/store"
  if [ "$fault" = false-challenge ]; then
    kill -KILL "$trainer"
    say 'a trainer whose commitment is disputed is killed'
    sleep 3
    start_worker Trainer1 trainer
    say 'it is started again'
  fi
  if [ "$fault" = approve-all ]; then
    # They come too late to be asked about what the first dispute is about, and in time for what follows it.
    for name in Charlie Dave Eve; do start_verifier "$name"; done
    say 'other verifiers come, who can take the places of those that are bribed'
  fi
  wait_for 'pouw\.DisputeEnded' 'a dispute ends'
}

# Somebody to whom the supervisor does not deliver demands a tile of what it says that it holds.
demand_what_is_withheld() {
  local place
  wait_for 'pouw\.CommitmentAvailable' 'the supervisor says that it holds a commitment'
  place=$(sed -n 's/.*pouw\.CommitmentAvailable .*slot=\([0-9]*\).*/\1/p' "$events" | head -1)
  ask dispute demand --task "$task" --supervisor 0 --round 0 --trainer "$place" --checkpoint 1 \
    --dev-account Client --url "$NODE_URL" >>"$NETWORK_FOLDER/dispute.log" 2>&1 ||
    fail "a tile can't be demanded: $(tail -1 "$NETWORK_FOLDER/dispute.log")"
  ask dispute list --url "$NODE_URL" >>"$NETWORK_FOLDER/dispute.log" || fail "the demands can't be listed"
  start_worker Charlie supervisor
  say 'a tile is demanded of it, and another supervisor has come'
  wait_for 'pouw\.AttestationRefuted' 'it has not shown the tile'
}

if [ "$fault" = withhold ]; then demand_what_is_withheld; else watch_a_dispute; fi

wait "$follower" || fail "the task did not settle: $(tail -1 "$events")"
say 'the task is settled'
sed 's/^/network test: watched: /' "$NETWORK_FOLDER/dispute.log"

check=("$events" --wrong "$(worker_address "$wrong")" --loser "$loser" "${clock[@]}" "${about[@]}")
for name in "${bribed[@]}"; do check+=(--bribed "$(worker_address "$name")"); done
node scripts/network-test/check.mjs "${check[@]}" || fail 'what was paid and taken does not add up'
if [ "$fault" = upgrade ]; then
  check_upgrade Trainer1 Supervisor1 Verifier1 Verifier2 Verifier3 Evaluator1 Client ||
    fail 'the upgrade was not as it must be'
fi
ask verify --task "$task" --url "$NODE_URL" --store "$NETWORK_FOLDER/auditor/store" ||
  fail 'the replay does not give the roots of the chain'
say "all holds with $fault"

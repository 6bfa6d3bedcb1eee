#!/usr/bin/env bash
# A network test with the real programs: two validators and the workers of one task, one of them a worker
# that does wrong (a build that exists for this test only), and a client that knows the chain by its metadata
# alone (@polkadot/api).
#
# usage: scripts/end-to-end.sh [--fault FAULT] [--upgrade]
#
# With --upgrade the runtime is upgraded while a dispute is open, to one that differs in its version alone; nothing
# of what must hold changes by that.
#
# FAULT is what the one worker does wrong; without it, skip-steps:
#   skip-steps, stale-weights, wrong-rows, flip-bit, copy-update   a trainer that claims what it has not trained
#   silent                                                         such a one that makes no move when challenged
#   false-challenge                                                a verifier that disputes what is right
#   stalled-challenge                                              such a one that makes no move then
#   approve-all                                                    a verifier that runs nothing, and a trainer
#                                                                  that skips steps
#
# What must hold: the wrong commitment is challenged by the verifiers on their own, and the dispute ends by
# proof or by the clock; who is wrong loses what it had at stake, half of it to the other party; a trainer and a
# verifier that are killed in mid-round come back and go on; the task settles and every unit of the fee is
# accounted for; someone with an empty store replays the run to the chain's own roots.
set -euo pipefail
cd "$(dirname "$0")/.."

fault=skip-steps upgrade=no
while [ $# -gt 0 ]; do
  case $1 in
    --fault) fault=${2-}; shift $(($# < 2 ? 1 : 2)) ;;
    --upgrade) upgrade=yes; shift ;;
    *) printf 'network test: unknown argument %s; it takes --fault FAULT and --upgrade\n' "$1" >&2; exit 2 ;;
  esac
done
# Who does wrong, who loses the dispute for it, and whether by the clock.
trainer_fault=$fault verifier_fault='' loser=Defender timed_out=false
case $fault in
  skip-steps | stale-weights | wrong-rows | flip-bit | copy-update) ;;
  silent) timed_out=true ;;
  approve-all) trainer_fault=skip-steps verifier_fault=approve-all ;;
  false-challenge) trainer_fault='' verifier_fault=$fault loser=Challenger ;;
  stalled-challenge) trainer_fault='' verifier_fault=$fault loser=Challenger timed_out=true ;;
  *) printf 'network test: there is no fault "%s"\n' "$fault" >&2; exit 2 ;;
esac
# shellcheck source=scripts/environment.sh
. scripts/environment.sh
# shellcheck source=scripts/network.sh
. scripts/network.sh
# shellcheck source=scripts/upgrade.sh
. scripts/upgrade.sh

say() { printf 'network test: %s\n' "$*"; }
fail() {
  # The market's story is what explains a failure to those who have only this output.
  if [ -s "${events-}" ]; then cat "$events" >&2; fi
  printf 'network test: FAILED: %s (folders and logs: %s)\n' "$*" "$NETWORK_FOLDER" >&2
  printf '\n0 passed, 1 failed\n'
  exit 1
}

# Whatever brought them, programs that are there will do.
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  (. scripts/packages.sh && install_packages nodejs npm)
fi
npm ci --silent --no-audit --no-fund --prefix scripts/polkadot-js

./scripts/build.sh
cargo build "${POUW_BUILD[@]}" --example ml-worker-faulty --features ml-worker/faults

NETWORK_FOLDER=$PWD/target/network-test/run-$(date +%Y%m%d-%H%M%S)-$$
mkdir -p "$NETWORK_FOLDER"
trap stop_network EXIT
worker=$POUW_BIN_DIR/ml-worker
client=(--dev-account Client --store "$NETWORK_FOLDER/Client/store")

# wait_for FILE PATTERN SECONDS WHAT : waits until a line of the file matches, and says what that means.
wait_for() {
  wait_for_line "$1" "$2" "$3" || fail "$4 did not happen within $3 s"
  say "$4"
}

if [ $upgrade = yes ]; then prepare_upgrade; fi
start_validators
wait_for_finality "$NODE_RPC_PORT" 1 90 || fail 'the chain does not finalize'
say "two validators finalize blocks; node at $NODE_URL"

start_worker Trainer1 trainer; trainer=$STARTED
faulty=$POUW_BIN_DIR/examples/ml-worker-faulty
start_worker Cheat trainer "$faulty" ${trainer_fault:+--fault "$trainer_fault"}
start_worker Supervisor1 supervisor
start_worker Verifier1 verifier; verifier=$STARTED
start_worker Verifier2 verifier
start_worker Verifier3 verifier "$faulty" ${verifier_fault:+--fault "$verifier_fault"}
start_worker Evaluator1 evaluator

find_port
mkdir -p "$NETWORK_FOLDER/Client"
wait_for_workers Trainer1 Cheat Supervisor1 Verifier1 Verifier2 Verifier3 Evaluator1 ||
  fail 'a worker did not start'
say 'the workers have their tickets and work'
"$worker" task prepare examples/digits.toml --url "$NODE_URL" \
  --store "$NETWORK_FOLDER/Client/store" --listen "127.0.0.1:$PORT" \
  --spec "$NETWORK_FOLDER/spec.hex"
start "$NETWORK_FOLDER/Client.log" "$worker" --log info work --role client "${client[@]}" \
  --url "$NODE_URL" --listen "127.0.0.1:$PORT"

events=$NETWORK_FOLDER/events.log
start "$events" node scripts/polkadot-js/follow-task.mjs --url "$NODE_URL" --uri //Client \
  --spec "$NETWORK_FOLDER/spec.hex" --minutes 20
follower=$STARTED

wait_for "$events" '^task [0-9]+' 60 'the task is submitted'
task=$(sed -n 's/^task \([0-9]*\)$/\1/p' "$events")
wait_for "$events" 'pouw\.RoundCommitted' 240 'a trainer has committed to a round'

kill -KILL "$trainer" "$verifier"
say 'a trainer and a verifier are killed'
sleep 3
start_worker Trainer1 trainer
start_worker Verifier1 verifier
# The place of the cheat can be taken once it is caught.
start_worker Trainer2 trainer
say 'they are started again, and another trainer has come'

wait_for "$events" 'pouw\.DisputeOpened' 300 'a verifier disputes a commitment'
dispute=$(sed -n 's/.*pouw\.DisputeOpened dispute=\([0-9]*\).*/\1/p' "$events" | head -1)
if [ $upgrade = yes ]; then upgrade_in_mid_dispute; fi
"$worker" dispute list --url "$NODE_URL" || fail 'the disputes can not be listed'
# It may have ended already; its story is then told by the events alone.
start "$NETWORK_FOLDER/dispute.log" "$worker" dispute watch "$dispute" --url "$NODE_URL" \
  --store "$NETWORK_FOLDER/watcher/store"
wait_for "$events" "pouw\.DisputeEnded .* loser=$loser timedOut=$timed_out" 420 \
  "a dispute ends: the loser is the $loser (by the clock: $timed_out)"
if [ "$fault" = approve-all ]; then
  wait_for "$events" 'pouw\.VerifierSlashed' 60 'the verifier that approved it loses its ticket'
fi
wait "$follower" || fail "the task did not settle: $(tail -1 "$events")"
say 'the task is settled'
sed 's/^/network test: watched: /' "$NETWORK_FOLDER/dispute.log"

node --input-type=module - "$events" "$loser" "$timed_out" <<'CHECK' || fail 'what was paid and taken does not add up'
import { readFileSync } from 'node:fs';
const [, , file, loser, timedOut] = process.argv;
const lines = readFileSync(file, 'utf8').trim().split('\n');
const { task, summary } = JSON.parse(lines.at(-1));
const amount = (value) => BigInt(value);
const check = (holds, what) => {
  console.log(`network test: ${holds ? 'holds' : 'DOES NOT HOLD'}: ${what}`);
  if (!holds) process.exitCode = 1;
};

// "#BLOCK section.Name field=value …"
const events = lines.flatMap((line) => {
  const [, block, name, rest] = line.match(/^#(\d+) (\S+) ?(.*)$/) ?? [];
  if (!name) return [];
  const fields = Object.fromEntries(
    [...rest.matchAll(/(\w+)=(\S*)/g)].map(([, field, value]) => [field, value]),
  );
  return [{ block: Number(block), name, ...fields }];
});
const of = (name) => events.filter((event) => event.name === name);
const passed = (block, from, to) =>
  of('balances.TransferOnHold')
    .filter((moved) => moved.block === block && moved.source === from && moved.dest === to)
    .map((moved) => amount(moved.amount));
const half = (whole) => whole / 2n;

const ended = of('pouw.DisputeEnded').filter((end) => end.loser === loser && end.timedOut === timedOut);
check(ended.length > 0, `${ended.length} of ${of('pouw.DisputeOpened').length} disputes ended so`);
check(of('pouw.DisputeEnded').every((end) => end.loser === loser), 'nobody else lost one');
for (const end of ended) {
  const opened = of('pouw.DisputeOpened').find((open) => open.dispute === end.dispute);
  if (loser === 'Defender') {
    const refutations = of('pouw.CommitmentRefuted');
    const refuted = refutations.find(
      (refuted) =>
        refuted.block === end.block &&
        refuted.round === end.round &&
        refuted.slot === end.slot &&
        refuted.challenger === opened.challenger,
    );
    check(refuted !== undefined, `dispute ${end.dispute}: the commitment does not stand any more`);
    if (!refuted) continue;
    const [slashed, burned] = [refuted.slashed, refuted.burned].map(amount);
    if (slashed === 0n) {
      // Several win at the same time, and a ticket can be taken only once.
      const before = refutations.find((other) => other.trainer === refuted.trainer && amount(other.slashed) > 0n);
      check(
        before !== undefined && before.block <= end.block && burned === 0n,
        `dispute ${end.dispute}: the trainer's ticket had been slashed before`,
      );
      continue;
    }
    const ticket = of('tickets.TicketSlashed').find((taken) => taken.owner === refuted.trainer);
    check(
      ticket !== undefined && amount(ticket.amount) === slashed && slashed > 0n,
      `dispute ${end.dispute}: the trainer's ticket of ${slashed} was slashed`,
    );
    check(
      passed(end.block, refuted.trainer, opened.challenger).includes(half(slashed)) &&
        burned === slashed - half(slashed),
      `dispute ${end.dispute}: ${half(slashed)} went to the challenger, ${burned} were burned`,
    );
  } else {
    const bond = amount(opened.bond);
    check(
      passed(end.block, opened.challenger, opened.defender).includes(half(bond)),
      `dispute ${end.dispute}: of the bond of ${bond}, ${half(bond)} went to the trainer`,
    );
  }
}

const { paid } = summary;
const sum = [paid.trainers, paid.verifiers, paid.supervisors, paid.evaluators, summary.refunded, summary.burned]
  .map(amount)
  .reduce((a, b) => a + b);
check(sum === amount(summary.fee), 'paid + refunded + burned = fee');
check(summary.segments.accepted > 0, 'segments were accepted');
check(amount(paid.trainers) > 0n, 'the honest trainers are paid');
const [right, all] = summary.accuracy;
check(right >= 0.95 * all, `at least 95 % right: ${right} of ${all}`);
CHECK

if [ $upgrade = yes ]; then
  check_upgrade Trainer1 Trainer2 Supervisor1 Verifier1 Verifier2 Verifier3 Evaluator1 Client ||
    fail 'the upgrade was not as it must be'
fi

"$worker" verify --task "$task" --url "$NODE_URL" --store "$NETWORK_FOLDER/auditor/store" ||
  fail 'the replay does not give the roots of the chain'

say 'all holds'
printf '\n1 passed, 0 failed\n'

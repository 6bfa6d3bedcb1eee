#!/usr/bin/env bash
# A network test with the real programs: two validators and the workers of one task, one of them a
# trainer that skips steps (a build that exists for this test only), and a client that knows the chain
# by its metadata alone (@polkadot/api).
#
# What must hold: the cheat is caught and loses its stake; a trainer and a verifier that are killed in
# mid-round come back and go on; the task settles and every unit of the fee is accounted for; someone
# with an empty store replays the run to the chain's own roots.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/environment.sh
. scripts/environment.sh
# shellcheck source=scripts/network.sh
. scripts/network.sh

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

start_validators
wait_for_finality "$NODE_RPC_PORT" 1 90 || fail 'the chain does not finalize'
say "two validators finalize blocks; node at $NODE_URL"

start_worker Trainer1 trainer; trainer=$STARTED
start_worker Cheat trainer "$POUW_BIN_DIR/examples/ml-worker-faulty" --fault skip-steps
start_worker Supervisor1 supervisor
start_worker Verifier1 verifier; verifier=$STARTED
start_worker Verifier2 verifier
start_worker Verifier3 verifier
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
  --spec "$NETWORK_FOLDER/spec.hex" --minutes 12
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

wait_for "$events" 'tickets\.TicketSlashed' 300 'the cheat is caught and its ticket slashed'
wait "$follower" || fail "the task did not settle: $(tail -1 "$events")"
say 'the task is settled'

node --input-type=module - "$events" <<'CHECK' || fail 'the settlement does not add up'
import { readFileSync } from 'node:fs';
const lines = readFileSync(process.argv[2], 'utf8').trim().split('\n');
const { summary } = JSON.parse(lines.at(-1));
const amount = (value) => BigInt(value);
const check = (holds, what) => {
  console.log(`network test: ${holds ? 'holds' : 'DOES NOT HOLD'}: ${what}`);
  if (!holds) process.exitCode = 1;
};
const { paid } = summary;
const sum = [paid.trainers, paid.verifiers, paid.supervisors, paid.evaluators, summary.refunded, summary.burned]
  .map(amount)
  .reduce((a, b) => a + b);
check(sum === amount(summary.fee), 'paid + refunded + burned = fee');
check(summary.segments.rejected > 0, 'a segment was rejected');
check(summary.segments.accepted > 0, 'segments were accepted');
check(amount(paid.trainers) > 0n, 'the honest trainers are paid');
const [right, of] = summary.accuracy;
check(right >= 0.95 * of, `at least 95 % right: ${right} of ${of}`);
CHECK

"$worker" verify --task "$task" --url "$NODE_URL" --store "$NETWORK_FOLDER/auditor/store" ||
  fail 'the replay does not give the roots of the chain'

say 'all holds'
printf '\n1 passed, 0 failed\n'

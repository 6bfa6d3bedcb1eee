# Sourced by the network test for `--upgrade`: a runtime upgrade while a dispute is open. Uses what `network.sh`
# and the test itself define.

# shellcheck shell=bash

# Before the validators are started: makes the successor's blob, and a chain on which it is authorized.
prepare_upgrade() {
  cargo build "${POUW_BUILD[@]}" --bin pouw-runtime-successor --example metadata
  "$POUW_BIN_DIR/pouw-runtime-successor" >"$NETWORK_FOLDER/successor.wasm"
  local chain=$NETWORK_FOLDER/authorized.json
  "$POUW_BIN_DIR/pouw-node" export-chain-spec --chain "$NETWORK_CHAIN" --raw 2>"$NETWORK_FOLDER/export.log" |
    node scripts/polkadot-js/upgrade.mjs authorize --code "$NETWORK_FOLDER/successor.wasm" >"$chain"
  NETWORK_CHAIN=$chain
}

# upgrade_in_mid_dispute DISPUTE : upgrades the runtime, and makes sure that the dispute was open then.
upgrade_in_mid_dispute() {
  local upgrade=$NETWORK_FOLDER/upgrade.json
  node scripts/polkadot-js/upgrade.mjs apply --url "$NODE_URL" --dispute "$1" \
    --code "$NETWORK_FOLDER/successor.wasm" --result "$upgrade" >"$NETWORK_FOLDER/upgrade.log" 2>&1 ||
    fail "the runtime can not be upgraded: $(tail -1 "$NETWORK_FOLDER/upgrade.log")"
  say "the runtime is upgraded: $(cat "$upgrade")"
  grep -q '"open":true' "$upgrade" || fail "dispute $1 was over before the upgrade"
}

# check_upgrade DISPUTE WORKER… : what must hold at the end: the dispute has gone on from where it was, and each of
# the workers has, without being started again.
check_upgrade() {
  local dispute=$1 name
  shift
  # shellcheck disable=SC2154 # The log of the events is the test's.
  node --input-type=module - "$NETWORK_FOLDER/upgrade.json" "$events" "$dispute" <<'CHECK' || return 1
import { readFileSync } from 'node:fs';
const [, , file, story, dispute] = process.argv;
const upgrade = JSON.parse(readFileSync(file, 'utf8'));
const blocks = (name) =>
  readFileSync(story, 'utf8')
    .split('\n')
    .map((line) => line.match(/^#(\d+) (\S+) dispute=(\d+)/) ?? [])
    .filter(([, , event, of]) => event === `pouw.${name}` && of === dispute)
    .map(([, block]) => Number(block));
const check = (holds, what) => {
  console.log(`network test: ${holds ? 'holds' : 'DOES NOT HOLD'}: ${what}`);
  if (!holds) process.exitCode = 1;
};
const [ended] = blocks('DisputeEnded');
const moves = blocks('DisputeMoved');
const before = moves.filter((block) => block <= upgrade.block).length;
check(upgrade.to === upgrade.from + 1, `the runtime went from version ${upgrade.from} to ${upgrade.to}`);
check(
  upgrade.block < ended && blocks('DisputeOpened')[0] <= upgrade.block,
  `dispute ${dispute} was open when that happened, in block ${upgrade.block}; it ended in block ${ended}`,
);
check(
  before > 0 && before < moves.length,
  `${before} of its ${moves.length} moves were made under the one, the others under the next`,
);
CHECK
  for name in "$@"; do
    grep -q 'the runtime was upgraded' "$NETWORK_FOLDER/$name.log" || fail "$name has not seen the upgrade"
  done
  say "holds: $* went on"
}

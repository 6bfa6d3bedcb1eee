# Sourced by the network test for `upgrade`: a runtime upgrade while a dispute is open. Uses what `network.sh` and
# the test itself define.

# shellcheck shell=bash

# Before the validators are started: puts the successor's blob there, and a chain on which it is authorized.
prepare_upgrade() {
  "$POUW_BIN_DIR/pouw-runtime-successor" >"$NETWORK_FOLDER/successor.wasm"
  local chain=$NETWORK_FOLDER/authorized.json
  node scripts/polkadot-js/upgrade.mjs authorize --code "$NETWORK_FOLDER/successor.wasm" \
    <"$NETWORK_CHAIN" >"$chain"
  NETWORK_CHAIN=$chain
}

# Upgrades the runtime, and makes sure that a dispute was open then.
upgrade_in_mid_dispute() {
  local result=$NETWORK_FOLDER/upgrade.json log=$NETWORK_FOLDER/upgrade.log
  node scripts/polkadot-js/upgrade.mjs apply --url "$NODE_URL" --code "$NETWORK_FOLDER/successor.wasm" \
    --result "$result" >"$log" 2>&1 || fail "the runtime can not be upgraded: $(tail -1 "$log")"
  say "the runtime is upgraded: $(cat "$result")"
}

# check_upgrade WORKER… : what must hold at the end: the disputes went on from where they were, and so did each of
# the workers, without being started again.
check_upgrade() {
  local name
  # shellcheck disable=SC2154 # The log of the events is the test's.
  node --input-type=module - "$NETWORK_FOLDER/upgrade.json" "$events" <<'CHECK' || return 1
import { readFileSync } from 'node:fs';
const [, , file, story] = process.argv;
const upgrade = JSON.parse(readFileSync(file, 'utf8'));
const events = readFileSync(story, 'utf8')
  .split('\n')
  .map((line) => line.match(/^#(\d+) pouw\.(\w+) dispute=(\d+)/))
  .filter((found) => found !== null)
  .map(([, block, name, dispute]) => ({ block: Number(block), name, dispute: Number(dispute) }));
const check = (holds, what) => {
  console.log(`network test: ${holds ? 'holds' : 'DOES NOT HOLD'}: ${what}`);
  if (!holds) process.exitCode = 1;
};
check(upgrade.to === upgrade.from + 1, `the runtime went from version ${upgrade.from} to ${upgrade.to}`);
const ended = events.filter(({ name, dispute }) => name === 'DisputeEnded' && upgrade.open.includes(dispute));
check(ended.length > 0, `of the ${upgrade.open.length} disputes that were open then, ${ended.length} ended with a loser`);
// One that was opened in that very block had no move before it.
let played = 0;
for (const { dispute, block } of ended) {
  const moves = events.filter((event) => event.name === 'DisputeMoved' && event.dispute === dispute);
  const before = moves.filter((move) => move.block <= upgrade.block).length;
  if (before > 0 && before < moves.length) played += 1;
  check(
    block > upgrade.block && before < moves.length,
    `dispute ${dispute} had ${before} moves up to the upgrade in block ${upgrade.block}, ` +
      `${moves.length - before} after it, and ended in block ${block}`,
  );
}
check(played > 0, `${played} of them had moves both before and after it`);
CHECK
  for name in "$@"; do
    if ! grep -q 'the runtime was upgraded' "$NETWORK_FOLDER/$name.log"; then
      say "DOES NOT HOLD: $name saw the upgrade"
      return 1
    fi
  done
  say "holds: $* saw the upgrade and went on"
}

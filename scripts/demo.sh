#!/usr/bin/env bash
# Shows the main job on this machine: a local network of two validators, a client that pays for a
# training run, and eight workers that train, keep, check and score it.
#
# usage: scripts/demo.sh [--data mnist:DIR]
#
# Without arguments it trains on the handwritten digits that the worker carries with it. With
# `--data mnist:DIR` it takes the MNIST files t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz
# from DIR. What it makes lies in target/demo: report.json, the loss curve as a picture, the model as
# safetensors, and all logs.
set -euo pipefail
cd "$(dirname "$0")/.."

task=examples/digits.toml
data=()
while [ $# -gt 0 ]; do
  case $1 in
    --data)
      [ $# -ge 2 ] || { printf 'demo: --data needs a value, for instance mnist:DIR\n' >&2; exit 2; }
      case $2 in
        digits) ;;
        mnist:*) task=examples/mnist.toml; data=(--data "$2") ;;
        *) printf 'demo: --data takes digits or mnist:DIR, not %s\n' "$2" >&2; exit 2 ;;
      esac
      shift 2 ;;
    *) printf 'demo: unknown argument %s\nusage: scripts/demo.sh [--data mnist:DIR]\n' "$1" >&2; exit 2 ;;
  esac
done

./scripts/build.sh
# shellcheck source=scripts/environment.sh
. scripts/environment.sh
# shellcheck source=scripts/network.sh
. scripts/network.sh

output=$PWD/target/demo
NETWORK_FOLDER=$output/run-$(date +%Y%m%d-%H%M%S)-$$
mkdir -p "$NETWORK_FOLDER"
trap stop_network EXIT

worker=$POUW_BIN_DIR/ml-worker
printf 'demo: folders and logs are in %s\n' "$NETWORK_FOLDER"
printf 'demo: starting two validators\n'
start_validators
wait_for_finality "$NODE_RPC_PORT" 1 90
printf 'demo: the chain finalizes blocks; its node listens at %s\n' "$NODE_URL"

printf 'demo: the workers buy their tickets and begin to work\n'
for place in Trainer1:trainer Trainer2:trainer Supervisor1:supervisor \
  Verifier1:verifier Verifier2:verifier Verifier3:verifier Evaluator1:evaluator; do
  start_worker "${place%:*}" "${place#*:}"
done

wait_for_workers Trainer1 Trainer2 Supervisor1 Verifier1 Verifier2 Verifier3 Evaluator1

printf 'demo: the client submits %s\n' "$task"
find_port
client=(--dev-account Client --url "$NODE_URL" --store "$NETWORK_FOLDER/Client/store")
"$worker" task submit "$task" "${data[@]}" --wait --out "$output" --listen "127.0.0.1:$PORT" "${client[@]}"

number=$(sed -n 's/.*"task": *\([0-9]*\).*/\1/p' "$output/report.json" | head -1)
printf '\ndemo: an auditor with an empty store replays the whole run\n'
"$worker" verify --task "$number" --url "$NODE_URL" --store "$NETWORK_FOLDER/auditor/store"

printf '\ndemo: see %s (report.json, loss.svg, model.safetensors)\n' "$output"

# Sourced by the demo and the network test: starts nodes and workers on the loopback interface, each
# with a folder and a log of its own, and ends exactly what it started.
#
# Ports are searched for, and every run has a folder of its own, so runs don't meet. Of several that begin at the
# same time each is told by NETWORK_FIRST_PORT where to search. Ports from 32768 on are left to the system, which
# gives them to whoever connects.

# shellcheck shell=bash

NETWORK_PIDS=()
NETWORK_NEXT_PORT=${NETWORK_FIRST_PORT:-$((10000 + RANDOM % 20000))}
# What the nodes take as their chain: the name of a preset, or the file of a specification.
NETWORK_CHAIN=${NETWORK_CHAIN:-local}

# Prints nothing; sets PORT to a TCP port of the loopback interface that nobody listens on.
find_port() {
  local port
  for _ in $(seq 200); do
    port=$NETWORK_NEXT_PORT
    NETWORK_NEXT_PORT=$((NETWORK_NEXT_PORT + 1))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then PORT=$port; return 0; fi
  done
  printf 'network: no free port found\n' >&2
  return 1
}

# start LOG COMMAND… : starts a program in the background, sets STARTED to its process id.
start() {
  local log=$1
  shift
  "$@" >>"$log" 2>&1 &
  STARTED=$!
  NETWORK_PIDS+=("$STARTED")
}

# Ends everything that `start` started and that still runs; gently first.
stop_network() {
  local pid
  for pid in "${NETWORK_PIDS[@]}"; do kill "$pid" 2>/dev/null || true; done
  for _ in $(seq 50); do
    local running=no
    for pid in "${NETWORK_PIDS[@]}"; do kill -0 "$pid" 2>/dev/null && running=yes; done
    [ $running = no ] && break
    sleep 0.2
  done
  for pid in "${NETWORK_PIDS[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  NETWORK_PIDS=()
}

# rpc PORT METHOD [PARAMETERS] : prints the answer of a node's JSON-RPC server.
rpc() {
  curl -s --max-time 5 -H 'Content-Type: application/json' \
    -d "{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"$2\",\"params\":${3:-[]}}" "http://127.0.0.1:$1"
}

# finalized_block PORT : prints the number of the last finalized block.
finalized_block() {
  local hash header
  hash=$(rpc "$1" chain_getFinalizedHead | sed -n 's/.*"result":"\(0x[0-9a-f]*\)".*/\1/p')
  [ -n "$hash" ] || return 1
  header=$(rpc "$1" chain_getHeader "[\"$hash\"]" | sed -n 's/.*"number":"\(0x[0-9a-f]*\)".*/\1/p')
  [ -n "$header" ] || return 1
  printf '%d\n' "$header"
}

# wait_for_finality PORT BLOCK SECONDS : returns when that block is finalized.
wait_for_finality() {
  local until=$((SECONDS + $3)) number
  while [ $SECONDS -lt $until ]; do
    if number=$(finalized_block "$1") && [ "$number" -ge "$2" ]; then return 0; fi
    sleep 0.5
  done
  printf 'network: block %s was not finalized within %s s\n' "$2" "$3" >&2
  return 1
}

# start_validators : two validators, Alice and Bob, of NETWORK_CHAIN, with folders and logs below NETWORK_FOLDER,
# which the caller sets. Sets NODE_RPC_PORT (Alice's) and NODE_URL.
start_validators() {
  local folder=$NETWORK_FOLDER alice_p2p alice_rpc bob_p2p bob_rpc alice_metrics bob_metrics
  find_port && alice_p2p=$PORT
  find_port && alice_rpc=$PORT
  find_port && alice_metrics=$PORT
  find_port && bob_p2p=$PORT
  find_port && bob_rpc=$PORT
  find_port && bob_metrics=$PORT
  mkdir -p "$folder/alice" "$folder/bob"
  # A fixed network key gives Alice an address that Bob can be told. It guards nothing.
  local key=0000000000000000000000000000000000000000000000000000000000000001
  local peer=12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp
  start "$folder/alice.log" "$POUW_BIN_DIR/pouw-node" --chain "$NETWORK_CHAIN" --alice --validator \
    --base-path "$folder/alice" --node-key "$key" --listen-addr "/ip4/127.0.0.1/tcp/$alice_p2p" \
    --rpc-port "$alice_rpc" --prometheus-port "$alice_metrics" --no-telemetry --no-mdns \
    --allow-private-ip --state-pruning archive --blocks-pruning archive
  start "$folder/bob.log" "$POUW_BIN_DIR/pouw-node" --chain "$NETWORK_CHAIN" --bob --validator \
    --base-path "$folder/bob" --unsafe-force-node-key-generation \
    --listen-addr "/ip4/127.0.0.1/tcp/$bob_p2p" \
    --rpc-port "$bob_rpc" --prometheus-port "$bob_metrics" --no-telemetry --no-mdns \
    --allow-private-ip --bootnodes "/ip4/127.0.0.1/tcp/$alice_p2p/p2p/$peer"
  # shellcheck disable=SC2034 # Read by the callers.
  NODE_RPC_PORT=$alice_rpc
  NODE_URL=ws://127.0.0.1:$alice_rpc
}

# start_worker NAME ROLE [PROGRAM [ARGUMENT…]] : does the duties of the role for the development account
# NAME; the first time it buys a ticket before that. Sets STARTED.
start_worker() {
  local name=$1 role=$2 program=${3:-$POUW_BIN_DIR/ml-worker}
  shift $(($# < 3 ? $# : 3))
  local folder=$NETWORK_FOLDER/$name
  mkdir -p "$folder"
  if [ ! -e "$folder/port" ]; then
    find_port
    printf '%s' "$PORT" >"$folder/port"
  fi
  local common=(--dev-account "$name" --url "$NODE_URL" --store "$folder/store"
    --listen "127.0.0.1:$(cat "$folder/port")" --role "$role")
  # The worker takes the shell's place, so that STARTED is its process.
  start "$folder.log" buy_and_work "$folder/bought" "$program" "$#" "$@" "${common[@]}"
}

# wait_for_line FILE PATTERN SECONDS : returns when a line of the file matches.
wait_for_line() {
  local until=$((SECONDS + $3))
  until grep -qE "$2" "$1" 2>/dev/null; do
    if [ $SECONDS -ge $until ]; then
      printf 'network: no line of %s is "%s" after %s s\n' "$1" "$2" "$3" >&2
      return 1
    fi
    sleep 0.5
  done
}

# wait_for_workers NAME… : returns when these workers have their tickets and do their duties.
wait_for_workers() {
  local name
  for name in "$@"; do
    wait_for_line "$NETWORK_FOLDER/$name.log" '^working as' 600 && continue
    tail -5 "$NETWORK_FOLDER/$name.log" >&2
    return 1
  done
}

# worker_address NAME : prints the address of a worker that does its duties.
worker_address() {
  sed -n 's/^working as \([^ ]*\) .*/\1/p' "$NETWORK_FOLDER/$1.log" | head -1
}

# buy_ticket PROGRAM --dev-account NAME --url URL ARGUMENT… : buys one ticket. Validators that have just begun may
# each make blocks of their own at first, and what was ordered in those that are left is lost: then it is bought
# again.
buy_ticket() {
  local program=$1
  shift
  for _ in 1 2 3 4 5; do
    timeout 90 "$program" ticket buy "$@" && return 0
    sleep 6
    timeout 90 "$program" ticket list "${@:1:4}" | grep ' has [1-9]' && return 0
  done
  return 1
}

# buy_and_work MARK PROGRAM N ARGUMENT…: N arguments are for `work` alone, the others for both commands.
buy_and_work() {
  local mark=$1 program=$2 own=$3
  shift 3
  local work=("${@:1:own}")
  shift "$own"
  if [ ! -e "$mark" ]; then
    buy_ticket "$program" "$@" || exit 1
    touch "$mark"
  fi
  exec "$program" --log info work --threads 1 "${work[@]}" "$@"
}

#!/usr/bin/env bash
# Clippy over the whole workspace, warnings denied.
#
# `cargo clippy` would compile the metadata of a thousand dependencies beside what the build has
# compiled already. Run as the workspace's compiler wrapper instead, clippy lints the same crates and
# shares every dependency with the build.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/environment.sh
. scripts/environment.sh

# What is linted is not run: optimising it would take most of the time. The wrapper lies in the cache, as
# cargo builds anew for a wrapper of another path. It is bash, as other shells drop variables whose names have
# a hyphen (`CARGO_BIN_EXE_pouw-node`).
wrapper=$POUW_CACHE_DIR/clippy
mkdir -p "$POUW_CACHE_DIR"
printf '#!/usr/bin/env bash\nexec clippy-driver "$@" -C opt-level=0 -C debug-assertions=off\n' >"$wrapper.new"
chmod +x "$wrapper.new"
if cmp -s "$wrapper.new" "$wrapper"; then rm "$wrapper.new"; else mv "$wrapper.new" "$wrapper"; fi

export SKIP_WASM_BUILD=1 # The blob is compiled from what is linted here.
export RUSTC_WORKSPACE_WRAPPER=$wrapper
export CLIPPY_ARGS='-Dwarnings__CLIPPY_HACKERY__'
cargo build "${POUW_BUILD[@]}" --all-targets

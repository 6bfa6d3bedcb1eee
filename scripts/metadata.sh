#!/usr/bin/env bash
# Writes the runtime's metadata to where ml-worker keeps what it knows of the runtime. Run it, and commit
# the file, after a change of the runtime's calls or questions; a test of the runtime says when it is due.
set -euo pipefail
# shellcheck source=scripts/environment.sh
. "$(dirname "$0")/environment.sh"

cd "$POUW_ROOT"
file=ml-worker/metadata/pouw.scale
mkdir -p "$(dirname "$file")"
cargo build --quiet "${POUW_BUILD[@]}" --example metadata
"$CARGO_TARGET_DIR"/release/examples/metadata >"$file.new"
mv "$file.new" "$file"
printf 'metadata: %s bytes in %s\n' "$(stat -c %s "$file")" "$file"

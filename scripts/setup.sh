#!/usr/bin/env bash
# Sets up what building and testing needs, and nothing more: system packages, Rust with the wasm32v1-none target, the
# compiler of the CUDA kernels.
# It may be run any number of times: what is there already is left as it is.
#
# Rust comes from rustup where rustup can fetch it, else from Debian's packages, for which the wasm
# target's core library is compiled here from its packaged source.
set -euo pipefail
# shellcheck source=scripts/environment.sh
. "$(dirname "$0")/environment.sh"
# shellcheck source=scripts/packages.sh
. "$(dirname "$0")/packages.sh"

# True where the toolchain in use compiles and links for the runtime's target.
wasm_target_works() {
  local folder status=0
  folder=$(mktemp -d)
  printf '#![no_std]\n#![no_main]\nextern crate alloc;\n#[panic_handler]\nfn panic(_: &core::panic::PanicInfo) -> ! { loop {} }\n' >"$folder/probe.rs"
  rustc --edition 2021 --target wasm32v1-none --crate-type cdylib -C panic=abort \
    --out-dir "$folder" "$folder/probe.rs" >"$folder/log" 2>&1 || status=1
  # alloc needs an allocator to link; that the crate was found and compiled is what counts.
  if [ $status = 1 ] && grep -q 'no global memory allocator' "$folder/log"; then status=0; fi
  rm -rf "$folder"
  return $status
}

use_toolchain() { # NAME, or nothing for the cargo that stands in PATH
  mkdir -p "$POUW_CACHE_DIR"
  printf '%s' "${1-}" >"$POUW_CACHE_DIR/toolchain"
  if [ -n "${1-}" ]; then export RUSTUP_TOOLCHAIN=$1; else unset RUSTUP_TOOLCHAIN; fi
}

from_rustup() {
  command -v rustup >/dev/null || return 1
  say "asking rustup for Rust $POUW_RUST_VERSION"
  timeout 600 rustup toolchain install "$POUW_RUST_VERSION" --profile minimal --no-self-update \
    --component rustfmt,clippy --target wasm32v1-none >/dev/null 2>&1 || return 1
  use_toolchain "$POUW_RUST_VERSION"
}

# Compiles core, alloc and compiler_builtins for wasm32v1-none into the sysroot of Debian's Rust.
build_wasm_core() {
  local folder sysroot library host
  sysroot=$(rustc --print sysroot)
  host=$(rustc -vV | sed -n 's/^host: //p')
  library=$sysroot/lib/rustlib/wasm32v1-none/lib
  say "compiling the core library for wasm32v1-none"
  folder=$(mktemp -d)
  mkdir -p "$folder/src"
  printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n[workspace]\n' >"$folder/Cargo.toml"
  printf '#![no_std]\nextern crate alloc;\n' >"$folder/src/lib.rs"
  # Bitcode is needed for the link-time optimisation of the runtime.
  (cd "$folder" && RUSTC_BOOTSTRAP=1 RUSTFLAGS='-C embed-bitcode=yes' CARGO_TARGET_DIR="$folder/target" \
    cargo build --quiet --release --target wasm32v1-none -Zbuild-std=core,alloc,compiler_builtins) ||
    { rm -rf "$folder"; die 'the core library for wasm32v1-none did not compile'; }
  as_root mkdir -p "$library"
  as_root rm -f "$library"/lib{core,alloc,compiler_builtins}-*.rlib
  as_root cp "$folder"/target/wasm32v1-none/release/deps/lib{core,alloc,compiler_builtins}-*.rlib "$library/"
  rm -rf "$folder"
  as_root mkdir -p "$sysroot/lib/rustlib/$host/bin"
  as_root ln -sf /usr/lib/llvm-22/bin/lld "$sysroot/lib/rustlib/$host/bin/rust-lld"
  # Cargo does not notice a changed sysroot: what was built against the old one must go.
  rm -rf "$CARGO_TARGET_DIR"/*/wbuild
}

from_debian() {
  command -v apt-get >/dev/null || return 1
  say "taking Rust from Debian's packages"
  install_packages rustc-web cargo-web rust-web-src rustfmt-web rust-web-clippy lld-22
  if command -v rustup >/dev/null; then
    rustup toolchain link debian /usr
    use_toolchain debian
  else
    use_toolchain
  fi
  wasm_target_works || build_wasm_core
}

# The compiler of the CUDA kernels, from PyPI's wheel; where `POUW_NVRTC` names one already, that is used.
fetch_nvrtc() {
  local folder=$POUW_CACHE_DIR/nvrtc-$POUW_NVRTC_VERSION
  [ ! -e "$POUW_NVRTC" ] || return 0
  say "fetching NVRTC $POUW_NVRTC_VERSION from PyPI"
  python3 -m pip --version >/dev/null 2>&1 || install_packages python3-pip
  rm -rf "$folder.new"
  python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$folder.new" \
    "nvidia-cuda-nvrtc-cu12==$POUW_NVRTC_VERSION"
  python3 -m zipfile -e "$folder.new"/*.whl "$folder.new"
  rm -rf "$folder" "$folder.new"/*.whl "$folder.new"/nvidia/cuda_nvrtc/lib/*.alt.*
  mv "$folder.new" "$folder"
  [ -e "$POUW_NVRTC" ] || die "the wheel has no $POUW_NVRTC; give the path of libnvrtc.so.12 in POUW_NVRTC"
}

install_packages ca-certificates curl git g++ make pkg-config libssl-dev protobuf-compiler
if ! { command -v cargo >/dev/null && [ -e "$POUW_CACHE_DIR/toolchain" ] && wasm_target_works; }; then
  from_rustup || from_debian || die "no Rust $POUW_RUST_VERSION could be had from rustup or Debian"
  wasm_target_works || die 'the wasm32v1-none target does not compile; see CONTRIBUTING.md, Toolchain'
fi
fetch_nvrtc
say "$(rustc --version), target wasm32v1-none, programs go to $POUW_BIN_DIR"

# Sourced by every script here: the one place that says which toolchain builds this project and where
# what it builds is kept. It installs nothing; `setup.sh` does.

# shellcheck shell=bash

# The repository's root, whatever folder the caller stands in.
POUW_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export POUW_ROOT

# The release of Rust that the project is built with. Debian's `rustc-web` is of the same release.
# shellcheck disable=SC2034 # Read by `setup.sh`.
POUW_RUST_VERSION=1.96.0

# Everything compiled lies outside of the checkout, so that checkouts share it.
export POUW_CACHE_DIR=${POUW_CACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pouw}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$POUW_CACHE_DIR/target}

# litep2p would otherwise compile OpenSSL from source, which takes minutes; the system's is used.
export OPENSSL_NO_VENDOR=1

# The folder of programs that `cargo build --release` makes.
POUW_BIN_DIR=$CARGO_TARGET_DIR/release
export POUW_BIN_DIR

# The compiler of the CUDA kernels, which their tests need also where there is no GPU; `setup.sh` fetches it.
# shellcheck disable=SC2034 # Read by `setup.sh`.
POUW_NVRTC_VERSION=12.9.86
export POUW_NVRTC=${POUW_NVRTC:-$POUW_CACHE_DIR/nvrtc-$POUW_NVRTC_VERSION/nvidia/cuda_nvrtc/lib/libnvrtc.so.12}

# What `setup.sh` chose: a rustup toolchain's name, or nothing where Debian's cargo stands alone.
if [ -r "$POUW_CACHE_DIR/toolchain" ]; then
  RUSTUP_TOOLCHAIN=$(cat "$POUW_CACHE_DIR/toolchain")
  if [ -n "$RUSTUP_TOOLCHAIN" ]; then export RUSTUP_TOOLCHAIN; else unset RUSTUP_TOOLCHAIN; fi
fi

# What every build names, so that cargo chooses the same features for each dependency and compiles it once:
# the whole workspace. With it goes one target at least that is built with the tests' dependencies (`--tests`,
# `--example`), as these ask for more features.
# shellcheck disable=SC2034 # Read by the scripts that source this file.
POUW_BUILD=(--release --locked --workspace)

//! The runtime as it would be after a release that changes nothing but its `spec_version`.
//!
//! It exists for tests of runtime upgrades: a network that has started with the runtime is given this blob, and
//! all that was under way has to go on. `pouw-runtime-successor >FILE` writes the blob.

#![cfg_attr(target_arch = "wasm32", no_std)]
#![allow(missing_docs)] // What is here comes from the runtime, or from the builder of its blob.

#[cfg(target_arch = "wasm32")]
pub use pouw_runtime::*;

#[cfg(not(target_arch = "wasm32"))]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

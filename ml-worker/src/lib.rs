//! The off-chain program of Proof of Useful Work.
//!
//! Without a chain:
//! - [`task_file`]: what a client wants trained.
//! - [`dataset`]: what it is to be learned from, cut into segments.
//! - [`training`]: rounds, segments, merges, evaluation.
//! - [`model_file`]: models as safetensors files. [`report`]: what people see of it.
//! - [`keys`]: who signs. [`amount`]: amounts of the token.
//!
//! With a chain:
//! - [`chain`]: questions and calls. [`store`]: blobs by hash.
//! - [`roles`]: trainer, supervisor, verifier, evaluator, client.
//! - [`config`]: how a worker is set up. [`metrics`]: what is counted of it.
//!
//! [`cli`] is the command line; each command is a module of its own.

pub mod amount;
pub mod chain;
pub mod cli;
pub mod config;
pub mod dataset;
pub mod keys;
pub mod metrics;
pub mod model_file;
pub mod report;
pub mod roles;
pub mod store;
pub mod task_file;
pub mod training;

//! The chain's client. What it runs is the runtime's blob; this library finds peers, imports and authors
//! blocks, votes for finality, and answers questions over RPC.

// The client libraries' errors are large; they end the program or a request, so their size does not matter.
#![allow(clippy::result_large_err)]

mod cli;
mod command;
mod rpc;
pub mod runtime_api;
mod service;

pub use cli::LoadChain;
pub use command::run;

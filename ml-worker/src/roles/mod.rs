//! What workers and clients do.
//!
//! A [`Worker`] follows the chain's best blocks. At each it asks what its account must do, and starts what
//! is not under way yet, the most urgent first; each kind of duty belongs to a role, which is a module:
//! `trainer`, `supervisor`, `verifier`, `evaluator`, [`client`]; `dispute` is for both parties of one,
//! `demand` for supervisors that are to show what they hold. Transactions are sent only for what the chain still
//! waits for. A duty that fails is tried again with the next blocks, with growing pauses.
//!
//! - [`replay`]: a whole task once more, to check what was settled.
//! - [`task`]: a task's programs, data and agreed states, fetched by hash and checked.
//! - [`Journal`]: what must survive a restart. [`manifest`]: how a round's checkpoints are listed.

pub mod client;
mod demand;
mod dispute;
mod error;
mod evaluator;
#[cfg(feature = "faults")]
pub mod fault;
mod follow;
mod journal;
pub mod manifest;
mod memory;
pub mod replay;
mod supervisor;
pub mod task;
mod trainer;
mod verifier;
mod worker;

pub(crate) use demand::describe as describe_demanded;
pub use dispute::DisputeError;
pub use error::{RoleError, WrongContent};
pub use journal::{Journal, JournalError};
pub use worker::{Notice, Worker, WorkerSetup, Workshop};

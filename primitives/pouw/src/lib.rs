//! The words that the chain and the worker share.
//!
//! - [`spec`]: what a client asks for, and its bounds.
//! - [`ticket`]: roles, capabilities, endpoints.
//! - [`proof`]: how commitments and audit answers are made.
//! - [`status`]: what the chain tells about tasks, rounds, audits, and who must do what next.
//! - [`demand`]: what a supervisor is asked to show of what it has attested.
//! - [`api`]: the runtime API over all of it.
//! - [`seams`]: the small traits by which the pallets reach each other; the runtime joins them.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

// The macro that declares a runtime API repeats the bounds of its parameters at each function.
#[allow(clippy::multiple_bound_locations)]
pub mod api;
pub mod demand;
mod json;
pub mod proof;
pub mod seams;
pub mod spec;
pub mod status;
pub mod ticket;

/// Amounts, in units of 10^−12 POUW.
pub type Balance = u128;
/// The number of a block.
pub type BlockNumber = u32;
/// The number of a task.
pub type TaskId = u32;
/// The number of a ticket.
pub type TicketId = u64;
/// The number of an audit.
pub type AuditId = u64;
/// The number of a dispute.
pub type DisputeId = u64;
/// The number of a demand.
pub type DemandId = u64;
/// The number of a round within its task, from 0.
pub type RoundIndex = u32;
/// A trainer's place within its task, from 0. A replacement takes the place over.
pub type Slot = u16;
/// The number of a segment of steps within a round, from 0.
pub type SegmentIndex = u32;

/// The network part of this chain's addresses (SS58), unassigned in the registry: they begin with `pw`.
pub const ADDRESS_PREFIX: u16 = 6067;

/// One POUW in the smallest unit.
pub const POUW: Balance = 1_000_000_000_000;

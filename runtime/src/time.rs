//! How long things take, in blocks.

use crate::{BlockNumber, Moment};

/// Length of a slot in milliseconds; at most one block is final for each.
pub const MILLISECS_PER_SLOT: Moment = 3_000;

/// Blocks in a minute.
pub const MINUTES: BlockNumber = 60_000 / (MILLISECS_PER_SLOT as BlockNumber);
/// Blocks in an hour.
pub const HOURS: BlockNumber = MINUTES * 60;
/// Blocks in a day: 28 800.
pub const DAYS: BlockNumber = HOURS * 24;

/// Slots of an epoch, which is also a session: ten minutes. It can never change after launch: BABE
/// derives the number of an epoch from it.
pub const EPOCH_DURATION_IN_SLOTS: u64 = 10 * MINUTES as u64;

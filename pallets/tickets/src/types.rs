//! What is stored about tickets.

use codec::{Decode, Encode, MaxEncodedLen};
use pouw_primitives::{
	status::{TicketState, TicketStatus},
	ticket::{Capabilities, Endpoint, Role},
	Balance, BlockNumber, TaskId, TicketId,
};
use scale_info::TypeInfo;

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Ticket<AccountId> {
	/// Who bought it, and whose stake is on hold.
	pub owner: AccountId,
	/// The role that it is for.
	pub role: Role,
	/// What is on hold for it.
	pub stake: Balance,
	/// What its machine can do.
	pub capabilities: Capabilities,
	/// Where its machine's blobs are served.
	pub endpoint: Endpoint,
	/// The first block in which it is drawn no more.
	pub expires: BlockNumber,
	/// Duties missed since the last one that was done, or since the last fine.
	pub missed: u32,
	/// The one place where it is.
	pub place: Place,
}

/// The one place where a ticket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Place {
	/// Nowhere yet: it joins its pool in this block or soon after.
	Maturing {
		/// The block.
		until: BlockNumber,
	},
	/// In its role's pool.
	Pooled {
		/// Its index there.
		index: u32,
	},
	/// Held by a task.
	Locked {
		/// The task.
		task: TaskId,
		/// Whether it goes back to its owner, not to the pool, when the task lets it go.
		retiring: bool,
		/// Whether it was fined for missed duties since the task holds it.
		fined: bool,
	},
}

impl<AccountId> Ticket<AccountId> {
	/// Whether its time is over.
	pub fn expired(&self, now: BlockNumber) -> bool {
		self.expires <= now
	}

	/// The ticket as people see it.
	pub fn status(self, ticket: TicketId) -> TicketStatus {
		TicketStatus {
			ticket,
			role: self.role,
			stake: self.stake,
			state: match self.place {
				Place::Maturing { until } => TicketState::Maturing(until),
				Place::Pooled { .. } => TicketState::Pooled,
				Place::Locked {
					task,
					retiring: false,
					..
				} => TicketState::Locked(task),
				Place::Locked {
					task,
					retiring: true,
					..
				} => TicketState::Retiring(task),
			},
			capabilities: self.capabilities,
			endpoint: self.endpoint,
			expires: self.expires,
			missed: self.missed,
		}
	}
}

/// How many tickets of a role there are, and were on average since the price was set. The average, not
/// the number at one moment, sets the next price: what is bought or retired for a few blocks only
/// hardly moves it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Supply {
	/// Tickets now, wherever they are.
	pub tickets: u32,
	/// The block of the last change of `tickets`.
	pub since: BlockNumber,
	/// The sum over the window's blocks before `since` of the tickets in that block.
	pub ticket_blocks: u64,
}

impl Supply {
	/// The same supply with the sum brought up to a block.
	pub fn up_to(self, now: BlockNumber) -> Self {
		let blocks = u64::from(now.saturating_sub(self.since));
		Self {
			tickets: self.tickets,
			since: now,
			ticket_blocks: self
				.ticket_blocks
				.saturating_add(u64::from(self.tickets).saturating_mul(blocks)),
		}
	}
}

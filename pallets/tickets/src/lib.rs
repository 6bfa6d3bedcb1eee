//! # Tickets
//!
//! Stake-backed lots for the off-chain roles: trainer, supervisor, verifier, evaluator.
//!
//! ## Overview
//!
//! Who wants to work buys tickets. All tickets of a role cost the same when they are bought, so more
//! stake is more tickets and more chances, and drawing uniformly among tickets is drawing by stake. Tasks
//! draw their workers from the tickets through [`TicketPool`](pouw_primitives::seams::TicketPool); whoever
//! is proven wrong loses the stake behind the drawn ticket.
//!
//! ## Terms
//!
//! - **Ticket**: a lot for one role. Its *stake*, what was paid for it, is on hold on its owner's account
//!   under [`HoldReason::Ticket`] until it is given back, burned or slashed.
//! - **Pool**: the tickets of a role that can be drawn. An indexed list from which a ticket is taken by
//!   moving the last one into its place, so that a draw costs the same in a pool of ten or of a million.
//! - **Needs**: what a task asks of a worker's machine. A draw skips tickets that don't meet them, that
//!   have expired or belong to an account that the task excludes.
//! - **Locked**: held by the task that drew it, until that says that its last dispute window has passed.
//!   Two tasks never hold one ticket, and a locked ticket's stake can't be taken away by its owner.
//! - **Duty**: what a drawn ticket must do in time. Missed ones are counted, and the count starts anew
//!   with each duty done. At a limit part of the stake is burned and the ticket retires; that is done once
//!   while a task holds it, however much it misses there.
//!
//! ## Life cycle
//!
//! ```text
//! buy_ticket ──> Maturing ──(block reached)──> Pooled ──(draw)──> Locked ──(release)──> Pooled
//!                   │                            │                  │  └─(retire_ticket, limit of missed
//!                   └───────(retire_ticket)──────┤                  │     duties)─> Retiring ─(release)─┐
//!                                                └─(expired)──> stake given back <──────────────────────┘
//!                                     (proven wrong, wherever it is) ──> stake slashed
//! ```
//!
//! Maturing and expiring are worked off in [`Hooks::on_poll`] on a weight meter; what is left over is
//! done in the next blocks. An expired ticket that is still
//! there is never drawn, and anyone can have it removed by `reap_ticket`.
//!
//! ## Price
//!
//! Each window the price of each role takes a step toward a target number of tickets: up if there were
//! more on average over the window's blocks, down if there were fewer, by an eighth at most, and never
//! below a floor. What was paid for tickets that exist stays as it is.
//!
//! ## Randomness
//!
//! A draw depends on the order of the pool, and owners can change that order by retiring. A caller must
//! therefore draw before any transaction of the block in which the randomness became known, in a hook
//! that runs before transactions.
//!
//! [`Hooks::on_poll`]: polkadot_sdk::frame_support::traits::Hooks::on_poll
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(
	not(test),
	deny(
		clippy::arithmetic_side_effects,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::unwrap_used
	)
)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod draw;
mod invariants;
#[cfg(test)]
mod mock;
mod places;
mod price;
mod seam;
mod sweep;
#[cfg(test)]
mod tests;
pub mod types;
pub mod weights;

pub use draw::{MAX_LOOKS, VERIFIERS_OF_A_TASK};
pub use pallet::*;
pub use price::{retargeted, MAX_STEP};
pub use types::{Place, Supply, Ticket};
pub use weights::{SubstrateWeight, WeightInfo};

const LOG_TARGET: &str = "runtime::tickets";

// The code that the macros make uses `expect`.
#[allow(clippy::expect_used)]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
	use crate::{Place, Supply, Ticket, WeightInfo};
	use alloc::vec::Vec;
	use polkadot_sdk::{
		frame_support::{
			pallet_prelude::*,
			traits::fungible::{Inspect, MutateHold},
			weights::WeightMeter,
		},
		frame_system::pallet_prelude::*,
		sp_runtime::{traits::BlockNumberProvider, Permill},
	};
	use pouw_primitives::{
		status::TicketStatus,
		ticket::{Capabilities, Endpoint, Role},
		Balance, BlockNumber, TaskId, TicketId,
	};

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What the runtime must provide.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// Weights of the calls and of the hook's parts.
		type WeightInfo: WeightInfo;

		/// The currency that stakes are held in.
		type Currency: Inspect<Self::AccountId, Balance = Balance>
			+ MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's reasons for holds.
		type RuntimeHoldReason: From<HoldReason>;

		/// The block number that periods are counted in.
		type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

		/// Blocks from the purchase of a ticket until it can be drawn: long enough that nobody buys
		/// tickets for randomness that can already be foreseen.
		type Maturity: Get<BlockNumber>;

		/// Blocks from a ticket's maturity until it expires.
		type Lifetime: Get<BlockNumber>;

		/// The least price of a ticket.
		type PriceFloor: Get<Balance>;

		/// The number of tickets of each role that the price steers toward.
		type TargetPool: Get<u32>;

		/// Blocks between two steps of the price.
		type RetargetWindow: Get<BlockNumber>;

		/// Missed duties in a row at which a ticket is fined and retires.
		type MissedDutyLimit: Get<u32>;

		/// The share of the stake that is then burned.
		type MissedDutyFine: Get<Permill>;

		/// The most tickets that one account can have.
		#[pallet::constant]
		type MaxTicketsPerAccount: Get<u32>;

		/// The most tickets of one role that a task can hold. A task at this limit draws only among those
		/// that it holds.
		#[pallet::constant]
		type MaxLockedPerTask: Get<u32>;

		/// The most weight that the hook uses in a block.
		#[pallet::constant]
		type MaximumWeight: Get<Weight>;
	}

	/// Why funds are on hold.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The stake of a ticket.
		#[codec(index = 0)]
		Ticket,
	}

	/// The number of the next ticket. Numbers are given out in the order of purchase.
	#[pallet::storage]
	pub type NextTicket<T: Config> = StorageValue<_, TicketId, ValueQuery>;

	/// All tickets before this number have matured.
	#[pallet::storage]
	pub type NextToMature<T: Config> = StorageValue<_, TicketId, ValueQuery>;

	/// All tickets before this number have ended, or will when the task that holds them lets them go.
	#[pallet::storage]
	pub type NextToExpire<T: Config> = StorageValue<_, TicketId, ValueQuery>;

	/// The tickets. The numbers are given out by the chain, so a fast hasher is safe; each is backed by
	/// stake, which bounds how many there are.
	#[pallet::storage]
	pub type Tickets<T: Config> = StorageMap<_, Twox64Concat, TicketId, Ticket<T::AccountId>>;

	/// The tickets of an account, in the order of purchase. The keys are chosen by users, hence the
	/// cryptographic hasher.
	#[pallet::storage]
	pub type TicketsOf<T: Config> = StorageMap<
		_,
		Blake2_128Concat,
		T::AccountId,
		BoundedVec<TicketId, T::MaxTicketsPerAccount>,
		ValueQuery,
	>;

	/// The pools: ticket by role and index, the indexes from zero without gaps. No key is chosen by users.
	#[pallet::storage]
	pub type Pools<T: Config> =
		StorageDoubleMap<_, Twox64Concat, Role, Twox64Concat, u32, TicketId>;

	/// The number of tickets in a role's pool.
	#[pallet::storage]
	pub type PoolSize<T: Config> = StorageMap<_, Twox64Concat, Role, u32, ValueQuery>;

	/// The tickets of a role that a task holds. The numbers of tasks are given out by the chain.
	#[pallet::storage]
	pub type LockedTo<T: Config> = StorageDoubleMap<
		_,
		Twox64Concat,
		TaskId,
		Twox64Concat,
		Role,
		BoundedVec<TicketId, T::MaxLockedPerTask>,
		ValueQuery,
	>;

	/// The price of a role's tickets as the last window set it. The floor counts where it is higher.
	#[pallet::storage]
	pub type Prices<T: Config> = StorageMap<_, Twox64Concat, Role, Balance, ValueQuery>;

	/// How many tickets of a role there are and were.
	#[pallet::storage]
	pub type Supplies<T: Config> = StorageMap<_, Twox64Concat, Role, Supply, ValueQuery>;

	/// The block in which the window began that will set the next prices.
	#[pallet::storage]
	pub type WindowStart<T: Config> = StorageValue<_, BlockNumber, ValueQuery>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A ticket was bought.
		TicketBought {
			/// The ticket.
			ticket: TicketId,
			/// Its owner.
			owner: T::AccountId,
			/// Its role.
			role: Role,
			/// What is on hold for it.
			price: Balance,
			/// The block from which it can be drawn.
			matures: BlockNumber,
			/// The block from which it can't be drawn any more.
			expires: BlockNumber,
		},
		/// A ticket has matured and is in its pool.
		TicketMatured {
			/// The ticket.
			ticket: TicketId,
		},
		/// A ticket was drawn and is locked to the task.
		TicketDrawn {
			/// The ticket.
			ticket: TicketId,
			/// Its owner.
			owner: T::AccountId,
			/// Its role.
			role: Role,
			/// The task.
			task: TaskId,
		},
		/// A task let a ticket go; it is in its pool again.
		TicketReleased {
			/// The ticket.
			ticket: TicketId,
			/// The task.
			task: TaskId,
		},
		/// A locked ticket will be given back when its task lets it go.
		TicketRetiring {
			/// The ticket.
			ticket: TicketId,
			/// The task that holds it.
			task: TaskId,
		},
		/// A ticket has ended and its stake is free.
		TicketReturned {
			/// The ticket.
			ticket: TicketId,
			/// Its owner.
			owner: T::AccountId,
			/// The stake.
			amount: Balance,
		},
		/// A ticket's blobs are served elsewhere now.
		EndpointUpdated {
			/// The ticket.
			ticket: TicketId,
		},
		/// A ticket missed a duty.
		DutyMissed {
			/// The ticket.
			ticket: TicketId,
			/// Its owner.
			owner: T::AccountId,
			/// Duties missed in a row.
			missed: u32,
		},
		/// Part of a ticket's stake was burned, because it missed too many duties in a row. The ticket
		/// retires.
		TicketFined {
			/// The ticket.
			ticket: TicketId,
			/// Its owner.
			owner: T::AccountId,
			/// What was burned.
			amount: Balance,
		},
		/// A ticket has ended and its whole stake was taken.
		TicketSlashed {
			/// The ticket.
			ticket: TicketId,
			/// Its owner.
			owner: T::AccountId,
			/// The stake.
			amount: Balance,
			/// What was burned of it; the rest went to those who were entitled to it.
			burned: Balance,
		},
		/// The price of a role's tickets has changed.
		PriceSet {
			/// The role.
			role: Role,
			/// The new price.
			price: Balance,
			/// The average number of tickets that it was set by.
			average: u32,
		},
	}

	/// Why a call was refused.
	#[pallet::error]
	pub enum Error<T> {
		/// No ticket has this number. It may have been retired, expired or slashed: the view function
		/// `tickets_of` lists the tickets that an account has.
		NoSuchTicket,
		/// The ticket belongs to another account. Sign with the account that bought it.
		NotOwner,
		/// A ticket costs more than `max_price`. Ask the view function `price` and give a higher maximum.
		PriceAboveMaximum,
		/// The account has as many tickets as one account can have. Retire one, or buy from another
		/// account.
		TooManyTickets,
		/// Trainers and supervisors serve blobs: the endpoint needs at least one address.
		NoAddress,
		/// The ticket is retiring already. Its stake is given back when its task lets it go.
		AlreadyRetiring,
		/// The ticket has not expired. Its owner can retire it.
		NotExpired,
		/// A task holds the ticket. Its stake is given back when the task lets it go.
		Locked,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Sets prices at the end of a window, puts matured tickets into their pools, gives the stakes of
		/// expired ones back.
		fn on_poll(_: BlockNumberFor<T>, meter: &mut WeightMeter) {
			let limit = meter.remaining().min(T::MaximumWeight::get());
			let mut own = WeightMeter::with_limit(limit);
			if own.try_consume(T::WeightInfo::poll()).is_err() {
				return;
			}
			let now = Self::now();
			Self::retarget(now, &mut own);
			Self::sweep_matured(now, &mut own);
			Self::sweep_expired(now, &mut own);
			meter.consume(own.consumed());
		}

		fn integrity_test() {
			let least = T::WeightInfo::poll()
				.saturating_add(T::WeightInfo::retarget())
				.saturating_add(T::WeightInfo::look())
				.saturating_add(T::WeightInfo::promote().max(T::WeightInfo::expire()));
			assert!(
				T::MaximumWeight::get().all_gte(least),
				"`MaximumWeight` must allow at least one ticket to mature or expire: {least}"
			);
			assert!(
				T::MaxTicketsPerAccount::get() > 0 && T::MaxLockedPerTask::get() > 0,
				"accounts must be able to have tickets, and tasks to hold them"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(
			_: BlockNumberFor<T>,
		) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Buys a ticket for a role.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by the account that will own the ticket.
		///
		/// ## Details
		///
		/// The role's current price is put on hold on the account. The ticket can be drawn once it has
		/// matured, and is given back when it has expired. What it says about its machine can't be changed
		/// later, except for the endpoint.
		///
		/// - `role`: what the ticket is for.
		/// - `capabilities`: what the machine can do. Work that it can't do is a missed duty, so don't claim
		///   more.
		/// - `endpoint`: where the machine's blobs are served. Verifiers and evaluators serve none and may
		///   leave the addresses empty.
		/// - `max_price`: the most that is to be paid; the price changes from window to window.
		///
		/// ## Errors
		///
		/// - [`Error::PriceAboveMaximum`]: the role's price is above `max_price`.
		/// - [`Error::TooManyTickets`]: the account can't have any more.
		/// - [`Error::NoAddress`]: the role serves blobs and the endpoint has no address.
		/// - `TokenError::FundsUnavailable` and other errors of the currency: the price can't be put on hold.
		///
		/// ## Events
		///
		/// - [`Event::TicketBought`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::buy_ticket())]
		pub fn buy_ticket(
			origin: OriginFor<T>,
			role: Role,
			capabilities: Capabilities,
			endpoint: Endpoint,
			#[pallet::compact] max_price: Balance,
		) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::check_endpoint(role, &endpoint)?;
			let price = Self::price_of(role);
			ensure!(price <= max_price, Error::<T>::PriceAboveMaximum);

			let now = Self::now();
			let supply = Supplies::<T>::get(role).up_to(now);
			let tickets = supply
				.tickets
				.checked_add(1)
				.ok_or(Error::<T>::TooManyTickets)?;
			let ticket = NextTicket::<T>::get();
			TicketsOf::<T>::try_append(&owner, ticket).map_err(|()| Error::<T>::TooManyTickets)?;
			T::Currency::hold(&HoldReason::Ticket.into(), &owner, price)?;

			let matures = now.saturating_add(T::Maturity::get());
			let expires = matures.saturating_add(T::Lifetime::get());
			NextTicket::<T>::put(ticket.saturating_add(1));
			Supplies::<T>::insert(role, Supply { tickets, ..supply });
			Tickets::<T>::insert(
				ticket,
				Ticket {
					owner: owner.clone(),
					role,
					stake: price,
					capabilities,
					endpoint,
					expires,
					missed: 0,
					place: Place::Maturing { until: matures },
				},
			);
			Self::deposit_event(Event::TicketBought {
				ticket,
				owner,
				role,
				price,
				matures,
				expires,
			});
			Ok(())
		}

		/// Gives a ticket up.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by the ticket's owner.
		///
		/// ## Details
		///
		/// A ticket that no task holds ends at once and its stake is free. One that is locked to a task
		/// retires: it keeps its duties, stays liable with its stake, and is given back when the task lets
		/// it go.
		///
		/// - `ticket`: the ticket.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchTicket`]: no ticket has this number.
		/// - [`Error::NotOwner`]: the ticket belongs to another account.
		/// - [`Error::AlreadyRetiring`]: it retires already.
		///
		/// ## Events
		///
		/// - [`Event::TicketReturned`], or [`Event::TicketRetiring`] if a task holds the ticket.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::retire_ticket())]
		pub fn retire_ticket(
			origin: OriginFor<T>,
			#[pallet::compact] ticket: TicketId,
		) -> DispatchResult {
			let (id, mut ticket) = Self::ensure_owned(origin, ticket)?;
			let Place::Locked { task, retiring, .. } = &mut ticket.place else {
				return Self::give_back(id, &ticket);
			};
			ensure!(!*retiring, Error::<T>::AlreadyRetiring);
			*retiring = true;
			Self::deposit_event(Event::TicketRetiring {
				ticket: id,
				task: *task,
			});
			Tickets::<T>::insert(id, ticket);
			Ok(())
		}

		/// Says where a ticket's blobs are served from now on.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by the ticket's owner.
		///
		/// ## Details
		///
		/// It can be done at any time, also while a task holds the ticket: a machine may move.
		///
		/// - `ticket`: the ticket.
		/// - `endpoint`: the new endpoint.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchTicket`]: no ticket has this number.
		/// - [`Error::NotOwner`]: the ticket belongs to another account.
		/// - [`Error::NoAddress`]: the role serves blobs and the endpoint has no address.
		///
		/// ## Events
		///
		/// - [`Event::EndpointUpdated`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::update_endpoint())]
		pub fn update_endpoint(
			origin: OriginFor<T>,
			#[pallet::compact] ticket: TicketId,
			endpoint: Endpoint,
		) -> DispatchResult {
			let (id, mut ticket) = Self::ensure_owned(origin, ticket)?;
			Self::check_endpoint(ticket.role, &endpoint)?;
			ticket.endpoint = endpoint;
			Tickets::<T>::insert(id, ticket);
			Self::deposit_event(Event::EndpointUpdated { ticket: id });
			Ok(())
		}

		/// Ends a ticket that has expired and gives its stake back to its owner.
		///
		/// ## Dispatch Origin
		///
		/// Signed, by anyone. It costs no fee if it succeeds.
		///
		/// ## Details
		///
		/// The chain does this by itself in the order of purchase; this call is for who does not want to
		/// wait.
		///
		/// - `ticket`: the ticket.
		///
		/// ## Errors
		///
		/// - [`Error::NoSuchTicket`]: no ticket has this number.
		/// - [`Error::NotExpired`]: its time is not over.
		/// - [`Error::Locked`]: a task holds it; it ends when that lets it go.
		///
		/// ## Events
		///
		/// - [`Event::TicketReturned`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::reap_ticket())]
		pub fn reap_ticket(
			origin: OriginFor<T>,
			#[pallet::compact] ticket: TicketId,
		) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			let id = ticket;
			let ticket = Tickets::<T>::get(id).ok_or(Error::<T>::NoSuchTicket)?;
			ensure!(ticket.expired(Self::now()), Error::<T>::NotExpired);
			ensure!(
				!matches!(ticket.place, Place::Locked { .. }),
				Error::<T>::Locked
			);
			Self::give_back(id, &ticket)?;
			Ok(Pays::No.into())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// What a ticket of a role costs now.
		pub fn price(role: Role) -> Balance {
			Self::price_of(role)
		}

		/// A ticket.
		pub fn ticket(ticket: TicketId) -> Option<TicketStatus> {
			Tickets::<T>::get(ticket).map(|found| found.status(ticket))
		}

		/// The tickets of an account, in the order of purchase.
		pub fn tickets_of(account: T::AccountId) -> Vec<TicketStatus> {
			TicketsOf::<T>::get(account)
				.into_iter()
				.filter_map(Self::ticket)
				.collect()
		}

		/// The number of tickets of a role that can be drawn now.
		pub fn pool_size(role: Role) -> u32 {
			PoolSize::<T>::get(role)
		}
	}

	impl<T: Config> Pallet<T> {
		/// The ticket, if the origin signed for its owner.
		fn ensure_owned(
			origin: OriginFor<T>,
			id: TicketId,
		) -> Result<(TicketId, Ticket<T::AccountId>), DispatchError> {
			let who = ensure_signed(origin)?;
			let ticket = Tickets::<T>::get(id).ok_or(Error::<T>::NoSuchTicket)?;
			ensure!(ticket.owner == who, Error::<T>::NotOwner);
			Ok((id, ticket))
		}

		/// Refuses an endpoint without an address for roles that others fetch blobs from.
		fn check_endpoint(role: Role, endpoint: &Endpoint) -> DispatchResult {
			let serves = matches!(role, Role::Trainer | Role::Supervisor);
			ensure!(
				!serves || !endpoint.addresses.is_empty(),
				Error::<T>::NoAddress
			);
			Ok(())
		}
	}
}

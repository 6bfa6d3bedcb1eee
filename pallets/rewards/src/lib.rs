//! # Rewards
//!
//! Who is paid for useful work, and how much.
//!
//! ## Overview
//!
//! This pallet decides; it holds no money. The market asks it through
//! [`Rewards`](pouw_primitives::seams::Rewards) how a task's fee is to be split, and moves the money that
//! it holds accordingly. The only money that this pallet makes is the work subsidy.
//!
//! ## Terms
//!
//! - **Split**: the shares of a fee that go to trainers, verifiers, supervisors and evaluators, and the
//!   share that is burned. Set by governance; the shares always make one whole.
//! - **Share of an account**: in its role's part, by units of work: segments for trainers, duties done for
//!   the others. Parts are rounded down and the last payee of a role gets what is left over, so that
//!   payments, refund and burned amount add up to the fee exactly.
//! - **Refund**: goes back to the client. It is the part of any role in which nobody worked, and half of
//!   the trainers' part if the required accuracy was missed.
//! - **Subsidy**: newly minted for segments that audits accepted: a rate for each segment, limited by what
//!   is left of the *era*'s budget and by what the task burned. Because of the latter limit farming the
//!   subsidy with one's own tasks costs at least what it earns.
//! - **Reputation**: counters of an account's accepted segments, audits, duties and faults. They are facts
//!   for people to look at; the protocol pays or draws nobody by them.
//!
//! ## Life cycle
//!
//! Nothing here waits for anything, so there are no hooks. An era begins with the first subsidy after the
//! blocks of the last one are over. An account's reputation is kept as long as the account exists: the
//! runtime is to name this pallet in `frame_system`'s `OnKilledAccount`.
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
#[cfg(test)]
mod mock;
mod seam;
mod shares;
mod split;
mod subsidy;
#[cfg(test)]
mod tests;
pub mod types;
pub mod weights;

pub use pallet::*;
pub use types::{Era, FeeSplit, InitialSplit, Reputation};
pub use weights::{SubstrateWeight, WeightInfo};

// The code that the macros make uses `expect`.
#[allow(clippy::expect_used)]
#[polkadot_sdk::frame_support::pallet]
pub mod pallet {
	use crate::{Era, FeeSplit, InitialSplit, Reputation, WeightInfo};
	use polkadot_sdk::{
		frame_support::{pallet_prelude::*, traits::fungible::Mutate},
		frame_system::pallet_prelude::*,
		sp_runtime::{traits::BlockNumberProvider, TryRuntimeError},
	};
	use pouw_primitives::{Balance, BlockNumber, TaskId};

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What the runtime must provide.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// Weights of the calls.
		type WeightInfo: WeightInfo;

		/// The currency that the subsidy is minted in.
		type Currency: Mutate<Self::AccountId, Balance = Balance>;

		/// Who may set the split.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// The block number that eras are counted in.
		type BlockNumberProvider: BlockNumberProvider<BlockNumber = BlockNumber>;

		/// Blocks of an era of the subsidy.
		type EraLength: Get<BlockNumber>;

		/// The most that is minted in an era.
		type EraBudget: Get<Balance>;

		/// What is minted for an accepted segment where no limit is in the way.
		type SegmentSubsidy: Get<Balance>;
	}

	/// How fees are split.
	#[pallet::storage]
	pub type Split<T: Config> = StorageValue<_, FeeSplit, ValueQuery, InitialSplit>;

	/// The era of the last subsidy.
	#[pallet::storage]
	pub type CurrentEra<T: Config> = StorageValue<_, Era>;

	/// Facts about accounts' work. The keys are chosen by users, hence the cryptographic hasher. Only
	/// accounts that exist have an entry, so existential deposits bound how many there are.
	#[pallet::storage]
	pub type Reputations<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, Reputation, ValueQuery>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Fees are split differently from now on.
		SplitSet {
			/// The new split.
			split: FeeSplit,
		},
		/// New money was minted for accepted segments.
		SubsidyPaid {
			/// The task.
			task: TaskId,
			/// The trainer.
			account: T::AccountId,
			/// What it got.
			amount: Balance,
		},
	}

	/// Why a call was refused.
	#[pallet::error]
	pub enum Error<T> {
		/// The shares don't make one whole. Give five shares whose parts per million add up to 1,000,000.
		NotWhole,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Sets how fees are split.
		///
		/// ## Dispatch Origin
		///
		/// Must be `AdminOrigin`.
		///
		/// ## Details
		///
		/// The new split counts for every task that settles from now on, whenever it was submitted.
		///
		/// - `split`: the shares of trainers, verifiers, supervisors and evaluators and the share that is
		///   burned. They must make one whole. A larger burned share lets tasks earn more subsidy.
		///
		/// ## Errors
		///
		/// - [`Error::NotWhole`]: the shares add up to something else.
		///
		/// ## Events
		///
		/// - [`Event::SplitSet`].
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::set_split())]
		pub fn set_split(origin: OriginFor<T>, split: FeeSplit) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			ensure!(split.is_whole(), Error::<T>::NotWhole);
			Split::<T>::put(split);
			Self::deposit_event(Event::SplitSet { split });
			Ok(())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// What is known of an account's work.
		pub fn reputation(account: T::AccountId) -> Reputation {
			Reputations::<T>::get(account)
		}

		/// How fees are split.
		pub fn fee_split() -> FeeSplit {
			Split::<T>::get()
		}

		/// What can still be minted as subsidy before the next era.
		pub fn subsidy_budget_left() -> Balance {
			Self::budget_left(&Self::era())
		}
	}

	impl<T: Config> Pallet<T> {
		/// Checks all invariants, for tests and `try-runtime`.
		///
		/// 1. The split's shares make one whole.
		/// 2. No era has minted more than its budget.
		/// 3. Only accounts that exist have a reputation, and no entry is empty.
		pub fn do_try_state() -> Result<(), TryRuntimeError> {
			ensure!(
				Split::<T>::get().is_whole(),
				"the split does not make one whole"
			);
			ensure!(
				CurrentEra::<T>::get().is_none_or(|era| era.minted <= era.budget),
				"more than the era's budget was minted"
			);
			for (account, reputation) in Reputations::<T>::iter() {
				ensure!(
					polkadot_sdk::frame_system::Pallet::<T>::account_exists(&account),
					"an account that does not exist has a reputation"
				);
				ensure!(
					reputation != Reputation::default(),
					"an empty reputation is stored"
				);
			}
			Ok(())
		}
	}
}

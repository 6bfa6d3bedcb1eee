//! What a task costs, and its submission.

use crate::{
	assignment::trainer_bond,
	pallet::{Config, Engagements, Error, Event, HoldReason, NextTask, Pallet, Specs},
	types::{DrawOrder, Seats, Stage, Task},
};
use polkadot_sdk::{
	frame_support::{
		ensure,
		pallet_prelude::DispatchResult,
		traits::{fungible::MutateHold, Get},
	},
	sp_core::H256,
};
use pouw_primitives::{
	spec::{SpecFault, TaskSpec},
	status::{FeeEstimate, TestPart},
	Balance,
};

/// Multiply-adds that one price is for.
const GIGA: u64 = 1_000_000_000;

/// What the least fee is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
	/// For 10⁹ multiply-adds, rounded up.
	pub giga_multiply_add: Balance,
	/// For a segment.
	pub segment: Balance,
	/// For a place: each binds a ticket, and takes room on chain.
	pub place: Balance,
}

/// The least fee for a task of a valid specification.
pub fn fee_floor(spec: &TaskSpec, prices: &Prices) -> Balance {
	let multiply_adds = spec.total_multiply_adds().unwrap_or(u64::MAX);
	let training = &spec.training;
	let places = [training.trainers, training.supervisors, training.evaluators]
		.into_iter()
		.map(Balance::from)
		.fold(0, Balance::saturating_add);
	[
		Balance::from(multiply_adds.div_ceil(GIGA)).saturating_mul(prices.giga_multiply_add),
		Balance::from(spec.total_segments()).saturating_mul(prices.segment),
		places.saturating_mul(prices.place),
	]
	.into_iter()
	.fold(0, Balance::saturating_add)
}

impl<T: Config> Pallet<T> {
	fn floor(spec: &TaskSpec) -> Balance {
		let prices = Prices {
			giga_multiply_add: T::GigaMultiplyAddPrice::get(),
			segment: T::SegmentPrice::get(),
			place: T::PlacePrice::get(),
		};
		fee_floor(spec, &prices)
	}

	fn bond_of_client(fee: Balance) -> Balance {
		let share = T::ClientBondShare::get().mul_ceil(fee);
		share.max(T::MinimumClientBond::get())
	}

	fn bond_of_trainer(spec: &TaskSpec, fee: Balance) -> Balance {
		trainer_bond(fee, spec.total_segments(), T::AuditRate::get())
	}

	/// What a task would cost. The bonds are those at the fee offered, or at the floor if that is more.
	pub(crate) fn estimate(spec: &TaskSpec) -> Result<FeeEstimate, SpecFault> {
		spec.check()?;
		let floor = Self::floor(spec);
		let fee = spec.fee.max(floor);
		Ok(FeeEstimate {
			floor,
			client_bond: Self::bond_of_client(fee),
			trainer_bond: Self::bond_of_trainer(spec, fee),
		})
	}

	/// Takes a task on.
	pub(crate) fn do_submit(client: T::AccountId, spec: TaskSpec) -> DispatchResult {
		spec.check().map_err(Error::<T>::from)?;
		let fee = spec.fee;
		ensure!(fee >= Self::floor(&spec), Error::<T>::FeeBelowFloor);
		let bond = Self::bond_of_client(fee);
		T::Currency::hold(&HoldReason::Fee.into(), &client, fee)?;
		T::Currency::hold(&HoldReason::ClientBond.into(), &client, bond)?;

		let now = Self::now();
		let id = NextTask::<T>::get();
		NextTask::<T>::put(id.saturating_add(1));
		let task = Task {
			client: client.clone(),
			fee,
			client_bond: bond,
			trainer_bond: Self::bond_of_trainer(&spec, fee),
			seed: None,
			stage: Stage::Pending {
				until: now.saturating_add(T::AssignmentWindow::get()),
			},
			wake: 0,
			draw: Some(DrawOrder {
				asked: now,
				next: now.saturating_add(Self::draw_delay()),
			}),
			trainers: empty_seats(spec.training.trainers),
			supervisors: empty_seats(spec.training.supervisors),
			evaluators: empty_seats(spec.training.evaluators),
			former: Default::default(),
			dismissed: Default::default(),
			forfeited: false,
			training_tensor: None,
			test_tensor: None,
			test: TestPart::Hidden,
			sealed_rounds: 0,
			checked_rounds: 0,
			record: H256::zero(),
			segments: Default::default(),
		};
		Specs::<T>::insert(id, spec);
		Engagements::<T>::insert(&client, id, ());
		Self::save(id, task);
		Self::deposit_event(Event::TaskSubmitted {
			task: id,
			client,
			fee,
			bond,
		});
		Ok(())
	}
}

fn empty_seats<AccountId>(places: u16) -> Seats<AccountId> {
	let mut seats = Seats::default();
	for _ in 0..places {
		// A checked specification has no more places than seats can be.
		if seats.try_push(None).is_err() {
			break;
		}
	}
	seats
}

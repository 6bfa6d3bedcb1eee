//! Benchmarks of the calls and of the hook's parts, each in its worst case.

use crate::{
	Call, Config, NextTicket, NextToExpire, NextToMature, Pallet, PoolSize, Supplies, Supply,
	Tickets, WindowStart,
};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::{
		traits::{
			fungible::{Inspect, Unbalanced},
			tokens::Precision,
			Get, Hooks,
		},
		weights::{Weight, WeightMeter},
		BoundedVec,
	},
	frame_system::{Pallet as System, RawOrigin},
};
use pouw_primitives::{
	ticket::{Capabilities, Endpoint, Role, SocketAddress, ROLES},
	Balance, BlockNumber, TicketId,
};

/// An endpoint with as many addresses as it can have.
fn endpoint() -> Endpoint {
	Endpoint {
		key: [7; 32],
		addresses: BoundedVec::truncate_from(alloc::vec![SocketAddress::V6([1; 16], 4_433); 4]),
	}
}

/// A machine that can do everything.
fn machine() -> Capabilities {
	Capabilities {
		features: u32::MAX,
		parameters: u64::MAX,
		data_bytes: u64::MAX,
	}
}

/// Gives an account enough for all the tickets that it may have.
fn fund<T: Config>(owner: &T::AccountId) {
	let enough = Pallet::<T>::price(Role::Trainer)
		.saturating_add(T::Currency::minimum_balance())
		.saturating_mul(Balance::from(
			T::MaxTicketsPerAccount::get().saturating_add(1),
		));
	let _ = T::Currency::increase_balance(owner, enough, Precision::BestEffort);
}

/// Buys a ticket; it is maturing.
fn maturing_ticket<T: Config>(owner: &T::AccountId, role: Role) -> TicketId {
	let id = NextTicket::<T>::get();
	fund::<T>(owner);
	let bought = Pallet::<T>::buy_ticket(
		RawOrigin::Signed(owner.clone()).into(),
		role,
		machine(),
		endpoint(),
		Balance::MAX,
	);
	assert!(
		bought.is_ok(),
		"an account with funds can buy a ticket: {bought:?}"
	);
	id
}

/// Buys a ticket and puts it into its pool as if it had matured.
pub(crate) fn pooled_ticket<T: Config>(owner: &T::AccountId, role: Role) -> TicketId {
	let id = maturing_ticket::<T>(owner, role);
	if let Some(ticket) = Tickets::<T>::get(id) {
		Pallet::<T>::pool(id, ticket);
	}
	NextToMature::<T>::put(id.saturating_add(1));
	id
}

/// An account whose list of tickets is full but for this many. Its first ticket is pooled, with another
/// account's behind it, so that taking it out moves that one.
fn crowded_owner<T: Config>(owner: &T::AccountId, room: u32) -> TicketId {
	let first = pooled_ticket::<T>(owner, Role::Trainer);
	pooled_ticket::<T>(&account("behind", 0, 0), Role::Trainer);
	for _ in 1..T::MaxTicketsPerAccount::get().saturating_sub(room) {
		maturing_ticket::<T>(owner, Role::Verifier);
	}
	first
}

/// Makes a ticket's time be over.
fn end_time_of<T: Config>(id: TicketId) {
	Tickets::<T>::mutate(id, |ticket| {
		if let Some(ticket) = ticket {
			ticket.expires = 0;
		}
	});
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn buy_ticket() {
		let owner: T::AccountId = whitelisted_caller();
		crowded_owner::<T>(&owner, 1);
		fund::<T>(&owner);
		let id = NextTicket::<T>::get();

		#[extrinsic_call]
		_(
			RawOrigin::Signed(owner),
			Role::Trainer,
			machine(),
			endpoint(),
			Balance::MAX,
		);

		assert!(Tickets::<T>::contains_key(id));
	}

	#[benchmark]
	fn retire_ticket() {
		let owner: T::AccountId = whitelisted_caller();
		let id = crowded_owner::<T>(&owner, 0);

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), id);

		assert!(!Tickets::<T>::contains_key(id));
	}

	#[benchmark]
	fn update_endpoint() {
		let owner: T::AccountId = whitelisted_caller();
		let id = pooled_ticket::<T>(&owner, Role::Trainer);
		let moved = Endpoint {
			key: [8; 32],
			..endpoint()
		};

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), id, moved.clone());

		assert_eq!(
			Tickets::<T>::get(id).map(|ticket| ticket.endpoint),
			Some(moved)
		);
	}

	#[benchmark]
	fn reap_ticket() {
		let owner: T::AccountId = account("owner", 0, 0);
		let id = crowded_owner::<T>(&owner, 0);
		end_time_of::<T>(id);
		let caller: T::AccountId = whitelisted_caller();

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id);

		assert!(!Tickets::<T>::contains_key(id));
	}

	#[benchmark]
	fn poll() {
		// Nothing is due: the next ticket of each sweep is not there.
		WindowStart::<T>::put(Pallet::<T>::now());
		let mut meter = WeightMeter::with_limit(Weight::MAX);

		#[block]
		{
			Pallet::<T>::on_poll(System::<T>::block_number(), &mut meter);
		}
	}

	#[benchmark]
	fn look() {
		// One that has expired long ago and was retired: the sweep passes over its number.
		let owner: T::AccountId = whitelisted_caller();
		let id = pooled_ticket::<T>(&owner, Role::Trainer);
		assert!(Pallet::<T>::retire_ticket(RawOrigin::Signed(owner).into(), id).is_ok());
		NextToExpire::<T>::put(id);
		let mut meter = WeightMeter::with_limit(Weight::MAX);

		#[block]
		{
			Pallet::<T>::sweep_expired(Pallet::<T>::now(), &mut meter);
		}

		assert_eq!(NextToExpire::<T>::get(), id.saturating_add(1));
	}

	#[benchmark]
	fn retarget() {
		let now = BlockNumber::MAX;
		WindowStart::<T>::put(0);
		for role in ROLES {
			Supplies::<T>::insert(
				role,
				Supply {
					tickets: u32::MAX,
					since: 0,
					ticket_blocks: 0,
				},
			);
		}
		let mut meter = WeightMeter::with_limit(Weight::MAX);

		#[block]
		{
			Pallet::<T>::retarget(now, &mut meter);
		}

		assert_eq!(WindowStart::<T>::get(), now);
	}

	#[benchmark]
	fn promote() {
		let owner: T::AccountId = whitelisted_caller();
		let id = maturing_ticket::<T>(&owner, Role::Trainer);
		NextToMature::<T>::put(id);
		let mut meter = WeightMeter::with_limit(Weight::MAX);

		#[block]
		{
			Pallet::<T>::sweep_matured(BlockNumber::MAX, &mut meter);
		}

		assert_eq!(PoolSize::<T>::get(Role::Trainer), 1);
	}

	#[benchmark]
	fn expire() {
		let owner: T::AccountId = whitelisted_caller();
		let id = crowded_owner::<T>(&owner, 0);
		end_time_of::<T>(id);
		NextToExpire::<T>::put(id);
		NextToMature::<T>::put(id.saturating_add(1));
		let mut meter = WeightMeter::with_limit(Weight::MAX);

		#[block]
		{
			Pallet::<T>::sweep_expired(Pallet::<T>::now(), &mut meter);
		}

		assert!(!Tickets::<T>::contains_key(id));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}

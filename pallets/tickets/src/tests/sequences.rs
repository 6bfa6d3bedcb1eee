//! Whatever is done in whatever order, the invariants hold after each step.

use crate::{mock::*, NextTicket};
use polkadot_sdk::{frame_support::weights::Weight, sp_core::H256, sp_runtime::Permill};
use pouw_primitives::{
	seams::TicketPool,
	status::TicketState,
	ticket::{feature::GPU, Capabilities},
	Balance, BlockNumber, TaskId, TicketId,
};
use proptest::{collection::vec, prelude::*};

#[derive(Clone, Debug)]
enum Step {
	Buy {
		account: AccountId,
		role: u8,
		gpu: bool,
	},
	Retire {
		account: AccountId,
		ticket: u64,
	},
	Reap {
		ticket: u64,
	},
	UpdateEndpoint {
		account: AccountId,
		ticket: u64,
	},
	Draw {
		role: u8,
		task: TaskId,
		gpu: bool,
		excluded: Vec<AccountId>,
		seed: u64,
	},
	Release {
		ticket: u64,
		task: TaskId,
	},
	DutyDone {
		ticket: u64,
	},
	DutyMissed {
		ticket: u64,
	},
	Slash {
		ticket: u64,
		share: u32,
		beneficiaries: Vec<AccountId>,
	},
	Pass {
		blocks: BlockNumber,
	},
	Starve {
		weight: u64,
	},
	Lifetime {
		blocks: BlockNumber,
	},
	Maturity {
		blocks: BlockNumber,
	},
	Transfer {
		from: AccountId,
		to: AccountId,
	},
}

fn accounts() -> impl Strategy<Value = AccountId> {
	1u64..8
}

fn steps() -> impl Strategy<Value = Step> {
	prop_oneof![
		6 => (accounts(), any::<u8>(), any::<bool>())
			.prop_map(|(account, role, gpu)| Step::Buy { account, role, gpu }),
		2 => (accounts(), any::<u64>()).prop_map(|(account, ticket)| Step::Retire { account, ticket }),
		1 => any::<u64>().prop_map(|ticket| Step::Reap { ticket }),
		1 => (accounts(), any::<u64>())
			.prop_map(|(account, ticket)| Step::UpdateEndpoint { account, ticket }),
		6 => (any::<u8>(), 0u32..3, any::<bool>(), vec(accounts(), 0..3), any::<u64>()).prop_map(
			|(role, task, gpu, excluded, seed)| Step::Draw { role, task, gpu, excluded, seed }
		),
		3 => (any::<u64>(), 0u32..3).prop_map(|(ticket, task)| Step::Release { ticket, task }),
		1 => any::<u64>().prop_map(|ticket| Step::DutyDone { ticket }),
		3 => any::<u64>().prop_map(|ticket| Step::DutyMissed { ticket }),
		2 => (any::<u64>(), 0u32..=1_000_000, vec(1u64..100, 0..3)).prop_map(
			|(ticket, share, beneficiaries)| Step::Slash { ticket, share, beneficiaries }
		),
		5 => (1u32..30).prop_map(|blocks| Step::Pass { blocks }),
		1 => any::<u32>().prop_map(|weight| Step::Starve { weight: u64::from(weight) }),
		1 => (0u32..200).prop_map(|blocks| Step::Lifetime { blocks }),
		1 => (0u32..40).prop_map(|blocks| Step::Maturity { blocks }),
		1 => (accounts(), accounts()).prop_map(|(from, to)| Step::Transfer { from, to }),
	]
}

/// One of the tickets that were ever bought.
fn some(number: u64) -> TicketId {
	number % NextTicket::<Test>::get().max(1)
}

fn take(step: Step) {
	let able = |gpu: bool| Capabilities {
		features: if gpu { GPU | 1 } else { 1 },
		..machine()
	};
	match step {
		Step::Buy {
			account,
			role: number,
			gpu,
		} => {
			let _ = Tickets::buy_ticket(
				RuntimeOrigin::signed(account),
				role(number),
				able(gpu),
				endpoint(),
				Balance::MAX,
			);
		}
		Step::Retire { account, ticket } => {
			let _ = Tickets::retire_ticket(RuntimeOrigin::signed(account), some(ticket));
		}
		Step::Reap { ticket } => {
			let _ = Tickets::reap_ticket(RuntimeOrigin::signed(1), some(ticket));
		}
		Step::UpdateEndpoint { account, ticket } => {
			let _ =
				Tickets::update_endpoint(RuntimeOrigin::signed(account), some(ticket), endpoint());
		}
		Step::Draw {
			role: number,
			task,
			gpu,
			excluded,
			seed,
		} => {
			let needs = able(gpu);
			let randomness = H256::from_low_u64_be(seed);
			let drawn = Tickets::draw(role(number), task, &needs, &excluded, &randomness);
			if let Some(drawn) = drawn {
				let status = Tickets::status(drawn.ticket).unwrap();
				assert_eq!(status.state, TicketState::Locked(task));
				assert_eq!(status.role, role(number));
				assert!(status.capabilities.meet(&needs));
				assert!(status.expires > System::block_number());
				assert!(!excluded.contains(&drawn.account));
			}
		}
		Step::Release { ticket, task } => Tickets::release(some(ticket), task),
		Step::DutyDone { ticket } => Tickets::duty_done(some(ticket)),
		Step::DutyMissed { ticket } => Tickets::duty_missed(some(ticket)),
		Step::Slash {
			ticket,
			share,
			beneficiaries,
		} => {
			let owned: Balance = Balances::total_issuance();
			let slashed = Tickets::slash(some(ticket), Permill::from_parts(share), &beneficiaries);
			assert_eq!(Balances::total_issuance(), owned - slashed.burned);
			assert!(slashed.each * beneficiaries.len() as u128 <= slashed.total);
			assert_eq!(Tickets::status(some(ticket)), None);
		}
		Step::Pass { blocks } => pass(blocks),
		Step::Starve { weight } => {
			System::set_block_number(System::block_number() + 1);
			let limit = Weight::from_parts(weight, 0);
			assert!(poll(limit).all_lte(limit));
		}
		Step::Lifetime { blocks } => Lifetime::set(blocks),
		Step::Maturity { blocks } => Maturity::set(blocks),
		Step::Transfer { from, to } => {
			let _ = Balances::transfer_all(RuntimeOrigin::signed(from), to, false);
		}
	}
}

proptest! {
	#[test]
	fn invariants_hold_after_every_step(steps in vec(steps(), 1..120)) {
		with_purses(|| {
			for step in steps {
				take(step);
				check_invariants();
			}
		});
	}

	#[test]
	fn every_stake_comes_back_in_the_end(steps in vec(steps(), 1..80)) {
		with_purses(|| {
			for step in steps {
				take(step);
			}
			// Every task lets go of what it holds, and everything expires.
			for ticket in 0..NextTicket::<Test>::get() {
				for task in 0..3 {
					Tickets::release(ticket, task);
				}
			}
			pass(1_100);
			assert_eq!(crate::Tickets::<Test>::iter().count(), 0);
			assert!((1..100).all(|account| held(account) == 0));
		});
	}
}

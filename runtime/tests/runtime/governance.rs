//! Referenda are the only way to change the rules, and each power reaches as far as its track says.

use crate::chain::{account, begin_block, end_block, genesis, jump_to};
use frame_support::{
	dispatch::GetDispatchInfo,
	traits::{schedule::DispatchTime, Hooks, StorePreimage, UnfilteredDispatchable},
};
use pallet_conviction_voting::{AccountVote, Conviction, Vote};
use pallet_referenda::{Curve, TracksInfo};
use polkadot_sdk::*;
use pouw_runtime::{
	currency::UNIT,
	governance::{Origin, Tracks, BIG_SPEND, SMALL_SPEND},
	parameters::dynamic_params::governance::{Parameters as GovernanceParameter, Whitelister},
	presets::LOCAL,
	AccountId, Balance, BlockNumber, ConvictionVoting, OriginCaller, Parameters, Preimage,
	Referenda, Runtime, RuntimeCall, RuntimeOrigin, RuntimeParameters, Scheduler, System, Treasury,
	Whitelist,
};
use sp_runtime::{traits::Hash as _, Perbill};

const ORIGINS: [Origin; 8] = [
	Origin::WhitelistedCaller,
	Origin::StakingAdmin,
	Origin::MarketAdmin,
	Origin::Treasurer,
	Origin::SmallSpender,
	Origin::BigSpender,
	Origin::ReferendumCanceller,
	Origin::ReferendumKiller,
];

fn root() -> OriginCaller {
	OriginCaller::system(frame_system::RawOrigin::Root)
}

#[test]
fn every_power_has_a_track_of_its_own_and_no_one_else_has() {
	Tracks::check_integrity().expect("sorted");
	let mut tracks = ORIGINS
		.iter()
		.map(|origin| Tracks::track_for(&OriginCaller::Origins(*origin)).expect("has a track"))
		.chain([Tracks::track_for(&root()).expect("has a track")])
		.collect::<Vec<_>>();
	tracks.sort();
	let known = Tracks::tracks().map(|track| track.id).collect::<Vec<_>>();
	assert_eq!(tracks, known);
	let alice = OriginCaller::system(frame_system::RawOrigin::Signed(account("Alice")));
	assert!(Tracks::track_for(&alice).is_err());
}

#[test]
fn thresholds_fall_and_never_below_half_the_votes() {
	let at = |curve: &Curve, percent: u32| curve.threshold(Perbill::from_percent(percent));
	for track in Tracks::tracks() {
		let info = &track.info;
		for percent in 0..100 {
			for curve in [&info.min_approval, &info.min_support] {
				assert!(
					at(curve, percent) >= at(curve, percent + 1),
					"track {}",
					track.id
				);
			}
		}
		// The curve's own arithmetic may lose a billionth.
		let half = Perbill::from_parts(499_999_999);
		assert!(at(&info.min_approval, 100) >= half, "track {}", track.id);
		assert!(
			at(&info.min_support, 0) >= Perbill::from_percent(49),
			"track {}",
			track.id
		);
		assert!(info.confirm_period < info.decision_period);
		assert!(info.decision_deposit >= 1_000 * UNIT);
	}
	let root = Tracks::info(0).expect("the root track");
	assert_eq!(root.max_deciding, 1);
	for track in Tracks::tracks() {
		assert!(track.info.min_enactment_period <= root.min_enactment_period);
	}
}

/// Submits a referendum, votes for it with nearly everything, and serves the scheduler's agenda, jumping
/// from one entry to the next, until nothing is left on it.
fn pass(origin: OriginCaller, call: RuntimeCall) {
	let alice = || RuntimeOrigin::signed(account("Alice"));
	let index = pallet_referenda::ReferendumCount::<Runtime>::get();
	let proposal = Preimage::bound(call).expect("fits into a preimage");
	Referenda::submit(alice(), Box::new(origin), proposal, DispatchTime::After(1))
		.expect("Alice can pay the deposit");
	Referenda::place_decision_deposit(alice(), index).expect("Alice can pay the deposit");
	for voter in ["Alice", "Bob", "Charlie", "Dave", "Eve"] {
		let balance: Balance = 900_000 * UNIT;
		let vote = Vote {
			aye: true,
			conviction: Conviction::Locked1x,
		};
		ConvictionVoting::vote(
			RuntimeOrigin::signed(account(voter)),
			index,
			AccountVote::Standard { vote, balance },
		)
		.expect("the referendum is open");
	}
	while let Some(block) = next_agenda() {
		jump_to(block);
		Scheduler::on_initialize(block);
	}
}

fn next_agenda() -> Option<BlockNumber> {
	pallet_scheduler::Agenda::<Runtime>::iter()
		.filter(|(_, agenda)| agenda.iter().any(Option::is_some))
		.map(|(block, _)| block)
		.min()
}

fn first_block() {
	let transactions = begin_block(600_000_000, 0, "Alice");
	end_block(transactions);
}

#[test]
fn a_referendum_on_the_root_track_replaces_the_runtime() {
	genesis(LOCAL).execute_with(|| {
		first_block();
		let code = b"the next runtime".to_vec();
		let call =
			RuntimeCall::System(frame_system::Call::set_code_without_checks { code: code.clone() });
		assert!(call
			.get_dispatch_info()
			.call_weight
			.all_gt(Default::default()));
		pass(root(), call);
		assert_eq!(sp_io::storage::get(b":code").as_deref(), Some(&code[..]));
		assert!(
			System::block_number() > pouw_runtime::time::DAYS,
			"it took its time"
		);
	});
}

#[test]
fn a_referendum_on_a_lesser_track_does_not_reach_the_runtime() {
	genesis(LOCAL).execute_with(|| {
		first_block();
		let before = sp_io::storage::get(b":code");
		for origin in ORIGINS {
			let code = b"the next runtime".to_vec();
			let call = RuntimeCall::System(frame_system::Call::set_code_without_checks { code });
			call.dispatch_bypass_filter(origin.into())
				.expect_err("only root may");
		}
		assert_eq!(sp_io::storage::get(b":code"), before);
	});
}

#[test]
fn spenders_spend_up_to_their_limit() {
	genesis(LOCAL).execute_with(|| {
		let spend = |origin: Origin, amount: Balance| {
			Treasury::spend(
				origin.into(),
				Box::new(()),
				amount,
				Box::new(account("Bob")),
				None,
			)
		};
		spend(Origin::SmallSpender, SMALL_SPEND).expect("up to the limit");
		spend(Origin::SmallSpender, SMALL_SPEND + 1).expect_err("beyond it");
		spend(Origin::BigSpender, BIG_SPEND).expect("up to the limit");
		spend(Origin::BigSpender, BIG_SPEND + 1).expect_err("beyond it");
		spend(Origin::Treasurer, 10 * BIG_SPEND).expect("without a limit");
		spend(Origin::StakingAdmin, 1).expect_err("not a spender");
	});
}

#[test]
fn the_whitelister_is_whom_governance_named() {
	genesis(LOCAL).execute_with(|| {
		let hash = sp_runtime::traits::BlakeTwo256::hash(b"a call");
		let bob = || RuntimeOrigin::signed(account("Bob"));
		Whitelist::whitelist_call(bob(), hash).expect_err("nobody is named yet");
		let parameter = |who: AccountId| {
			RuntimeParameters::Governance(GovernanceParameter::Whitelister(Whitelister, Some(who)))
		};
		Parameters::set_parameter(bob(), parameter(account("Bob"))).expect_err("only root may");
		Parameters::set_parameter(RuntimeOrigin::root(), parameter(account("Bob")))
			.expect("root may");
		Whitelist::whitelist_call(bob(), hash).expect("Bob is named");
		Whitelist::whitelist_call(RuntimeOrigin::signed(account("Alice")), hash)
			.expect_err("Alice is not");
	});
}

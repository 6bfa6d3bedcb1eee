//! The tracks that referenda run on: for each power how long people have to look, and how many have to
//! agree.
//!
//! Approval is the share of conviction-weighted votes that are ayes; support is the share of all tokens
//! that voted aye, before conviction. Both thresholds fall while a referendum is being decided.

use super::origins::Origin;
use crate::{
	currency::UNIT,
	time::{DAYS, HOURS, MINUTES},
	Balance, BlockNumber, OriginCaller,
};
use alloc::borrow::Cow;
use pallet_referenda::{Curve, Track, TrackInfo};
use polkadot_sdk::*;
use sp_arithmetic::FixedI64;
use sp_runtime::str_array;

/// Longest that any referendum is decided, in days; the curves are drawn over it.
const PERIOD: u128 = 14;

const fn percent(x: u128) -> FixedI64 {
	FixedI64::from_rational(x, 100)
}

/// Falls quickly from all to 80 % on the second day and to half at the end.
const APPROVAL_HIGH: Curve =
	Curve::make_reciprocal(2, PERIOD, percent(80), percent(50), percent(100));
/// Falls evenly from all to half.
const APPROVAL: Curve = Curve::make_linear(PERIOD, PERIOD, percent(50), percent(100));
/// Falls evenly from half of all tokens to none.
const SUPPORT_HIGH: Curve = Curve::make_linear(PERIOD, PERIOD, percent(0), percent(50));
/// Falls quickly from half of all tokens to one in ten on the third day.
const SUPPORT: Curve = Curve::make_reciprocal(3, PERIOD, percent(10), percent(0), percent(50));
/// Falls quickly from half of all tokens to one in fifty on the first day.
const SUPPORT_LOW: Curve = Curve::make_reciprocal(1, PERIOD, percent(2), percent(0), percent(50));

/// A track, from what sets it apart.
#[allow(clippy::too_many_arguments)]
const fn track(
	id: u16,
	name: &str,
	max_deciding: u32,
	decision_deposit: Balance,
	prepare_period: BlockNumber,
	decision_period: BlockNumber,
	confirm_period: BlockNumber,
	min_enactment_period: BlockNumber,
	min_approval: Curve,
	min_support: Curve,
) -> Track<u16, Balance, BlockNumber> {
	Track {
		id,
		info: TrackInfo {
			name: str_array(name),
			max_deciding,
			decision_deposit,
			prepare_period,
			decision_period,
			confirm_period,
			min_enactment_period,
			min_approval,
			min_support,
		},
	}
}

#[rustfmt::skip]
const TRACKS: [Track<u16, Balance, BlockNumber>; 9] = [
	//    id  name                    max   deposit         prepare       decide     confirm       enact         approval       support
	track(0,  "root",                 1,    100_000 * UNIT, 2 * HOURS,    14 * DAYS, DAYS,         DAYS,         APPROVAL_HIGH, SUPPORT_HIGH),
	track(1,  "whitelisted_caller",   10,   10_000 * UNIT,  10 * MINUTES, 14 * DAYS, 10 * MINUTES, 10 * MINUTES, APPROVAL_HIGH, SUPPORT_LOW),
	track(10, "staking_admin",        10,   5_000 * UNIT,   2 * HOURS,    14 * DAYS, 3 * HOURS,    10 * MINUTES, APPROVAL,      SUPPORT),
	track(11, "market_admin",         10,   5_000 * UNIT,   2 * HOURS,    14 * DAYS, 12 * HOURS,   2 * HOURS,    APPROVAL,      SUPPORT),
	track(20, "treasurer",            10,   10_000 * UNIT,  2 * HOURS,    14 * DAYS, 2 * DAYS,     DAYS,         APPROVAL_HIGH, SUPPORT_HIGH),
	track(21, "small_spender",        50,   1_000 * UNIT,   4 * HOURS,    14 * DAYS, 12 * HOURS,   DAYS,         APPROVAL,      SUPPORT),
	track(22, "big_spender",          50,   4_000 * UNIT,   4 * HOURS,    14 * DAYS, DAYS,         DAYS,         APPROVAL_HIGH, SUPPORT),
	track(30, "referendum_canceller", 100,  10_000 * UNIT,  2 * HOURS,    7 * DAYS,  3 * HOURS,    10 * MINUTES, APPROVAL,      SUPPORT_LOW),
	track(31, "referendum_killer",    100,  50_000 * UNIT,  2 * HOURS,    14 * DAYS, 3 * HOURS,    10 * MINUTES, APPROVAL,      SUPPORT_LOW),
];

/// The tracks, and which origin each of them leads to.
pub struct Tracks;

impl pallet_referenda::TracksInfo<Balance, BlockNumber> for Tracks {
	type Id = u16;
	type RuntimeOrigin = OriginCaller;

	fn tracks() -> impl Iterator<Item = Cow<'static, Track<u16, Balance, BlockNumber>>> {
		TRACKS.iter().map(Cow::Borrowed)
	}

	fn track_for(origin: &OriginCaller) -> Result<u16, ()> {
		match origin {
			OriginCaller::system(frame_system::RawOrigin::Root) => Ok(0),
			OriginCaller::Origins(origin) => Ok(match origin {
				Origin::WhitelistedCaller => 1,
				Origin::StakingAdmin => 10,
				Origin::MarketAdmin => 11,
				Origin::Treasurer => 20,
				Origin::SmallSpender => 21,
				Origin::BigSpender => 22,
				Origin::ReferendumCanceller => 30,
				Origin::ReferendumKiller => 31,
			}),
			_ => Err(()),
		}
	}
}

//! What a transaction costs and who gets it.

use crate::{
	currency::{MICRO, MILLI},
	Authorship, Balance, Balances, Runtime, RuntimeEvent,
};
use frame_support::{
	parameter_types,
	traits::{
		fungible::{Balanced as _, Credit},
		Imbalance, OnUnbalanced,
	},
	weights::{
		constants::ExtrinsicBaseWeight, ConstantMultiplier, WeightToFeeCoefficient,
		WeightToFeeCoefficients, WeightToFeePolynomial,
	},
};
use pallet_transaction_payment::{FungibleAdapter, Multiplier, TargetedFeeAdjustment};
use polkadot_sdk::*;
use sp_runtime::{traits::Bounded, FixedPointNumber, Perbill, Perquintill};

/// Fee of the weight that every transaction has: half a thousandth of a POUW.
pub const BASE_FEE: Balance = MILLI / 2;

/// Fee for execution: [`BASE_FEE`] for as much time as an empty transaction takes, in proportion beyond.
pub struct WeightToFee;

impl WeightToFeePolynomial for WeightToFee {
	type Balance = Balance;

	fn polynomial() -> WeightToFeeCoefficients<Balance> {
		let base_weight = Balance::from(ExtrinsicBaseWeight::get().ref_time());
		[WeightToFeeCoefficient {
			degree: 1,
			negative: false,
			coeff_frac: Perbill::from_rational(BASE_FEE % base_weight, base_weight),
			coeff_integer: BASE_FEE / base_weight,
		}]
		.into_iter()
		.collect()
	}
}

parameter_types! {
	/// Fee of a byte: 512 KiB, the largest proof, come to about half a POUW.
	pub const TransactionByteFee: Balance = MICRO;
	/// Blocks fuller than this raise fees, emptier ones lower them.
	pub const TargetBlockFullness: Perquintill = Perquintill::from_percent(25);
	/// How fast: full blocks double the fee in about a day.
	pub AdjustmentVariable: Multiplier = Multiplier::saturating_from_rational(75, 1_000_000);
	/// Fees never fall below a tenth.
	pub MinimumMultiplier: Multiplier = Multiplier::saturating_from_rational(1, 10u128);
	/// No upper bound.
	pub MaximumMultiplier: Multiplier = Bounded::max_value();
}

impl pallet_transaction_payment::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type OnChargeTransaction = FungibleAdapter<Balances, FeeDestination>;
	type OperationalFeeMultiplier = frame_support::traits::ConstU8<5>;
	type WeightToFee = WeightToFee;
	type LengthToFee = ConstantMultiplier<Balance, TransactionByteFee>;
	type FeeMultiplierUpdate = TargetedFeeAdjustment<
		Self,
		TargetBlockFullness,
		AdjustmentVariable,
		MinimumMultiplier,
		MaximumMultiplier,
	>;
	type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}

/// Four fifths of a fee go to the treasury, a fifth and the whole tip to the block's author. An author
/// who earned the whole fee could fill blocks with transactions of its own for nothing.
pub struct FeeDestination;

impl OnUnbalanced<Credit<crate::AccountId, Balances>> for FeeDestination {
	fn on_unbalanceds(
		mut fees_then_tips: impl Iterator<Item = Credit<crate::AccountId, Balances>>,
	) {
		let Some(fee) = fees_then_tips.next() else {
			return;
		};
		let (to_treasury, mut to_author) = fee.ration(4, 1);
		if let Some(tip) = fees_then_tips.next() {
			to_author.subsume(tip);
		}
		ToTreasury::on_unbalanced(to_treasury);
		// A block without a known author exists only in tests; what can't be credited is burned.
		if let Some(author) = Authorship::author() {
			drop(Balances::resolve(&author, to_author));
		}
	}
}

/// Sends what is left over to the treasury's account, which genesis endows so that a first fee below the
/// existential deposit is not lost.
pub type ToTreasury = frame_support::traits::tokens::imbalance::ResolveTo<
	pallet_treasury::TreasuryAccountId<Runtime>,
	Balances,
>;

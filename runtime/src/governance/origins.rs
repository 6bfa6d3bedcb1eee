//! The powers that a referendum can be given, each narrower than root.

pub use pallet_custom_origins::*;
use polkadot_sdk::*;

/// A pallet without calls or storage: it gives the origins their place in the runtime's origin type.
#[frame_support::pallet]
pub mod pallet_custom_origins {
	use crate::{currency::UNIT, Balance};
	use frame_support::pallet_prelude::*;
	use polkadot_sdk::*;

	/// Configuration: nothing.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {}

	/// The pallet.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What a referendum on a track of the same name may do.
	#[pallet::origin]
	#[derive(
		Clone,
		Copy,
		Debug,
		PartialEq,
		Eq,
		Encode,
		Decode,
		DecodeWithMemTracking,
		MaxEncodedLen,
		TypeInfo,
	)]
	pub enum Origin {
		/// Dispatches, as root, a call that the whitelister has vouched for.
		WhitelistedCaller,
		/// Cancels slashes and sets the bounds of staking.
		StakingAdmin,
		/// Sets the market's parameters.
		MarketAdmin,
		/// Spends any amount from the treasury.
		Treasurer,
		/// Spends up to 10 000 POUW at once.
		SmallSpender,
		/// Spends up to 100 000 POUW at once.
		BigSpender,
		/// Cancels referenda; deposits are returned.
		ReferendumCanceller,
		/// Kills harmful referenda; deposits are slashed.
		ReferendumKiller,
	}

	/// Most that [`Origin::SmallSpender`] may spend at once.
	pub const SMALL_SPEND: Balance = 10_000 * UNIT;
	/// Most that [`Origin::BigSpender`] may spend at once.
	pub const BIG_SPEND: Balance = 100_000 * UNIT;

	/// Declares a type that lets one origin through.
	macro_rules! ensure {
		($( $(#[$doc:meta])* $name:ident, )*) => { $(
			$(#[$doc])*
			pub struct $name;

			impl<O: OriginTrait + From<Origin>> EnsureOrigin<O> for $name
			where
				for<'a> &'a O::PalletsOrigin: TryInto<&'a Origin>,
			{
				type Success = ();

				fn try_origin(origin: O) -> Result<(), O> {
					match origin.caller().try_into() {
						Ok(Origin::$name) => return Ok(()),
						_ => (),
					}
					Err(origin)
				}

				#[cfg(feature = "runtime-benchmarks")]
				fn try_successful_origin() -> Result<O, ()> {
					Ok(O::from(Origin::$name))
				}
			}
		)* };
	}

	use frame_support::traits::OriginTrait;

	ensure! {
		/// Lets [`Origin::WhitelistedCaller`] through.
		WhitelistedCaller,
		/// Lets [`Origin::StakingAdmin`] through.
		StakingAdmin,
		/// Lets [`Origin::MarketAdmin`] through.
		MarketAdmin,
		/// Lets [`Origin::Treasurer`] through.
		Treasurer,
		/// Lets [`Origin::ReferendumCanceller`] through.
		ReferendumCanceller,
		/// Lets [`Origin::ReferendumKiller`] through.
		ReferendumKiller,
	}

	/// Lets the spending origins through, each with the most that it may spend at once.
	pub struct Spender;

	impl<O: OriginTrait + From<Origin>> EnsureOrigin<O> for Spender
	where
		for<'a> &'a O::PalletsOrigin: TryInto<&'a Origin>,
	{
		type Success = Balance;

		fn try_origin(origin: O) -> Result<Balance, O> {
			match origin.caller().try_into() {
				Ok(Origin::SmallSpender) => return Ok(SMALL_SPEND),
				Ok(Origin::BigSpender) => return Ok(BIG_SPEND),
				Ok(Origin::Treasurer) => return Ok(Balance::MAX),
				_ => (),
			}
			Err(origin)
		}

		#[cfg(feature = "runtime-benchmarks")]
		fn try_successful_origin() -> Result<O, ()> {
			Ok(O::from(Origin::Treasurer))
		}
	}
}

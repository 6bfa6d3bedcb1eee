//! What one account can let another do in its name.

use crate::RuntimeCall;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::traits::InstanceFilter;
use polkadot_sdk::*;
use scale_info::TypeInfo;

/// Kinds of proxies. The order of the variants is part of the encoding.
#[derive(
	Copy,
	Clone,
	Debug,
	Default,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum ProxyType {
	/// May do everything.
	#[default]
	Any,
	/// May do everything that doesn't spend the balance: no transfers, and no tasks for others to work on.
	NonTransfer,
	/// May vote, and submit and support referenda.
	Governance,
	/// May bond, nominate, validate and set session keys.
	Staking,
	/// May reject what another proxy has announced.
	CancelProxy,
	/// May do a worker's duties and mind its tickets, so that the key on the machine that works isn't the
	/// one that owns the stake.
	Work,
}

impl InstanceFilter<RuntimeCall> for ProxyType {
	fn filter(&self, call: &RuntimeCall) -> bool {
		match self {
			Self::Any => true,
			Self::NonTransfer => !matches!(
				call,
				RuntimeCall::Balances(..)
					| RuntimeCall::MlTasks(pallet_ml_tasks::Call::submit_task { .. })
			),
			Self::Governance => matches!(
				call,
				RuntimeCall::ConvictionVoting(..)
					| RuntimeCall::Referenda(..)
					| RuntimeCall::Preimage(..)
					| RuntimeCall::Utility(..)
			),
			Self::Staking => matches!(
				call,
				RuntimeCall::Staking(..) | RuntimeCall::Session(..) | RuntimeCall::Utility(..)
			),
			Self::Work => match call {
				RuntimeCall::Tickets(..) | RuntimeCall::Pouw(..) | RuntimeCall::Utility(..) => true,
				RuntimeCall::MlTasks(call) => !matches!(
					call,
					pallet_ml_tasks::Call::submit_task { .. }
						| pallet_ml_tasks::Call::cancel_task { .. }
				),
				_ => false,
			},
			Self::CancelProxy => {
				matches!(
					call,
					RuntimeCall::Proxy(pallet_proxy::Call::reject_announcement { .. })
				)
			}
		}
	}

	fn is_superset(&self, other: &Self) -> bool {
		match (self, other) {
			(a, b) if a == b => true,
			(Self::Any, _) => true,
			(_, Self::Any) => false,
			(Self::NonTransfer, _) => true,
			_ => false,
		}
	}
}

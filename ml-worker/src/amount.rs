//! Amounts of the chain's token, as people write them: POUW with up to 12 decimals.

use pouw_primitives::{Balance, POUW};
use serde::{de::Error as _, Deserialize, Deserializer};
use std::{fmt, str::FromStr};

const DECIMALS: usize = 12;

/// An amount in the smallest unit, 10^−12 POUW.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(pub Balance);

/// Why a text is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an amount: write POUW as a decimal number with at most 12 decimals, for instance 12.5")]
pub struct AmountError(String);

impl FromStr for Amount {
	type Err = AmountError;

	fn from_str(text: &str) -> Result<Self, AmountError> {
		let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
		let parse = || {
			let digits = |part: &str| {
				!part.is_empty() && part.bytes().all(|character| character.is_ascii_digit())
			};
			if !digits(whole) || !digits(decimals) || decimals.len() > DECIMALS {
				return None;
			}
			let whole: Balance = whole.parse().ok()?;
			let fraction: Balance = format!("{decimals:0<DECIMALS$}").parse().ok()?;
			whole.checked_mul(POUW)?.checked_add(fraction)
		};
		parse().map(Amount).ok_or_else(|| AmountError(text.into()))
	}
}

impl fmt::Display for Amount {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let (whole, fraction) = (self.0 / POUW, self.0 % POUW);
		if fraction == 0 {
			return write!(f, "{whole}");
		}
		let decimals = format!("{fraction:0>DECIMALS$}");
		write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
	}
}

impl<'de> Deserialize<'de> for Amount {
	fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		String::deserialize(deserializer)?
			.parse()
			.map_err(D::Error::custom)
	}
}

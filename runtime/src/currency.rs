//! The POUW token: 12 decimals.

use crate::Balance;

/// Symbol of the token.
pub const TOKEN_SYMBOL: &str = "POUW";
/// Decimals of the token.
pub const TOKEN_DECIMALS: u32 = 12;
/// Network part of addresses.
pub use pouw_primitives::ADDRESS_PREFIX as SS58_PREFIX;

/// One POUW.
pub const UNIT: Balance = 1_000_000_000_000;
/// A thousandth of a POUW.
pub const MILLI: Balance = UNIT / 1_000;
/// A millionth of a POUW.
pub const MICRO: Balance = MILLI / 1_000;

/// Balance below which an account is removed.
pub const EXISTENTIAL_DEPOSIT: Balance = 10 * MILLI;

/// What keeping `items` entries of together `bytes` bytes in the chain's state costs as a deposit.
pub const fn deposit(items: u32, bytes: u32) -> Balance {
	items as Balance * 100 * MILLI + bytes as Balance * 100 * MICRO
}

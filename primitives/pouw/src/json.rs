//! How the shared words look in JSON, where a number loses digits beyond 2⁵³ and bytes say nothing to
//! people: amounts are decimal strings of the smallest unit, names are text, keys are hexadecimal, and
//! addresses are `ip:port`.

use alloc::string::String;
use serde::{de::Error as _, Deserialize, Deserializer, Serializer};

/// An amount, as a decimal string.
pub(crate) mod amount {
	use super::*;
	use crate::Balance;

	pub(crate) fn serialize<S: Serializer>(amount: &Balance, to: S) -> Result<S::Ok, S::Error> {
		to.collect_str(amount)
	}

	pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Balance, D::Error> {
		let text = String::deserialize(from)?;
		text.parse().map_err(|_| {
			D::Error::custom(alloc::format!(
				"`{text}` is not an amount: a decimal string of the smallest unit is expected"
			))
		})
	}
}

/// A task's name, as text. Bytes that are not UTF-8 are shown as the replacement character.
pub(crate) mod name {
	use super::*;
	use crate::spec::MAX_NAME;
	use polkadot_sdk::frame_support::{traits::ConstU32, BoundedVec};

	type Name = BoundedVec<u8, ConstU32<MAX_NAME>>;

	pub(crate) fn serialize<S: Serializer>(name: &Name, to: S) -> Result<S::Ok, S::Error> {
		to.serialize_str(&String::from_utf8_lossy(name))
	}

	pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Name, D::Error> {
		let text = String::deserialize(from)?;
		Name::try_from(text.into_bytes()).map_err(|bytes| {
			D::Error::custom(alloc::format!(
				"the name has {} bytes, and {MAX_NAME} are the most",
				bytes.len()
			))
		})
	}
}

/// An endpoint's key, as hexadecimal digits after `0x`.
pub(crate) mod key {
	use super::*;
	use polkadot_sdk::sp_core::H256;

	pub(crate) fn serialize<S: Serializer>(key: &[u8; 32], to: S) -> Result<S::Ok, S::Error> {
		serde::Serialize::serialize(&H256(*key), to)
	}

	pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
		H256::deserialize(from).map(|key| key.0)
	}
}

/// An address, as `ip:port`.
pub(crate) mod address {
	use super::*;
	use crate::ticket::SocketAddress;
	use core::net::SocketAddr;

	impl serde::Serialize for SocketAddress {
		fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
			to.collect_str(&match *self {
				Self::V4(ip, port) => SocketAddr::from((ip, port)),
				Self::V6(ip, port) => SocketAddr::from((ip, port)),
			})
		}
	}

	impl<'de> Deserialize<'de> for SocketAddress {
		fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
			let text = String::deserialize(from)?;
			match text.parse() {
				Ok(SocketAddr::V4(address)) => Ok(Self::V4(address.ip().octets(), address.port())),
				Ok(SocketAddr::V6(address)) => Ok(Self::V6(address.ip().octets(), address.port())),
				Err(_) => Err(D::Error::custom(alloc::format!(
					"`{text}` is not an address: `ip:port` is expected"
				))),
			}
		}
	}
}

//! Who serves a folder's blobs: the endpoint's key and address, kept in the folder so that tickets
//! stay right when the worker starts again.

use super::private_folder;
use iroh::SecretKey;
use polkadot_sdk::sp_core::bounded::BoundedVec;
use pouw_primitives::ticket::{Endpoint, SocketAddress};
use serde::{Deserialize, Serialize};
use std::{
	io::Write,
	net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
	os::unix::fs::OpenOptionsExt,
	path::{Path, PathBuf},
};

const FILE: &str = "endpoint.json";
/// The most addresses that a ticket holds.
const MAX_ADDRESSES: usize = 4;

/// Why a folder has no usable endpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
	/// The file can't be read or written.
	#[error("{} can't be used: {error}", path.display())]
	File {
		/// The file.
		path: PathBuf,
		/// The system's reason.
		error: std::io::Error,
	},
	/// The file is not what this program wrote.
	#[error(
		"{} is not an endpoint's file: {reason}; restore it, or delete it for a new endpoint and then \
		 renew the tickets' endpoint",
		path.display()
	)]
	Malformed {
		/// The file.
		path: PathBuf,
		/// What is wrong.
		reason: String,
	},
	/// Nobody could reach the address.
	#[error(
		"{0} stands for every address of this machine, and tickets need one that others can reach: give \
		 it with --advertise"
	)]
	NothingToAdvertise(SocketAddr),
	/// More addresses than a ticket holds.
	#[error("a ticket holds {MAX_ADDRESSES} addresses, but --advertise names {0}")]
	TooManyAddresses(usize),
	/// No free UDP port was found.
	#[error("no free UDP port was found on {address}: {error}; choose an address with --listen")]
	NoPort {
		/// The address.
		address: IpAddr,
		/// The system's reason.
		error: std::io::Error,
	},
}

/// The key and the addresses of a folder's endpoint.
#[derive(Clone, Debug)]
pub struct Identity {
	/// The Ed25519 key that the endpoint proves.
	pub secret: SecretKey,
	/// The UDP address that it listens at.
	pub listen: SocketAddr,
	/// The UDP addresses at which others reach it.
	pub advertise: Vec<SocketAddr>,
}

/// What the file says.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
	secret: String,
	listen: SocketAddr,
	advertise: Vec<SocketAddr>,
}

impl Identity {
	/// The endpoint of a folder. It is made when it is first asked for, on the loopback address unless
	/// `listen` says otherwise; port 0 stands for a free one, which is then kept. `listen` and
	/// `advertise` replace what was kept.
	pub fn load_or_create(
		folder: &Path,
		listen: Option<SocketAddr>,
		advertise: &[SocketAddr],
	) -> Result<Self, IdentityError> {
		let path = folder.join(FILE);
		let stored = match std::fs::read_to_string(&path) {
			Ok(text) => Some(parse(&path, &text)?),
			Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
			Err(error) => return Err(IdentityError::File { path, error }),
		};
		let (secret, kept_listen, kept_advertise) = match stored {
			Some((secret, listen, advertise)) => (secret, Some(listen), advertise),
			None => (SecretKey::generate(), None, Vec::new()),
		};
		// An address that is given again without a port means the port that was found before.
		let listen = match (listen, kept_listen) {
			(Some(wanted), Some(kept)) if wanted.port() == 0 && wanted.ip() == kept.ip() => kept,
			(Some(wanted), _) => wanted,
			(None, Some(kept)) => kept,
			(None, None) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
		};
		let listen = if listen.port() == 0 {
			with_free_port(listen.ip())?
		} else {
			listen
		};
		let advertise = match advertise {
			[] if kept_listen == Some(listen) && !kept_advertise.is_empty() => kept_advertise,
			[] if listen.ip().is_unspecified() => {
				return Err(IdentityError::NothingToAdvertise(listen));
			}
			[] => vec![listen],
			given if given.len() > MAX_ADDRESSES => {
				return Err(IdentityError::TooManyAddresses(given.len()));
			}
			given => given
				.iter()
				.map(|address| match address.port() {
					0 => SocketAddr::new(address.ip(), listen.port()),
					_ => *address,
				})
				.collect(),
		};
		let identity = Identity {
			secret,
			listen,
			advertise,
		};
		identity.save(folder)?;
		Ok(identity)
	}

	/// The endpoint as tickets and task specifications name it.
	pub fn advertised(&self) -> Endpoint {
		let addresses = self
			.advertise
			.iter()
			.take(MAX_ADDRESSES)
			.map(|address| match address {
				SocketAddr::V4(address) => SocketAddress::V4(address.ip().octets(), address.port()),
				SocketAddr::V6(address) => SocketAddress::V6(address.ip().octets(), address.port()),
			});
		Endpoint {
			key: *self.secret.public().as_bytes(),
			addresses: BoundedVec::truncate_from(addresses.collect()),
		}
	}

	fn save(&self, folder: &Path) -> Result<(), IdentityError> {
		let path = folder.join(FILE);
		let stored = Stored {
			secret: hex::encode(self.secret.to_bytes()),
			listen: self.listen,
			advertise: self.advertise.clone(),
		};
		let text = serde_json::to_string_pretty(&stored)
			.expect("strings, numbers and lists always serialise; qed");
		let new = folder.join(format!("{FILE}.new"));
		let write = || {
			private_folder(folder)?;
			// What a write that was broken off has left may have any permissions.
			match std::fs::remove_file(&new) {
				Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
				_ => (),
			}
			let mut file = std::fs::OpenOptions::new()
				.write(true)
				.create_new(true)
				.mode(0o600)
				.open(&new)?;
			file.write_all(text.as_bytes())?;
			file.sync_all()?;
			std::fs::rename(&new, &path)?;
			std::fs::File::open(folder)?.sync_all()
		};
		write().map_err(|error| IdentityError::File {
			path: path.clone(),
			error,
		})
	}
}

fn parse(
	path: &Path,
	text: &str,
) -> Result<(SecretKey, SocketAddr, Vec<SocketAddr>), IdentityError> {
	let malformed = |reason: String| IdentityError::Malformed {
		path: path.to_owned(),
		reason,
	};
	let stored: Stored =
		serde_json::from_str(text).map_err(|error| malformed(error.to_string()))?;
	let mut key = [0; 32];
	hex::decode_to_slice(&stored.secret, &mut key)
		.map_err(|error| malformed(format!("the key is not 32 bytes in hexadecimal: {error}")))?;
	Ok((SecretKey::from_bytes(&key), stored.listen, stored.advertise))
}

/// An address with a port that is free now.
fn with_free_port(address: IpAddr) -> Result<SocketAddr, IdentityError> {
	UdpSocket::bind((address, 0))
		.and_then(|socket| socket.local_addr())
		.map_err(|error| IdentityError::NoPort { address, error })
}

//! Fetching blobs from those who hold them.

use super::{describe, short, tag, Store, StoreError};
use iroh::{endpoint::Connection, EndpointAddr, EndpointId, TransportAddr};
use iroh_blobs::{get::request::get_verified_size, Hash, HashAndFormat};
use polkadot_sdk::sp_core::H256;
use pouw_primitives::ticket::{Endpoint, SocketAddress};
use std::{
	fmt,
	net::SocketAddr,
	sync::PoisonError,
	time::{Duration, Instant},
};

/// How long connecting to a holder may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a holder may take to answer at all.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// For how long a holder that has failed is asked after the others.
const FAILURE_MEMORY: Duration = Duration::from_secs(60);
/// The slowest transfer that is waited for, in bytes a second.
const SLOWEST: u64 = 64 * 1024;

/// Why one holder did not deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
	/// There is no connection.
	Unreachable(String),
	/// It does not hold the blob, broke off, or sent bytes of another hash.
	NotDelivered(String),
	/// It took too long.
	TimedOut,
}

/// A holder that did not deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
	/// The holder.
	pub holder: Endpoint,
	/// What happened.
	pub failure: Failure,
}

impl fmt::Display for Attempt {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{} ", short(&self.holder))?;
		match &self.failure {
			Failure::Unreachable(reason) => write!(f, "can't be reached ({reason})"),
			Failure::NotDelivered(reason) => write!(f, "did not deliver it ({reason})"),
			Failure::TimedOut => write!(f, "took too long"),
		}
	}
}

/// Why a blob could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
	/// Nobody delivered it.
	#[error("nobody delivered blob {hash:?}: {}", list(attempts))]
	NotFound {
		/// The blob.
		hash: H256,
		/// The holders that were asked, in their order.
		attempts: Vec<Attempt>,
	},
	/// The blob of this hash is larger than what is expected under it. All holders have the same.
	#[error("blob {hash:?} has {size} bytes, but at most {limit} are expected")]
	TooLarge {
		/// The blob.
		hash: H256,
		/// Its size.
		size: u64,
		/// What is expected at most.
		limit: u64,
	},
	/// This machine's store failed.
	#[error(transparent)]
	Store(#[from] StoreError),
}

fn list(attempts: &[Attempt]) -> String {
	if attempts.is_empty() {
		return "no holder is known".into();
	}
	attempts
		.iter()
		.map(Attempt::to_string)
		.collect::<Vec<_>>()
		.join("; ")
}

/// What became of one holder.
enum Answer {
	Fetched,
	Failed(Failure),
	TooLarge(u64),
}

impl Store {
	/// A blob of at most `limit` bytes: from this store, or else from the first of the holders that
	/// delivers it, and then it is a member of the group and served from here as well. Bytes of another
	/// hash are refused as they arrive, and the next holder is asked.
	pub async fn fetch(
		&self,
		group: &str,
		hash: &H256,
		limit: u64,
		holders: &[Endpoint],
	) -> Result<Vec<u8>, FetchError> {
		if let Some(bytes) = self.get(hash).await? {
			check_size(hash, bytes.len() as u64, limit)?;
			self.keep(group, hash).await?;
			return Ok(bytes);
		}
		let mut attempts = Vec::new();
		for holder in self.promising_first(holders) {
			match self
				.fetch_from(group, &Hash::from_bytes(hash.0), limit, holder)
				.await?
			{
				Answer::Fetched => {
					if let Some(bytes) = self.get(hash).await? {
						return Ok(bytes);
					}
				}
				Answer::TooLarge(size) => check_size(hash, size, limit)?,
				Answer::Failed(failure) => {
					let attempt = Attempt {
						holder: holder.clone(),
						failure,
					};
					tracing::debug!(?hash, "{attempt}");
					self.note_failure(holder);
					attempts.push(attempt);
				}
			}
		}
		Err(FetchError::NotFound {
			hash: *hash,
			attempts,
		})
	}

	/// The holders in their order, but those that have just failed at the end, and this store left out.
	fn promising_first<'a>(&self, holders: &'a [Endpoint]) -> Vec<&'a Endpoint> {
		let failed = self
			.inner
			.failed
			.lock()
			.unwrap_or_else(PoisonError::into_inner);
		let has_failed = |holder: &Endpoint| {
			failed
				.get(&holder.key)
				.is_some_and(|at| at.elapsed() < FAILURE_MEMORY)
		};
		let mut others: Vec<&Endpoint> = holders
			.iter()
			.filter(|holder| holder.key != self.endpoint().key)
			.collect();
		others.sort_by_key(|holder| has_failed(holder));
		others
	}

	fn note_failure(&self, holder: &Endpoint) {
		let mut failed = self
			.inner
			.failed
			.lock()
			.unwrap_or_else(PoisonError::into_inner);
		failed.retain(|_, at| at.elapsed() < FAILURE_MEMORY);
		failed.insert(holder.key, Instant::now());
	}

	async fn fetch_from(
		&self,
		group: &str,
		hash: &Hash,
		limit: u64,
		holder: &Endpoint,
	) -> Result<Answer, StoreError> {
		let connection = match self.connect(holder).await {
			Ok(connection) => connection,
			Err(failure) => return Ok(Answer::Failed(failure)),
		};
		let answer = self.transfer(group, hash, limit, &connection).await?;
		if matches!(answer, Answer::Failed(_)) {
			// The next attempt gets a new connection.
			let mut connections = self.inner.connections.lock().await;
			if let Some(connection) = connections.remove(&connection.remote_id()) {
				connection.close(0u32.into(), b"failed");
			}
		}
		Ok(answer)
	}

	async fn transfer(
		&self,
		group: &str,
		hash: &Hash,
		limit: u64,
		connection: &Connection,
	) -> Result<Answer, StoreError> {
		// The size is proven against the hash before anything is stored.
		let size =
			match tokio::time::timeout(ANSWER_TIMEOUT, get_verified_size(connection, hash)).await {
				Err(_) => return Ok(Answer::Failed(Failure::TimedOut)),
				Ok(Err(error)) => {
					return Ok(Answer::Failed(Failure::NotDelivered(describe(&error))));
				}
				Ok(Ok((size, _))) => size,
			};
		if size > limit {
			return Ok(Answer::TooLarge(size));
		}
		// The tag comes first: a sweep in between would otherwise take away what has arrived.
		let (blobs, tag) = (&self.inner.blobs, tag(group, hash));
		let content = HashAndFormat::raw(*hash);
		blobs
			.tags()
			.set(&tag, content)
			.await
			.map_err(|error| self.unusable(&error))?;
		let patience = ANSWER_TIMEOUT.saturating_add(Duration::from_secs(size / SLOWEST));
		let fetched = blobs.remote().fetch(connection.clone(), content).complete();
		let failure = match tokio::time::timeout(patience, fetched).await {
			Ok(Ok(_)) => return Ok(Answer::Fetched),
			Ok(Err(error)) => Failure::NotDelivered(describe(&error)),
			Err(_) => Failure::TimedOut,
		};
		blobs
			.tags()
			.delete(&tag)
			.await
			.map_err(|error| self.unusable(&error))?;
		Ok(Answer::Failed(failure))
	}

	/// A connection to a holder: the one that is there, or a new one.
	async fn connect(&self, holder: &Endpoint) -> Result<Connection, Failure> {
		let id = EndpointId::from_bytes(&holder.key)
			.map_err(|_| Failure::Unreachable("its key is not an Ed25519 key".into()))?;
		{
			let mut connections = self.inner.connections.lock().await;
			match connections.get(&id) {
				Some(connection) if connection.close_reason().is_none() => {
					return Ok(connection.clone());
				}
				Some(_) => drop(connections.remove(&id)),
				None => (),
			}
		}
		let addresses = holder
			.addresses
			.iter()
			.map(|address| TransportAddr::Ip(socket(address)));
		let address = EndpointAddr::from_parts(id, addresses);
		let connecting = self.inner.endpoint.connect(address, iroh_blobs::ALPN);
		match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
			Err(_) => Err(Failure::Unreachable("no answer".into())),
			Ok(Err(error)) => Err(Failure::Unreachable(describe(&error))),
			Ok(Ok(connection)) => {
				self.inner
					.connections
					.lock()
					.await
					.insert(id, connection.clone());
				Ok(connection)
			}
		}
	}
}

fn check_size(hash: &H256, size: u64, limit: u64) -> Result<(), FetchError> {
	if size > limit {
		return Err(FetchError::TooLarge {
			hash: *hash,
			size,
			limit,
		});
	}
	Ok(())
}

fn socket(address: &SocketAddress) -> SocketAddr {
	match *address {
		SocketAddress::V4(ip, port) => (ip, port).into(),
		SocketAddress::V6(ip, port) => (ip, port).into(),
	}
}

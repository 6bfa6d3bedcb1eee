//! Fetching blobs from those who hold them.

use super::{describe, short, tag, Store, StoreError};
use futures::{stream::FuturesUnordered, StreamExt};
use iroh::{endpoint::Connection, EndpointAddr, EndpointId, TransportAddr};
use iroh_blobs::{
	api::remote::GetProgressItem, get::request::get_verified_size, Hash, HashAndFormat,
};
use polkadot_sdk::sp_core::H256;
use pouw_primitives::ticket::{Endpoint, SocketAddress};
use std::{
	fmt,
	net::SocketAddr,
	pin::pin,
	sync::{
		atomic::{AtomicU64, Ordering},
		PoisonError,
	},
	time::{Duration, Instant},
};

/// How long connecting to a holder may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a holder may take to answer at all, and to send more.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// After so long without an answer, or of a transfer that is slower than [`SLOWEST`], the next holder is
/// asked as well: the first may be stalling, and those who wait have deadlines.
const HEDGE: Duration = Duration::from_secs(2);
/// For how long a holder that has failed is asked after the others.
const FAILURE_MEMORY: Duration = Duration::from_secs(60);
/// For how long it counts that a holder was reached.
const REACHED_MEMORY: Duration = Duration::from_secs(600);
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
	/// hash are refused as they arrive. The next holder is asked when one fails, and also while one is slow.
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
		let (blob, received) = (Hash::from_bytes(hash.0), AtomicU64::new(0));
		let ask = |(at, holder)| {
			let (blob, received) = (&blob, &received);
			async move {
				let answer = self.fetch_from(group, blob, limit, holder, received);
				(at, holder, answer.await)
			}
		};
		let mut others = self.promising_first(holders).into_iter().enumerate();
		let mut asked = FuturesUnordered::new();
		let mut attempts: Vec<(usize, Attempt)> = Vec::new();
		let mut pause = tokio::time::interval(HEDGE);
		pause.reset();
		let (mut ask_next, mut received_before) = (true, 0);
		loop {
			if ask_next {
				if let Some(next) = others.next() {
					asked.push(ask(next));
					pause.reset();
				}
			}
			tokio::select! {
				answered = asked.next() => {
					let Some((at, holder, answer)) = answered else { break };
					ask_next = true;
					match answer? {
						Answer::Fetched => {
							if let Some(bytes) = self.get(hash).await? {
								// Another's attempt that failed may have taken the blob out of the group.
								self.keep(group, hash).await?;
								return Ok(bytes);
							}
						}
						Answer::TooLarge(size) => check_size(hash, size, limit)?,
						Answer::Failed(failure) => {
							let attempt = Attempt { holder: holder.clone(), failure };
							tracing::debug!(?hash, "{attempt}");
							self.note_failure(holder);
							attempts.push((at, attempt));
						}
					}
				}
				_ = pause.tick() => {
					let now = received.load(Ordering::Relaxed);
					ask_next = now - received_before < SLOWEST * HEDGE.as_secs();
					received_before = now;
				}
			}
		}
		attempts.sort_by_key(|(at, _)| *at);
		Err(FetchError::NotFound {
			hash: *hash,
			attempts: attempts.into_iter().map(|(_, attempt)| attempt).collect(),
		})
	}

	/// Whether one of these holders was reached in the last minutes. If not, it may be this machine that is
	/// cut off.
	pub fn has_reached(&self, holders: &[Endpoint]) -> bool {
		let reached = self
			.inner
			.reached
			.lock()
			.unwrap_or_else(PoisonError::into_inner);
		holders.iter().any(|holder| {
			reached
				.get(&holder.key)
				.is_some_and(|at| at.elapsed() < REACHED_MEMORY)
		})
	}

	fn note_reached(&self, holder: &Endpoint) {
		let mut reached = self
			.inner
			.reached
			.lock()
			.unwrap_or_else(PoisonError::into_inner);
		reached.retain(|_, at| at.elapsed() < REACHED_MEMORY);
		reached.insert(holder.key, Instant::now());
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

	/// Asks one holder. What arrives is counted in `received`.
	async fn fetch_from(
		&self,
		group: &str,
		hash: &Hash,
		limit: u64,
		holder: &Endpoint,
		received: &AtomicU64,
	) -> Result<Answer, StoreError> {
		let connection = match self.connect(holder).await {
			Ok(connection) => connection,
			Err(failure) => return Ok(Answer::Failed(failure)),
		};
		self.note_reached(holder);
		let answer = self
			.transfer(group, hash, limit, &connection, received)
			.await?;
		// A holder without the blob keeps its connection: other transfers may be under way on it.
		let timed_out = matches!(answer, Answer::Failed(Failure::TimedOut));
		if timed_out || connection.close_reason().is_some() {
			let mut connections = self.inner.connections.lock().await;
			let id = connection.remote_id();
			let same = |kept: &Connection| kept.stable_id() == connection.stable_id();
			// The next attempt gets a new one; this one is closed when nobody uses it any more.
			if connections.get(&id).is_some_and(same) {
				connections.remove(&id);
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
		received: &AtomicU64,
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
		let arriving = self.receive(connection, content, received);
		let failure = match tokio::time::timeout(patience, arriving).await {
			Ok(Ok(())) => return Ok(Answer::Fetched),
			Ok(Err(failure)) => failure,
			Err(_) => Failure::TimedOut,
		};
		// Another attempt at the same blob may have come to its end.
		if !self.has(&H256(*hash.as_bytes())).await? {
			blobs
				.tags()
				.delete(&tag)
				.await
				.map_err(|error| self.unusable(&error))?;
		}
		Ok(Answer::Failed(failure))
	}

	/// Receives a blob for as long as more of it comes.
	async fn receive(
		&self,
		connection: &Connection,
		content: HashAndFormat,
		received: &AtomicU64,
	) -> Result<(), Failure> {
		let remote = self.inner.blobs.remote();
		let mut arriving = pin!(remote.fetch(connection.clone(), content).stream());
		let mut before = 0;
		loop {
			let next = tokio::time::timeout(ANSWER_TIMEOUT, arriving.next()).await;
			match next.map_err(|_| Failure::TimedOut)? {
				Some(GetProgressItem::Progress(bytes)) => {
					received.fetch_add(bytes.saturating_sub(before), Ordering::Relaxed);
					before = bytes;
				}
				Some(GetProgressItem::Done(_)) => return Ok(()),
				Some(GetProgressItem::Error(error)) => {
					return Err(Failure::NotDelivered(describe(&error)));
				}
				None => return Err(Failure::NotDelivered("it broke off".into())),
			}
		}
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

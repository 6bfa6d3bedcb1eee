//! The chain, as workers and clients see it: typed questions ([`View`]) and typed calls ([`Call`]).
//!
//! Types are those of `pouw-primitives`. The worker does not link the runtime; it knows it by a file of
//! metadata, and [`Chain::connect`] checks that the node's runtime still has the calls and questions
//! that this program uses in the form that it uses.

mod calls;
mod error;
mod events;
mod known;
mod moves;
mod shape;
mod submit;
mod view;

pub use calls::Call;
pub use error::{ChainError, ConnectError, Refusal, SubmitError};
pub use events::MarketEvent;
pub use known::known_version;
pub(crate) use submit::last_valid_block;
pub use submit::{Receipt, Until};
pub use view::{spec_hash, View};

use crate::metrics::METRICS;
use error::{lost, rpc_text};
use futures::{Stream, StreamExt};
use known::Incompatibility;
use polkadot_sdk::sp_core::H256;
use std::{
	sync::Arc,
	time::{Duration, Instant},
};
use subxt::{
	backend::LegacyBackend,
	config::{RpcConfigFor, SubstrateConfig},
	rpcs::{methods::legacy::LegacyRpcMethods, RpcClient},
	OnlineClient,
};
use tokio::sync::{Mutex, RwLock};

/// An account's public key.
pub type AccountId = subxt::utils::AccountId32;

type Config = SubstrateConfig;
type Rpc = LegacyRpcMethods<RpcConfigFor<Config>>;

/// The `spec_name` of the runtimes that this program works with.
const SPEC_NAME: &str = "pouw";
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// The first and the longest pause between two attempts to connect again.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// After how long without a block the connection is taken as lost.
const SILENCE: Duration = Duration::from_secs(60);

/// A connection to a node. Clones share it.
#[derive(Clone)]
pub struct Chain {
	inner: Arc<Inner>,
}

struct Inner {
	url: String,
	genesis: H256,
	connection: RwLock<Connection>,
	/// Held from the choice of a nonce until the transaction is in the node's pool.
	writer: Mutex<()>,
}

#[derive(Clone)]
struct Connection {
	client: OnlineClient<Config>,
	rpc: Rpc,
	since: Instant,
	/// The version of the runtime that was checked.
	version: u32,
}

/// A block's place in the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
	/// Its hash.
	pub hash: H256,
	/// Its number.
	pub number: u32,
}

impl Chain {
	/// Connects to a node and checks that it is of the right chain and of a runtime that this program
	/// knows. With `genesis`, the chain must be the one that begins with this block.
	pub async fn connect(url: &str, genesis: Option<H256>) -> Result<Self, ConnectError> {
		let (connection, found) = open(url, genesis).await?;
		Ok(Chain {
			inner: Arc::new(Inner {
				url: url.into(),
				genesis: found,
				connection: RwLock::new(connection),
				writer: Mutex::new(()),
			}),
		})
	}

	/// Does the same, but waits for a node that is down, and says so each time that it has looked in vain.
	/// Another chain or an unknown runtime is an error at once.
	pub async fn connect_when_up(url: &str, genesis: Option<H256>) -> Result<Self, ConnectError> {
		let mut pause = BACK_OFF.0;
		loop {
			match Self::connect(url, genesis).await {
				Err(error @ ConnectError::Unreachable { .. }) => {
					tracing::warn!("{error} Trying again in {pause:?}.");
					tokio::time::sleep(pause).await;
					pause = longer(pause);
				}
				connected => return connected,
			}
		}
	}

	/// The hash of the chain's first block.
	pub fn genesis(&self) -> H256 {
		self.inner.genesis
	}

	/// The node's address.
	pub fn url(&self) -> &str {
		&self.inner.url
	}

	/// The best block, to ask questions at.
	pub async fn best(&self) -> Result<View, ChainError> {
		let rpc = self.rpc().await;
		let header = rpc.chain_get_header(None).await.map_err(lost)?;
		let header = header.ok_or(ChainError::NoBlock { number: None })?;
		Ok(self.view(head_of(&header)))
	}

	/// The last finalized block, to ask questions at.
	pub async fn finalized(&self) -> Result<View, ChainError> {
		let rpc = self.rpc().await;
		let hash = rpc.chain_get_finalized_head().await.map_err(lost)?;
		let header = rpc.chain_get_header(Some(hash)).await.map_err(lost)?;
		let header = header.ok_or(ChainError::NoBlock { number: None })?;
		Ok(self.view(head_of(&header)))
	}

	/// The block of this number on the best chain, to ask questions at.
	pub async fn block(&self, number: u32) -> Result<View, ChainError> {
		let rpc = self.rpc().await;
		let hash = rpc
			.chain_get_block_hash(Some(number.into()))
			.await
			.map_err(lost)?;
		let hash = hash.ok_or(ChainError::NoBlock {
			number: Some(number),
		})?;
		Ok(self.view(Head {
			hash: H256(hash.0),
			number,
		}))
	}

	/// This block, to ask questions at.
	pub fn view(&self, head: Head) -> View {
		View {
			chain: self.clone(),
			head,
		}
	}

	/// The best blocks as they come. Where the connection is lost it is made again, for as long as that
	/// takes, and where the runtime is upgraded it is checked again; the stream ends only if the node turns out
	/// to be of another chain, or of a runtime that this program does not know.
	pub fn best_blocks(&self) -> impl Stream<Item = Result<Head, ConnectError>> + Send + 'static {
		let start = (self.clone(), None, BACK_OFF.0);
		futures::stream::unfold(start, |(chain, mut heads, mut pause)| async move {
			loop {
				let lost = match heads.take() {
					None => match chain.rpc().await.chain_subscribe_new_heads().await {
						Ok(open) => {
							heads = Some(open);
							continue;
						}
						Err(error) => rpc_text(&error),
					},
					Some(mut open) => match tokio::time::timeout(SILENCE, open.next()).await {
						Ok(Some(Ok(header))) => match chain.is_of_checked_runtime().await {
							Ok(true) => {
								let head = Ok(head_of(&header));
								return Some((head, (chain, Some(open), BACK_OFF.0)));
							}
							Ok(false) => "its runtime was upgraded".into(),
							Err(error) => error.to_string(),
						},
						Ok(Some(Err(error))) => rpc_text(&error),
						Ok(None) => "it has closed the subscription".into(),
						Err(_) => format!("no block for {} seconds", SILENCE.as_secs()),
					},
				};
				tracing::warn!(reason = lost, "connecting to the node again");
				// A node may take connections and refuse subscriptions.
				tokio::time::sleep(pause).await;
				pause = longer(pause);
				if let Err(error) = chain.reconnect().await {
					return Some((Err(error), (chain, None, pause)));
				}
			}
		})
		.boxed()
	}

	/// Whether the node's runtime still has the version that was checked when the connection was made.
	async fn is_of_checked_runtime(&self) -> Result<bool, ChainError> {
		let Connection { rpc, version, .. } = self.connection().await;
		let now = rpc.state_get_runtime_version(None).await.map_err(lost)?;
		Ok(now.spec_version == version)
	}

	/// Connects again, with growing pauses, until the node answers. Another chain or an unknown runtime
	/// at that address is an error.
	pub async fn reconnect(&self) -> Result<(), ConnectError> {
		let asked = Instant::now();
		let mut connection = self.inner.connection.write().await;
		// Whoever waited for the lock finds what the one before has made.
		if connection.since > asked {
			return Ok(());
		}
		let mut pause = BACK_OFF.0;
		loop {
			match open(&self.inner.url, Some(self.inner.genesis)).await {
				Ok((new, _)) => {
					tracing::info!(url = self.inner.url, "connected again");
					if new.version != connection.version {
						tracing::info!(
							from = connection.version,
							to = new.version,
							"the runtime was upgraded, and what is used of it is as it was"
						);
					}
					METRICS.reconnections.inc();
					*connection = new;
					return Ok(());
				}
				Err(ConnectError::Unreachable { reason, .. }) => {
					tracing::warn!(url = self.inner.url, reason, "trying again in {pause:?}");
					tokio::time::sleep(pause).await;
					pause = longer(pause);
				}
				Err(error) => return Err(error),
			}
		}
	}

	async fn rpc(&self) -> Rpc {
		self.inner.connection.read().await.rpc.clone()
	}

	async fn client(&self) -> OnlineClient<Config> {
		self.connection().await.client
	}

	async fn connection(&self) -> Connection {
		self.inner.connection.read().await.clone()
	}
}

/// The pause after one that was in vain.
fn longer(pause: Duration) -> Duration {
	pause.saturating_mul(2).min(BACK_OFF.1)
}

fn head_of(header: &subxt::config::substrate::SubstrateHeader<subxt::utils::H256>) -> Head {
	let encoded = codec::Encode::encode(header);
	Head {
		hash: H256(polkadot_sdk::sp_io::hashing::blake2_256(&encoded)),
		// The chain counts blocks in 32 bits.
		number: u32::try_from(header.number).unwrap_or(u32::MAX),
	}
}

/// Opens a connection, checks the runtime, and tells the chain's first block.
async fn open(url: &str, expected: Option<H256>) -> Result<(Connection, H256), ConnectError> {
	let unreachable = |reason: String| ConnectError::Unreachable {
		url: url.into(),
		reason,
	};
	if !["ws://", "wss://"]
		.iter()
		.any(|scheme| url.starts_with(scheme))
	{
		return Err(ConnectError::NotAnAddress { url: url.into() });
	}
	let opened = async {
		let rpc_client = RpcClient::from_insecure_url(url)
			.await
			.map_err(|error| unreachable(rpc_text(&error)))?;
		let rpc = Rpc::new(rpc_client.clone());
		let genesis = rpc
			.genesis_hash()
			.await
			.map_err(|error| unreachable(rpc_text(&error)))?;
		let found = H256(genesis.0);
		if let Some(expected) = expected.filter(|expected| *expected != found) {
			let url = url.into();
			return Err(ConnectError::WrongChain {
				url,
				found,
				expected,
			});
		}
		let version = rpc
			.state_get_runtime_version(None)
			.await
			.map_err(|error| unreachable(rpc_text(&error)))?;
		let name = version
			.other
			.get("specName")
			.and_then(|name| name.as_str())
			.unwrap_or("");
		if name != SPEC_NAME {
			return Err(ConnectError::OtherRuntime {
				url: url.into(),
				name: name.into(),
			});
		}
		let backend: LegacyBackend<Config> = LegacyBackend::builder().build(rpc_client);
		let client = OnlineClient::from_backend(Arc::new(backend))
			.await
			.map_err(|error| unreachable(error.to_string()))?;
		// Not the last finalized block: what is asked and sent is for the best one, which may be the first of
		// another runtime.
		let best = rpc
			.chain_get_header(None)
			.await
			.map_err(|error| unreachable(rpc_text(&error)))?
			.ok_or_else(|| unreachable(ChainError::NoBlock { number: None }.to_string()))?;
		let best = head_of(&best);
		let at = client
			.at_block_hash_and_number(subxt::utils::H256(best.hash.0), best.number.into())
			.await
			.map_err(|error| unreachable(error.to_string()))?;
		let version = at.spec_version();
		known::check(at.metadata_ref()).map_err(|Incompatibility { differs }| {
			ConnectError::Incompatible {
				url: url.into(),
				node: version,
				known: known_version(),
				differs: differs.join(", "),
			}
		})?;
		let connection = Connection {
			client,
			rpc,
			since: Instant::now(),
			version,
		};
		Ok((connection, found))
	};
	tokio::time::timeout(CONNECT_TIMEOUT, opened)
		.await
		.unwrap_or_else(|_| Err(unreachable(format!("no answer in {CONNECT_TIMEOUT:?}"))))
}

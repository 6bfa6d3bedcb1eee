//! Content-addressed blobs: programs, data segments, checkpoints, manifests.
//!
//! A blob is named by its BLAKE3 hash. What is in a worker's store is served to whoever asks for it by
//! hash, over QUIC at the endpoint that its tickets name: no relay, no discovery. So what must stay
//! hidden for a while (the test part of a data set) is put into the store only when it may be seen.
//!
//! Each blob belongs to a *group*, usually a task. Forgetting a group frees those of its blobs that no
//! other group holds.

mod fetch;
mod identity;

pub use fetch::{Attempt, Failure as AttemptFailure, FetchError};
pub use identity::{Identity, IdentityError};

use futures::StreamExt;
use iroh::{
	endpoint::{presets::Minimal, Connection},
	protocol::Router,
	EndpointId, RelayMode,
};
use iroh_blobs::{
	api::blobs::BlobStatus,
	store::{
		fs::{
			options::{BatchOptions, InlineOptions, Options, PathOptions},
			FsStore,
		},
		GcConfig,
	},
	BlobsProtocol, Hash, HashAndFormat,
};
use polkadot_sdk::sp_core::H256;
use pouw_primitives::ticket::Endpoint;
use std::{
	collections::HashMap,
	fmt::Display,
	fs::DirBuilder,
	os::unix::fs::DirBuilderExt,
	path::{Path, PathBuf},
	pin::pin,
	sync::Arc,
	time::{Duration, Instant},
};
use tokio::sync::Mutex;

/// How often blobs of forgotten groups are removed from the disk.
const SWEEP_INTERVAL: Duration = Duration::from_secs(300);
/// How long the database waits for more writes before it makes them durable.
const WRITE_DELAY: Duration = Duration::from_millis(5);

/// Why the store can't be opened or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
	/// The endpoint's key or address can't be read, written or used.
	#[error(transparent)]
	Identity(#[from] IdentityError),
	/// The blobs' folder can't be used.
	#[error(
		"the blobs in {} can't be used: {reason}; if another ml-worker runs on this folder, stop it or \
		 give this one a folder of its own with --store",
		folder.display()
	)]
	Blobs {
		/// The folder.
		folder: PathBuf,
		/// The library's reason.
		reason: String,
	},
	/// The endpoint can't listen.
	#[error("blobs can't be served at {address}: {reason}; choose another address with --listen")]
	Listen {
		/// The UDP address.
		address: std::net::SocketAddr,
		/// The library's reason.
		reason: String,
	},
}

/// A folder of blobs, and the endpoint that serves them. Clones share both.
#[derive(Clone, Debug)]
pub struct Store {
	inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
	folder: PathBuf,
	blobs: FsStore,
	endpoint: iroh::Endpoint,
	router: Router,
	advertised: Endpoint,
	connections: Mutex<HashMap<EndpointId, Connection>>,
	/// When a holder's connection or delivery has last failed.
	failed: std::sync::Mutex<HashMap<[u8; 32], Instant>>,
	/// When there was last a connection to a holder.
	reached: std::sync::Mutex<HashMap<[u8; 32], Instant>>,
}

impl Store {
	/// Opens the blobs in `folder` (made if it is not there) and serves them under this identity.
	pub async fn open(folder: &Path, identity: &Identity) -> Result<Self, StoreError> {
		let listen_error = |reason: String| StoreError::Listen {
			address: identity.listen,
			reason,
		};
		let folder = folder.join("blobs");
		let unusable = |reason: String| StoreError::Blobs {
			folder: folder.clone(),
			reason,
		};
		private_folder(&folder).map_err(|error| unusable(error.to_string()))?;
		let options = Options {
			path: PathOptions::new(&folder),
			inline: InlineOptions::default(),
			batch: BatchOptions {
				max_write_duration: WRITE_DELAY,
				..BatchOptions::default()
			},
			gc: Some(GcConfig {
				interval: SWEEP_INTERVAL,
				add_protected: None,
			}),
		};
		let blobs = FsStore::load_with_opts(folder.join("blobs.db"), options)
			.await
			.map_err(|error| unusable(describe(&error)))?;
		let endpoint = iroh::Endpoint::builder(Minimal)
			.secret_key(identity.secret.clone())
			.relay_mode(RelayMode::Disabled)
			.clear_address_lookup()
			.clear_ip_transports()
			.portmapper_config(iroh::endpoint::PortmapperConfig::Disabled)
			.bind_addr(identity.listen)
			.map_err(|error| listen_error(describe(&error)))?
			.bind()
			.await
			.map_err(|error| listen_error(describe(&error)))?;
		let router = Router::builder(endpoint.clone())
			.accept(iroh_blobs::ALPN, BlobsProtocol::new(&blobs, None))
			.spawn();
		Ok(Store {
			inner: Arc::new(Inner {
				folder,
				blobs,
				endpoint,
				router,
				advertised: identity.advertised(),
				connections: Mutex::default(),
				failed: std::sync::Mutex::default(),
				reached: std::sync::Mutex::default(),
			}),
		})
	}

	/// Where others find these blobs.
	pub fn endpoint(&self) -> &Endpoint {
		&self.inner.advertised
	}

	/// Puts a blob into a group, and serves it from now on.
	pub async fn put(&self, group: &str, bytes: Vec<u8>) -> Result<H256, StoreError> {
		let hash = Hash::from(blake3::hash(&bytes));
		let added = self
			.inner
			.blobs
			.add_bytes(bytes)
			.with_named_tag(tag(group, &hash))
			.await;
		added.map_err(|error| self.unusable(&error))?;
		Ok(H256(*hash.as_bytes()))
	}

	/// Whether a blob is here as a whole.
	pub async fn has(&self, hash: &H256) -> Result<bool, StoreError> {
		let status = self.inner.blobs.status(Hash::from_bytes(hash.0)).await;
		let status = status.map_err(|error| self.unusable(&error))?;
		Ok(matches!(status, BlobStatus::Complete { .. }))
	}

	/// A blob, if it is here.
	pub async fn get(&self, hash: &H256) -> Result<Option<Vec<u8>>, StoreError> {
		if !self.has(hash).await? {
			return Ok(None);
		}
		let bytes = self.inner.blobs.get_bytes(Hash::from_bytes(hash.0)).await;
		let bytes = bytes.map_err(|error| self.unusable(&error))?;
		Ok(Some(bytes.to_vec()))
	}

	/// Makes a blob that is here a member of one more group. A hash that is not here is of no harm.
	pub async fn keep(&self, group: &str, hash: &H256) -> Result<(), StoreError> {
		let hash = Hash::from_bytes(hash.0);
		let tags = self.inner.blobs.tags();
		tags.set(tag(group, &hash), HashAndFormat::raw(hash))
			.await
			.map_err(|error| self.unusable(&error))
	}

	/// Lets go of a group's blobs. They leave the disk with the next sweep.
	pub async fn forget(&self, group: &str) -> Result<(), StoreError> {
		let deleted = self.inner.blobs.tags().delete_prefix(prefix(group)).await;
		deleted.map(drop).map_err(|error| self.unusable(&error))
	}

	/// The blobs of a group.
	pub async fn blobs_of(&self, group: &str) -> Result<Vec<H256>, StoreError> {
		let listed = self.inner.blobs.tags().list_prefix(prefix(group)).await;
		let mut listed = pin!(listed.map_err(|error| self.unusable(&error))?);
		let mut blobs = Vec::new();
		while let Some(tag) = listed.next().await {
			let tag = tag.map_err(|error| self.unusable(&error))?;
			blobs.push(H256(*tag.hash.as_bytes()));
		}
		Ok(blobs)
	}

	/// Stops serving and closes the files.
	pub async fn shutdown(&self) {
		// The router also shuts the blobs' database down.
		if let Err(error) = self.inner.router.shutdown().await {
			tracing::warn!(%error, "the endpoint did not shut down");
		}
	}

	fn unusable(&self, error: &dyn std::error::Error) -> StoreError {
		StoreError::Blobs {
			folder: self.inner.folder.clone(),
			reason: describe(error),
		}
	}
}

/// Makes a folder, if it is not there, that only its owner can look into: what is hidden from other
/// workers for a while lies there too.
pub(crate) fn private_folder(folder: &Path) -> std::io::Result<()> {
	DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The name under which the library keeps a blob for a group.
fn tag(group: &str, hash: &Hash) -> String {
	format!("{}{}", prefix(group), hash.to_hex())
}

fn prefix(group: &str) -> String {
	format!("{group}/")
}

/// An error and its causes on one line.
fn describe(error: &dyn std::error::Error) -> String {
	let mut text = error.to_string();
	let mut cause = error.source();
	while let Some(error) = cause {
		let more = error.to_string();
		if !text.contains(&more) {
			text = format!("{text}: {more}");
		}
		cause = error.source();
	}
	text
}

/// A short name of an endpoint for messages.
fn short(endpoint: &Endpoint) -> impl Display {
	format!("{}…", hex::encode(&endpoint.key[..5]))
}

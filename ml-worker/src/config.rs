//! How a worker is set up: by flags, else by the environment (`POUW_*`), else by a TOML file.
//!
//! The file has the flags' names as keys, without the dashes in front:
//!
//! ```toml
//! url = "ws://127.0.0.1:9944"
//! store = "/var/lib/pouw"
//! role = ["trainer", "verifier"]
//! listen = "192.0.2.7:4433"
//! metrics = "127.0.0.1:9616"
//! ```

use crate::{
	chain::{Chain, ConnectError},
	keys::{KeyArguments, KeyError, Keypair},
	store::{Identity, IdentityError},
	training::cost::{WorkLimits, DEFAULT_CHECKPOINT_BYTES, DEFAULT_SEGMENT_MULTIPLY_ADDS},
};
use clap::Args;
use polkadot_sdk::sp_core::H256;
use pouw_primitives::ticket::{feature, Capabilities, Role};
use serde::Deserialize;
use std::{net::SocketAddr, num::NonZeroUsize, path::PathBuf, str::FromStr};

/// The node that is asked if nothing else is said.
pub const DEFAULT_URL: &str = "ws://127.0.0.1:9944";
/// The folder of blobs and journals if nothing else is said.
pub const DEFAULT_STORE: &str = "pouw-store";
/// How long a task's blobs are kept after its end, in blocks: a day.
pub const DEFAULT_RETENTION: u32 = 28_800;

/// Why the set-up can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
	/// The file can't be read.
	#[error("the configuration {} can't be read: {error}", path.display())]
	File {
		/// The file.
		path: PathBuf,
		/// The system's reason.
		error: std::io::Error,
	},
	/// The file has an unknown key or a value of the wrong kind.
	#[error("the configuration {}: {reason}", path.display())]
	Malformed {
		/// The file.
		path: PathBuf,
		/// What is wrong and where.
		reason: String,
	},
	/// There is no key.
	#[error(transparent)]
	Key(#[from] KeyError),
	/// There is no chain.
	#[error(transparent)]
	Connect(#[from] ConnectError),
}

/// What the TOML file can say: each of the options below, under its flag's name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct File {
	url: Option<String>,
	genesis: Option<H256>,
	key_file: Option<PathBuf>,
	dev_account: Option<String>,
	store: Option<PathBuf>,
	listen: Option<SocketAddr>,
	advertise: Vec<SocketAddr>,
	role: Vec<Duties>,
	threads: Option<NonZeroUsize>,
	metrics: Option<SocketAddr>,
	retention: Option<u32>,
	max_segment_multiply_adds: Option<u64>,
	max_checkpoint_bytes: Option<u64>,
	max_parameters: Option<u64>,
	max_data_bytes: Option<u64>,
}

/// Which chain.
#[derive(Args, Clone, Debug, Default)]
pub struct ConnectionOptions {
	/// The TOML file with what flags and environment leave open.
	#[arg(long, env = "POUW_CONFIG", value_name = "FILE")]
	pub config: Option<PathBuf>,
	/// The node's WebSocket address [default: ws://127.0.0.1:9944].
	#[arg(long, env = "POUW_URL", value_name = "URL")]
	pub url: Option<String>,
	/// The hash of the chain's first block; a node of another chain is then refused.
	#[arg(long, env = "POUW_GENESIS", value_name = "HASH", value_parser = parse_hash)]
	pub genesis: Option<H256>,
}

/// Who asks, and which chain.
#[derive(Args, Clone, Debug, Default)]
pub struct AccountOptions {
	/// Which chain.
	#[command(flatten)]
	pub connection: ConnectionOptions,
	/// Who signs.
	#[command(flatten)]
	pub keys: KeyArguments,
}

/// Where blobs and journals are, and where the blobs are served.
#[derive(Args, Clone, Debug, Default)]
pub struct StoreOptions {
	/// The folder of blobs and journals [default: pouw-store].
	#[arg(long, env = "POUW_STORE", value_name = "DIR")]
	pub store: Option<PathBuf>,
	/// The UDP address that blobs are served at; port 0 is a free one, which is kept [default:
	/// 127.0.0.1:0].
	#[arg(long, env = "POUW_LISTEN", value_name = "ADDRESS")]
	pub listen: Option<SocketAddr>,
	/// A UDP address at which others reach it, if that differs; up to four, separated by commas.
	#[arg(
		long,
		env = "POUW_ADVERTISE",
		value_name = "ADDRESS",
		value_delimiter = ','
	)]
	pub advertise: Vec<SocketAddr>,
}

/// What a worker does.
#[derive(Args, Clone, Debug, Default)]
pub struct WorkOptions {
	/// The roles to do the duties of, separated by commas [default: all].
	#[arg(long, env = "POUW_ROLE", value_name = "ROLE", value_delimiter = ',')]
	pub role: Vec<Duties>,
	/// The threads that compute [default: all of the machine's].
	#[arg(long, env = "POUW_THREADS", value_name = "NUMBER")]
	pub threads: Option<NonZeroUsize>,
	/// The address of the Prometheus metrics, for instance 127.0.0.1:9616; none are served without it.
	#[arg(long, env = "POUW_METRICS", value_name = "ADDRESS")]
	pub metrics: Option<SocketAddr>,
	/// How many blocks a task's blobs are kept after its end [default: 28800, a day].
	#[arg(long, env = "POUW_RETENTION", value_name = "BLOCKS")]
	pub retention: Option<u32>,
	/// The most multiply-adds of a segment, or of an evaluation, that this machine takes on [default:
	/// 4398046511104].
	#[arg(long, env = "POUW_MAX_SEGMENT_MULTIPLY_ADDS", value_name = "NUMBER")]
	pub max_segment_multiply_adds: Option<u64>,
	/// The most bytes of a task's checkpoints that this machine takes on to keep [default: 68719476736].
	#[arg(long, env = "POUW_MAX_CHECKPOINT_BYTES", value_name = "BYTES")]
	pub max_checkpoint_bytes: Option<u64>,
}

/// What a machine takes on.
#[derive(Args, Clone, Debug, Default)]
pub struct CapabilityOptions {
	/// The most parameters of a model that this machine takes on [default: 100000000].
	#[arg(long, env = "POUW_MAX_PARAMETERS", value_name = "NUMBER")]
	pub max_parameters: Option<u64>,
	/// The most bytes of a data set that this machine takes on [default: 4294967296].
	#[arg(long, env = "POUW_MAX_DATA_BYTES", value_name = "BYTES")]
	pub max_data_bytes: Option<u64>,
}

/// A role whose duties a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Duties {
	/// Trains rounds.
	Trainer,
	/// Checks specifications and keeps what others commit.
	Supervisor,
	/// Replays audited segments.
	Verifier,
	/// Scores final models.
	Evaluator,
	/// Serves the data of this account's own tasks and reveals their test part.
	Client,
}

/// All of them.
pub const ALL_DUTIES: [Duties; 5] = [
	Duties::Trainer,
	Duties::Supervisor,
	Duties::Verifier,
	Duties::Evaluator,
	Duties::Client,
];

impl Duties {
	/// The role of the tickets that these duties come from; a client has none.
	pub fn ticket_role(self) -> Option<Role> {
		match self {
			Duties::Trainer => Some(Role::Trainer),
			Duties::Supervisor => Some(Role::Supervisor),
			Duties::Verifier => Some(Role::Verifier),
			Duties::Evaluator => Some(Role::Evaluator),
			Duties::Client => None,
		}
	}
}

impl ConnectionOptions {
	/// The file that is named here; an empty one if none is.
	pub fn file(&self) -> Result<File, ConfigError> {
		let Some(path) = &self.config else {
			return Ok(File::default());
		};
		let text = std::fs::read_to_string(path).map_err(|error| ConfigError::File {
			path: path.clone(),
			error,
		})?;
		toml::from_str(&text).map_err(|error| ConfigError::Malformed {
			path: path.clone(),
			reason: error.to_string(),
		})
	}

	/// The node's address.
	pub fn url(&self, file: &File) -> String {
		let url = self.url.clone().or_else(|| file.url.clone());
		url.unwrap_or_else(|| DEFAULT_URL.into())
	}

	/// Connects to the node.
	pub async fn connect(&self, file: &File) -> Result<Chain, ConfigError> {
		let genesis = self.genesis.or(file.genesis);
		Ok(Chain::connect(&self.url(file), genesis).await?)
	}

	/// Connects to the node as soon as it answers.
	pub async fn connect_when_up(&self, file: &File) -> Result<Chain, ConfigError> {
		let genesis = self.genesis.or(file.genesis);
		Ok(Chain::connect_when_up(&self.url(file), genesis).await?)
	}
}

impl AccountOptions {
	/// The file that is named here; an empty one if none is.
	pub fn file(&self) -> Result<File, ConfigError> {
		self.connection.file()
	}

	/// The key that signs.
	pub fn keypair(&self, file: &File) -> Result<Keypair, ConfigError> {
		keypair(&self.keys, file)
	}

	/// Connects to the node.
	pub async fn connect(&self, file: &File) -> Result<Chain, ConfigError> {
		self.connection.connect(file).await
	}
}

/// The key that signs: what the arguments or the environment name, or else the file.
pub fn keypair(keys: &KeyArguments, file: &File) -> Result<Keypair, ConfigError> {
	let source = match keys.source() {
		Ok(source) => source,
		Err(error) => {
			let (key_file, dev_account) = (file.key_file.clone(), file.dev_account.clone());
			// Without a key there either, the first error says what to do.
			KeyArguments {
				key_file,
				dev_account,
			}
			.source()
			.map_err(|_| error)?
		}
	};
	Ok(source.keypair()?)
}

impl StoreOptions {
	/// The folder.
	pub fn folder(&self, file: &File) -> PathBuf {
		let folder = self.store.clone().or_else(|| file.store.clone());
		folder.unwrap_or_else(|| DEFAULT_STORE.into())
	}

	/// The folder's endpoint.
	pub fn identity(&self, file: &File) -> Result<Identity, IdentityError> {
		let advertise = list(&self.advertise, &file.advertise);
		Identity::load_or_create(&self.folder(file), self.listen.or(file.listen), advertise)
	}
}

impl WorkOptions {
	/// The roles whose duties are done.
	pub fn duties(&self, file: &File) -> Vec<Duties> {
		match list(&self.role, &file.role) {
			[] => ALL_DUTIES.to_vec(),
			some => some.to_vec(),
		}
	}

	/// The threads that compute; the machine's if nothing is said.
	pub fn threads(&self, file: &File) -> Option<NonZeroUsize> {
		self.threads.or(file.threads)
	}

	/// The address of the metrics.
	pub fn metrics(&self, file: &File) -> Option<SocketAddr> {
		self.metrics.or(file.metrics)
	}

	/// How many blocks a task's blobs are kept after its end.
	pub fn retention(&self, file: &File) -> u32 {
		self.retention
			.or(file.retention)
			.unwrap_or(DEFAULT_RETENTION)
	}

	/// What this machine takes on of a task.
	pub fn limits(&self, file: &File) -> WorkLimits {
		let multiply_adds = self
			.max_segment_multiply_adds
			.or(file.max_segment_multiply_adds);
		let bytes = self.max_checkpoint_bytes.or(file.max_checkpoint_bytes);
		WorkLimits {
			segment_multiply_adds: multiply_adds.unwrap_or(DEFAULT_SEGMENT_MULTIPLY_ADDS),
			checkpoint_bytes: bytes.unwrap_or(DEFAULT_CHECKPOINT_BYTES),
		}
	}
}

impl CapabilityOptions {
	/// What this machine's tickets say that it can do.
	pub fn capabilities(&self, file: &File) -> Capabilities {
		Capabilities {
			features: feature::OPERATIONS_1,
			parameters: self
				.max_parameters
				.or(file.max_parameters)
				.unwrap_or(100_000_000),
			data_bytes: self
				.max_data_bytes
				.or(file.max_data_bytes)
				.unwrap_or(4 << 30),
		}
	}
}

/// What is said here, or else there.
fn list<'a, T>(here: &'a [T], there: &'a [T]) -> &'a [T] {
	if here.is_empty() {
		there
	} else {
		here
	}
}

fn parse_hash(text: &str) -> Result<H256, String> {
	H256::from_str(text).map_err(|_| "expected 0x and 64 hexadecimal digits".into())
}

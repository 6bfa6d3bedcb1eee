//! Who signs: sr25519 key pairs, and where their secrets come from.
//!
//! A secret is what Substrate calls a secret URI: a BIP-39 phrase or `0x` and 64 hexadecimal digits, maybe
//! followed by a derivation path. It is read from a file that only its owner can read, or from the
//! environment; never from an argument, which every user of the machine can see.

use clap::Args;
use polkadot_sdk::sp_core::crypto::{AccountId32, Ss58AddressFormat, Ss58Codec};
use std::{
	fs::OpenOptions,
	io::{self, Write},
	path::{Path, PathBuf},
	str::FromStr,
};
use subxt_signer::{bip39::Mnemonic, SecretUri};

pub use subxt_signer::sr25519::Keypair;

pub use pouw_primitives::ADDRESS_PREFIX;

/// The environment variable that a secret is read from.
pub const SECRET_VARIABLE: &str = "POUW_SEED";

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
	/// Nothing says where the key is.
	#[error(
		"no key is given: use --key-file FILE (made by `ml-worker keys generate FILE`), the environment \
		 variable {SECRET_VARIABLE}, or --dev-account NAME on a development chain"
	)]
	NoSource,
	/// The file can't be read or written.
	#[error("key file {}: {source}", path.display())]
	File {
		/// The file.
		path: PathBuf,
		/// The system's reason.
		source: io::Error,
	},
	/// Others can read the file.
	#[error(
		"key file {}: others may read it (mode {mode:o}); run `chmod 600 {}`",
		path.display(), path.display()
	)]
	Exposed {
		/// The file.
		path: PathBuf,
		/// Its permissions.
		mode: u32,
	},
	/// What is there is no secret.
	#[error(
		"{place}: {reason}; a secret is a phrase of 12 to 24 BIP-39 words, or 0x and 64 hexadecimal \
		 digits, maybe followed by a derivation path such as //trainer"
	)]
	Secret {
		/// Where it was read.
		place: String,
		/// What is wrong with it.
		reason: String,
	},
	/// The name can't be a development account.
	#[error("development account `{0}`: a name has only letters and digits, for instance Alice")]
	DevAccount(String),
	/// The system has no random numbers.
	#[error("the system gives no random numbers: {0}")]
	Random(#[from] getrandom::Error),
}

/// The arguments that say where the key is.
#[derive(Args, Clone, Debug, Default)]
pub struct KeyArguments {
	/// The file with the secret phrase or seed.
	#[arg(long, env = "POUW_KEY_FILE", value_name = "FILE")]
	pub key_file: Option<PathBuf>,
	/// A well-known account of development chains, for instance `Alice`, instead of a key file.
	#[arg(long, value_name = "NAME")]
	pub dev_account: Option<String>,
}

impl KeyArguments {
	/// Where the key is: a development account counts first, then a file, then the environment's secret.
	pub fn source(&self) -> Result<KeySource, KeyError> {
		if let Some(name) = &self.dev_account {
			return Ok(KeySource::DevAccount(name.clone()));
		}
		if let Some(path) = &self.key_file {
			return Ok(KeySource::File(path.clone()));
		}
		match std::env::var_os(SECRET_VARIABLE) {
			Some(_) => Ok(KeySource::Environment),
			None => Err(KeyError::NoSource),
		}
	}
}

/// Where a key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
	/// A file with the secret.
	File(PathBuf),
	/// The environment variable [`SECRET_VARIABLE`].
	Environment,
	/// A development account: a path of this name under the phrase that every Substrate developer knows.
	DevAccount(String),
}

impl KeySource {
	/// Reads the secret and makes the key pair.
	pub fn keypair(&self) -> Result<Keypair, KeyError> {
		match self {
			KeySource::File(path) => read(path),
			KeySource::Environment => {
				let secret = std::env::var(SECRET_VARIABLE).map_err(|error| KeyError::Secret {
					place: SECRET_VARIABLE.into(),
					reason: error.to_string(),
				})?;
				from_secret(secret.trim(), SECRET_VARIABLE)
			}
			KeySource::DevAccount(name) => dev_account(name),
		}
	}
}

/// The account of a public key as people write it.
pub fn address(public_key: &[u8; 32]) -> String {
	AccountId32::from(*public_key)
		.to_ss58check_with_version(Ss58AddressFormat::custom(ADDRESS_PREFIX))
}

/// A new secret phrase of 24 words.
pub fn generate_phrase() -> Result<String, KeyError> {
	let mut entropy = [0; 32];
	getrandom::fill(&mut entropy)?;
	let phrase = Mnemonic::from_entropy(&entropy).expect("256 bits are a valid length; qed");
	Ok(phrase.to_string())
}

/// Writes a secret to a new file that only its owner can read, once it has turned out to be one.
pub fn store(path: &Path, secret: &str) -> Result<Keypair, KeyError> {
	let keypair = from_secret(secret, "the secret")?;
	let mut options = OpenOptions::new();
	options.write(true).create_new(true);
	#[cfg(unix)]
	std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
	let written = options.open(path).and_then(|mut file| {
		writeln!(file, "{secret}")?;
		file.sync_all()
	});
	written.map_err(|source| KeyError::File {
		path: path.into(),
		source,
	})?;
	Ok(keypair)
}

fn read(path: &Path) -> Result<Keypair, KeyError> {
	let failed = |source| KeyError::File {
		path: path.into(),
		source,
	};
	#[cfg(unix)]
	{
		let metadata = std::fs::metadata(path).map_err(failed)?;
		let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
		if mode & 0o077 != 0 {
			return Err(KeyError::Exposed {
				path: path.into(),
				mode,
			});
		}
	}
	let secret = std::fs::read_to_string(path).map_err(failed)?;
	from_secret(secret.trim(), &format!("key file {}", path.display()))
}

fn from_secret(secret: &str, place: &str) -> Result<Keypair, KeyError> {
	let refuse = |reason: String| KeyError::Secret {
		place: place.into(),
		reason,
	};
	// Without a phrase the well-known one would be used, and everyone could sign.
	if secret.is_empty() || secret.starts_with('/') {
		return Err(refuse("there is no secret phrase".into()));
	}
	let uri = SecretUri::from_str(secret).map_err(|error| refuse(error.to_string()))?;
	Keypair::from_uri(&uri).map_err(|error| refuse(error.to_string()))
}

fn dev_account(name: &str) -> Result<Keypair, KeyError> {
	let refuse = || KeyError::DevAccount(name.into());
	let mut letters = name.strip_prefix("//").unwrap_or(name).chars();
	let first = letters.next().ok_or_else(refuse)?;
	let rest = letters.as_str();
	if !first.is_ascii_alphanumeric() || !rest.chars().all(|letter| letter.is_ascii_alphanumeric())
	{
		return Err(refuse());
	}
	let uri = format!("//{}{rest}", first.to_ascii_uppercase());
	let uri = SecretUri::from_str(&uri).map_err(|_| refuse())?;
	Keypair::from_uri(&uri).map_err(|_| refuse())
}

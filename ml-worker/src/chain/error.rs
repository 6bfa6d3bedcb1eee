//! What can go wrong between this program and the chain.

use polkadot_sdk::sp_core::H256;
use subxt::error::{BackendError, DispatchError, RpcError};

/// Why there is no connection to a usable node.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
	/// The address is none.
	#[error("`{url}` is not a node's address: it is ws://HOST:PORT or wss://HOST (--url)")]
	NotAnAddress {
		/// What was given.
		url: String,
	},
	/// The node does not answer.
	#[error(
		"no node answers at {url}: {reason}; is it running, and is the address right (--url)?"
	)]
	Unreachable {
		/// The node's address.
		url: String,
		/// Why.
		reason: String,
	},
	/// The node follows another chain.
	#[error(
		"the node at {url} follows another chain: its first block is {found:?}, expected is {expected:?}; \
		 connect to a node of the right chain with --url"
	)]
	WrongChain {
		/// The node's address.
		url: String,
		/// The first block of its chain.
		found: H256,
		/// The first block of the chain that was asked for.
		expected: H256,
	},
	/// The node's chain has nothing to do with this program.
	#[error("the node at {url} runs the runtime `{name}`, not `pouw`; give the address of a POUW node with --url")]
	OtherRuntime {
		/// The node's address.
		url: String,
		/// Its runtime's name.
		name: String,
	},
	/// The node's runtime has changed in what this program uses.
	#[error(
		"the node at {url} runs runtime version {node}, this worker knows version {known}, and they differ \
		 in: {differs}; install the ml-worker that belongs to runtime version {node}"
	)]
	Incompatible {
		/// The node's address.
		url: String,
		/// The version of its runtime.
		node: u32,
		/// The version that this program was made for.
		known: u32,
		/// What differs.
		differs: String,
	},
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
	/// The connection failed; it is made again by whoever follows the blocks.
	#[error("the node does not answer: {0}")]
	Lost(String),
	/// The node refuses the question.
	#[error("the node refuses {question}: {reason}")]
	Refused {
		/// What was asked.
		question: String,
		/// The node's reason.
		reason: String,
	},
	/// The node has forgotten the state of this block.
	#[error(
		"the node no longer has the state of block {number}; ask one that keeps all states \
		 (`--state-pruning archive`)"
	)]
	Pruned {
		/// The block.
		number: u32,
	},
	/// There is no such block.
	#[error("the node has no block{}", match number { Some(number) => format!(" {number}"), None => String::new() })]
	NoBlock {
		/// Its number.
		number: Option<u32>,
	},
	/// The answer is not of the type that this program knows.
	#[error("the node's answer to {question} can't be read: {reason}")]
	Malformed {
		/// What was asked.
		question: String,
		/// What is wrong.
		reason: String,
	},
}

/// What the chain said to a transaction that it took and refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}{}", if documentation.is_empty() { String::new() } else { format!(": {documentation}") })]
pub struct Refusal {
	/// The error, for instance `MlTasks.FeeBelowFloor`.
	pub name: String,
	/// What it says about it.
	pub documentation: String,
}

/// Why a transaction has no effect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
	/// The chain refused the call.
	#[error("the chain refused {call}: {refusal}")]
	Refused {
		/// The call.
		call: String,
		/// The chain's reason.
		#[source]
		refusal: Refusal,
	},
	/// The transaction can't be made for the node's runtime.
	#[error("{call} can't be made: {reason}")]
	Unmakeable {
		/// The call.
		call: String,
		/// Why.
		reason: String,
	},
	/// The node's pool refused the transaction.
	#[error("the node did not take {call}: {reason}")]
	NotTaken {
		/// The call.
		call: String,
		/// The node's reason.
		reason: String,
	},
	/// The transaction did not get into a block.
	#[error("{call} did not get into a block: {reason}")]
	NotIncluded {
		/// The call.
		call: String,
		/// Why.
		reason: String,
	},
	/// The node could not be asked.
	#[error(transparent)]
	Chain(#[from] ChainError),
}

impl Refusal {
	/// What the chain's dispatch error says.
	pub(super) fn of(error: &DispatchError) -> Self {
		if let DispatchError::Module(module) = error {
			if let Ok(details) = module.details() {
				return Refusal {
					name: format!("{}.{}", details.pallet.name(), details.variant.name),
					documentation: details.variant.docs.join(" ").trim().to_owned(),
				};
			}
		}
		let documentation = match error {
			DispatchError::Token(_) => "check the account's free balance".into(),
			_ => String::new(),
		};
		Refusal {
			name: error.to_string(),
			documentation,
		}
	}
}

/// The text of an error of the connection.
pub(super) fn rpc_text(error: &subxt::rpcs::Error) -> String {
	use subxt::rpcs::Error;
	match error {
		Error::User(user) => match &user.data {
			Some(data) => format!("{} ({})", user.message, data.get().trim_matches('"')),
			None => user.message.clone(),
		},
		Error::Client(cause) => {
			let mut text = cause.to_string();
			let mut source = cause.source();
			while let Some(error) = source {
				let more = error.to_string();
				if !text.contains(&more) {
					text = format!("{text}: {more}");
				}
				source = error.source();
			}
			text
		}
		other => other.to_string(),
	}
}

/// A failed request whose question is of no interest.
pub(super) fn lost(error: subxt::rpcs::Error) -> ChainError {
	ChainError::Lost(rpc_text(&error))
}

/// The node's own words in an error of subxt, if there are any.
pub(super) fn backend_text(error: &BackendError) -> String {
	match error {
		BackendError::Rpc(RpcError::ClientError(error)) => rpc_text(error),
		other => other.to_string(),
	}
}

//! Questions to the chain, asked at a block.

use super::{
	error::{lost, rpc_text},
	known::API,
	AccountId, Chain, ChainError, Head,
};
use codec::{Decode, DecodeAll, Encode};
use polkadot_sdk::{
	sp_core::H256,
	sp_io::hashing::{blake2_128, blake2_256, twox_128},
};
use pouw_primitives::{
	demand::DemandStatus,
	spec::{SpecFault, TaskSpec},
	status::{
		AuditStatus, DisputeStatus, Duty, FeeEstimate, RoundStatus, TaskStatus, TaskSummary,
		TicketStatus,
	},
	AuditId, Balance, DemandId, DisputeId, RoundIndex, TaskId,
};

/// The methods of the runtime API that are asked.
pub(super) const QUESTIONS: &[&str] = &[
	"task_status",
	"task_summary",
	"open_tasks",
	"round_status",
	"audit_status",
	"dispute_status",
	"open_disputes",
	"demand_status",
	"open_demands",
	"open_duties",
	"tickets_of",
	"estimate_fee",
];

/// The chain as of one block.
#[derive(Clone)]
pub struct View {
	pub(super) chain: Chain,
	pub(super) head: Head,
}

/// `frame_system::AccountInfo` with the data of `pallet_balances`: nonce, three reference counts, free,
/// reserved, frozen, flags.
type Account = (u32, u32, u32, u32, u128, u128, u128, u128);

impl View {
	/// The block.
	pub fn head(&self) -> Head {
		self.head
	}

	/// The chain.
	pub fn chain(&self) -> &Chain {
		&self.chain
	}

	/// A task that has not ended.
	pub async fn task_status(
		&self,
		task: TaskId,
	) -> Result<Option<TaskStatus<AccountId>>, ChainError> {
		self.ask("task_status", task).await
	}

	/// What stays of a task that has ended.
	pub async fn task_summary(
		&self,
		task: TaskId,
	) -> Result<Option<TaskSummary<AccountId>>, ChainError> {
		self.ask("task_summary", task).await
	}

	/// The tasks that have not ended, at most `limit`, from `start` on.
	pub async fn open_tasks(&self, start: TaskId, limit: u32) -> Result<Vec<TaskId>, ChainError> {
		self.ask("open_tasks", (start, limit)).await
	}

	/// A round of a task that has not ended.
	pub async fn round_status(
		&self,
		task: TaskId,
		round: RoundIndex,
	) -> Result<Option<RoundStatus<AccountId>>, ChainError> {
		self.ask("round_status", (task, round)).await
	}

	/// An audit that has not ended.
	pub async fn audit_status(
		&self,
		audit: AuditId,
	) -> Result<Option<AuditStatus<AccountId>>, ChainError> {
		self.ask("audit_status", audit).await
	}

	/// A dispute that has not ended.
	pub async fn dispute_status(
		&self,
		dispute: DisputeId,
	) -> Result<Option<DisputeStatus<AccountId>>, ChainError> {
		self.ask("dispute_status", dispute).await
	}

	/// The disputes that have not ended, of one task or of all, at most `limit`, in no order.
	pub async fn open_disputes(
		&self,
		task: Option<TaskId>,
		limit: u32,
	) -> Result<Vec<DisputeId>, ChainError> {
		self.ask("open_disputes", (task, limit)).await
	}

	/// A demand to show what was attested, which has not ended.
	pub async fn demand_status(
		&self,
		demand: DemandId,
	) -> Result<Option<DemandStatus<AccountId>>, ChainError> {
		self.ask("demand_status", demand).await
	}

	/// The demands that have not ended, of one task or of all, at most `limit`, in no order.
	pub async fn open_demands(
		&self,
		task: Option<TaskId>,
		limit: u32,
	) -> Result<Vec<DemandId>, ChainError> {
		self.ask("open_demands", (task, limit)).await
	}

	/// What an account must do now, the most urgent first.
	pub async fn open_duties(&self, account: &AccountId) -> Result<Vec<Duty>, ChainError> {
		self.ask("open_duties", account).await
	}

	/// An account's tickets.
	pub async fn tickets_of(&self, account: &AccountId) -> Result<Vec<TicketStatus>, ChainError> {
		self.ask("tickets_of", account).await
	}

	/// What a task would cost, or why it can't work.
	pub async fn estimate_fee(
		&self,
		spec: &TaskSpec,
	) -> Result<Result<FeeEstimate, SpecFault>, ChainError> {
		self.ask("estimate_fee", spec).await
	}

	/// What an account can spend, in the smallest unit.
	pub async fn free_balance(&self, account: &AccountId) -> Result<Balance, ChainError> {
		let mut key = [twox_128(b"System"), twox_128(b"Account")].concat();
		key.extend(blake2_128(&account.0));
		key.extend(account.0);
		let rpc = self.chain.rpc().await;
		let hash = Some(subxt::utils::H256(self.head.hash.0));
		let Some(bytes) = rpc.state_get_storage(&key, hash).await.map_err(lost)? else {
			return Ok(0);
		};
		let account =
			Account::decode_all(&mut &bytes[..]).map_err(|error| ChainError::Malformed {
				question: "System.Account".into(),
				reason: error.to_string(),
			})?;
		Ok(account.4)
	}

	async fn ask<R: Decode>(&self, name: &str, arguments: impl Encode) -> Result<R, ChainError> {
		let question = format!("{API}_{name}");
		let rpc = self.chain.rpc().await;
		let hash = Some(subxt::utils::H256(self.head.hash.0));
		let answer = rpc
			.state_call(&question, Some(&arguments.encode()), hash)
			.await;
		let answer = answer.map_err(|error| match &error {
			subxt::rpcs::Error::User(_) => self.refused(&question, rpc_text(&error)),
			_ => lost(error),
		})?;
		R::decode_all(&mut &answer[..]).map_err(|error| ChainError::Malformed {
			question,
			reason: error.to_string(),
		})
	}

	/// Why the node did not answer a question about this block, by its words.
	pub(super) fn refused(&self, question: &str, reason: impl ToString) -> ChainError {
		let (question, reason) = (question.into(), reason.to_string());
		if is_pruned(&reason) {
			let number = self.head.number;
			ChainError::Pruned { number }
		} else {
			ChainError::Refused { question, reason }
		}
	}
}

/// Whether the node's words say that it has no state for the block.
fn is_pruned(text: &str) -> bool {
	text.contains("State already discarded") || text.contains("UnknownBlock")
}

/// The hash of a specification as a task's summary names it.
pub fn spec_hash(spec: &TaskSpec) -> H256 {
	H256(spec.using_encoded(blake2_256))
}

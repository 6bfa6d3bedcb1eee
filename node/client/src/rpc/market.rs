//! The `pouw_` methods: what the market's runtime API answers, as JSON that people can read.
//!
//! Names are in camel case, accounts in SS58, hashes in hexadecimal, amounts decimal strings of the
//! smallest unit. Each method takes, last, the hash of the block whose state is asked for; without it the
//! best block's is.

use crate::{
	runtime_api::{AccountId, Hash},
	service::FullClient,
};
use jsonrpsee::{
	core::RpcResult,
	proc_macros::rpc,
	types::{error::INVALID_PARAMS_CODE, ErrorObjectOwned},
};
use polkadot_sdk::*;
use pouw_primitives::{
	api::PouwApi,
	spec::TaskSpec,
	status::{AuditStatus, Duty, FeeEstimate, RoundStatus, TaskStatus, TaskSummary, TicketStatus},
	AuditId, RoundIndex, TaskId,
};
use serde::Serialize;
use sp_api::{ApiError, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;
use std::sync::Arc;

/// What was asked for does not exist.
const NOT_FOUND: i32 = -32_010;
/// The runtime could not answer.
const RUNTIME_FAILED: i32 = -32_011;

/// The most tasks that one call lists.
const MOST_TASKS: u32 = 1_000;

/// A task: its status while it runs, its summary afterwards.
// It lives for one answer.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Task {
	/// The task has not ended.
	Open(TaskStatus<AccountId>),
	/// The task has ended.
	Ended(TaskSummary<AccountId>),
}

/// The methods.
#[rpc(server, namespace = "pouw")]
pub(crate) trait MarketRpc {
	/// A task: `{"open": …}` while it runs, `{"ended": …}` afterwards.
	#[method(name = "taskStatus", blocking)]
	fn task_status(&self, task: TaskId, at: Option<Hash>) -> RpcResult<Task>;

	/// The numbers of the tasks that have not ended, from `start` on, at most `limit`.
	#[method(name = "openTasks", blocking)]
	fn open_tasks(
		&self,
		start: Option<TaskId>,
		limit: Option<u32>,
		at: Option<Hash>,
	) -> RpcResult<Vec<TaskId>>;

	/// A round of a task that has not ended.
	#[method(name = "roundStatus", blocking)]
	fn round_status(
		&self,
		task: TaskId,
		round: RoundIndex,
		at: Option<Hash>,
	) -> RpcResult<RoundStatus<AccountId>>;

	/// An audit that has not ended.
	#[method(name = "auditStatus", blocking)]
	fn audit_status(&self, audit: AuditId, at: Option<Hash>) -> RpcResult<AuditStatus<AccountId>>;

	/// An account's tickets.
	#[method(name = "tickets", blocking)]
	fn tickets(&self, account: AccountId, at: Option<Hash>) -> RpcResult<Vec<TicketStatus>>;

	/// What an account must do now, the most urgent first.
	#[method(name = "openDuties", blocking)]
	fn open_duties(&self, account: AccountId, at: Option<Hash>) -> RpcResult<Vec<Duty>>;

	/// What a task of this specification would cost.
	#[method(name = "estimateFee", blocking)]
	fn estimate_fee(&self, spec: TaskSpec, at: Option<Hash>) -> RpcResult<FeeEstimate>;
}

/// Answers from the runtime API.
pub(crate) struct Market {
	client: Arc<FullClient>,
}

impl Market {
	/// Answers from this client's chain.
	pub(crate) fn new(client: Arc<FullClient>) -> Self {
		Self { client }
	}

	fn block(&self, at: Option<Hash>) -> Hash {
		at.unwrap_or_else(|| self.client.info().best_hash)
	}
}

fn not_found(what: String) -> ErrorObjectOwned {
	ErrorObjectOwned::owned(NOT_FOUND, what, None::<()>)
}

fn runtime_failed(error: ApiError) -> ErrorObjectOwned {
	ErrorObjectOwned::owned(
		RUNTIME_FAILED,
		"the runtime could not answer; is the block known to this node, and its state not pruned?",
		Some(error.to_string()),
	)
}

impl MarketRpcServer for Market {
	fn task_status(&self, task: TaskId, at: Option<Hash>) -> RpcResult<Task> {
		let (api, block) = (self.client.runtime_api(), self.block(at));
		if let Some(status) = api.task_status(block, task).map_err(runtime_failed)? {
			return Ok(Task::Open(status));
		}
		api.task_summary(block, task)
			.map_err(runtime_failed)?
			.map(Task::Ended)
			.ok_or_else(|| not_found(format!("there is no task {task} in block {block:?}")))
	}

	fn open_tasks(
		&self,
		start: Option<TaskId>,
		limit: Option<u32>,
		at: Option<Hash>,
	) -> RpcResult<Vec<TaskId>> {
		let limit = limit.unwrap_or(MOST_TASKS).min(MOST_TASKS);
		self.client
			.runtime_api()
			.open_tasks(self.block(at), start.unwrap_or(0), limit)
			.map_err(runtime_failed)
	}

	fn round_status(
		&self,
		task: TaskId,
		round: RoundIndex,
		at: Option<Hash>,
	) -> RpcResult<RoundStatus<AccountId>> {
		self.client
			.runtime_api()
			.round_status(self.block(at), task, round)
			.map_err(runtime_failed)?
			.ok_or_else(|| {
				not_found(format!(
					"task {task} has no round {round}: it is not open, or has not come to that round"
				))
			})
	}

	fn audit_status(&self, audit: AuditId, at: Option<Hash>) -> RpcResult<AuditStatus<AccountId>> {
		self.client
			.runtime_api()
			.audit_status(self.block(at), audit)
			.map_err(runtime_failed)?
			.ok_or_else(|| not_found(format!("there is no open audit {audit}")))
	}

	fn tickets(&self, account: AccountId, at: Option<Hash>) -> RpcResult<Vec<TicketStatus>> {
		self.client
			.runtime_api()
			.tickets_of(self.block(at), account)
			.map_err(runtime_failed)
	}

	fn open_duties(&self, account: AccountId, at: Option<Hash>) -> RpcResult<Vec<Duty>> {
		self.client
			.runtime_api()
			.open_duties(self.block(at), account)
			.map_err(runtime_failed)
	}

	fn estimate_fee(&self, spec: TaskSpec, at: Option<Hash>) -> RpcResult<FeeEstimate> {
		self.client
			.runtime_api()
			.estimate_fee(self.block(at), spec)
			.map_err(runtime_failed)?
			.map_err(|fault| {
				ErrorObjectOwned::owned(
					INVALID_PARAMS_CODE,
					format!("the specification can't work: {fault:?}"),
					Some(fault),
				)
			})
	}
}

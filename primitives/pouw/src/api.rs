//! The runtime API: the questions that users and workers ask.

use crate::{
	demand::DemandStatus,
	spec::{SpecFault, TaskSpec},
	status::{
		AuditStatus, DisputeStatus, Duty, FeeEstimate, RoundStatus, TaskStatus, TaskSummary,
		TicketStatus,
	},
	AuditId, DemandId, DisputeId, RoundIndex, TaskId,
};
use alloc::vec::Vec;
use codec::Codec;

polkadot_sdk::sp_api::decl_runtime_apis! {
	/// The market for training runs, as its users see it.
	pub trait PouwApi<AccountId: Codec> {
		/// A task that has not ended.
		fn task_status(task: TaskId) -> Option<TaskStatus<AccountId>>;
		/// What stays of a task that has ended.
		fn task_summary(task: TaskId) -> Option<TaskSummary<AccountId>>;
		/// The tasks that have not ended, at most `limit`, from `start` on.
		fn open_tasks(start: TaskId, limit: u32) -> Vec<TaskId>;
		/// A round of a task that has not ended.
		fn round_status(task: TaskId, round: RoundIndex) -> Option<RoundStatus<AccountId>>;
		/// An audit that has not ended.
		fn audit_status(audit: AuditId) -> Option<AuditStatus<AccountId>>;
		/// A dispute that has not ended.
		fn dispute_status(dispute: DisputeId) -> Option<DisputeStatus<AccountId>>;
		/// The disputes that have not ended, of one task or of all, at most `limit`, in no order.
		fn open_disputes(task: Option<TaskId>, limit: u32) -> Vec<DisputeId>;
		/// A demand to show what was attested, which has not ended.
		fn demand_status(demand: DemandId) -> Option<DemandStatus<AccountId>>;
		/// The demands that have not ended, of one task or of all, at most `limit`, in no order.
		fn open_demands(task: Option<TaskId>, limit: u32) -> Vec<DemandId>;
		/// What an account must do now, the most urgent first.
		fn open_duties(account: AccountId) -> Vec<Duty>;
		/// An account's tickets.
		fn tickets_of(account: AccountId) -> Vec<TicketStatus>;
		/// What a task would cost, or why it can't work.
		fn estimate_fee(spec: TaskSpec) -> Result<FeeEstimate, SpecFault>;
	}
}

//! The agenda: draws of audits, audits, disputes, scores and demands, each in it once, for the block in which they
//! fall due.

use crate::{
	pallet::{Agenda, AgendaFrom, Audits, Commitments, Config, Demands, Disputes, Pallet},
	types::{Audit, AuditStage, Item},
	WeightInfo,
};
use polkadot_sdk::{
	frame_support::{
		traits::Get,
		weights::{Weight, WeightMeter},
	},
	sp_runtime::traits::BlockNumberProvider,
};
use pouw_primitives::{AuditId, BlockNumber};

/// The longest that one stage of an audit can take: about a day.
const MAX_WINDOW: BlockNumber = 28_800;

impl<T: Config> Pallet<T> {
	/// The present block.
	pub(crate) fn now() -> BlockNumber {
		T::BlockNumberProvider::current_block_number()
	}

	/// The block in which a draw that is asked for now is tried. The randomness must be of a later block than
	/// the present one, and becomes known in one that is later still.
	pub(crate) fn next_try(now: BlockNumber) -> BlockNumber {
		now.saturating_add(T::AuditDelay::get().clamp(2, MAX_WINDOW))
	}

	/// Blocks to run a segment and commit to the answer, whatever governance says.
	pub(crate) fn commit_window() -> BlockNumber {
		T::CommitWindow::get().clamp(1, MAX_WINDOW)
	}

	/// Blocks to reveal the answer, whatever governance says.
	pub(crate) fn reveal_window() -> BlockNumber {
		T::RevealWindow::get().clamp(1, MAX_WINDOW)
	}

	/// Blocks in which an available commitment can be challenged, whatever governance says.
	pub(crate) fn challenge_window() -> BlockNumber {
		T::ChallengeWindow::get().clamp(1, MAX_WINDOW)
	}

	/// Blocks for a move of a dispute, whatever governance says.
	pub(crate) fn dispute_clock() -> BlockNumber {
		T::DisputeClock::get().clamp(1, MAX_WINDOW)
	}

	/// Stores an audit and enters it in the agenda for the block after its deadline, or for another one.
	pub(crate) fn save_audit(
		id: AuditId,
		mut audit: Audit<T::AccountId>,
		wake: Option<BlockNumber>,
	) {
		let item = Item::Audit { audit: id };
		let wake = wake.unwrap_or_else(|| audit.stage.until().saturating_add(1));
		if wake != audit.wake {
			Agenda::<T>::remove(audit.wake, item);
			Agenda::<T>::insert(wake, item, ());
			audit.wake = wake;
		}
		Audits::<T>::insert(id, audit);
	}

	/// The least [`Config::HookWeight`] with which the hook can serve any entry.
	pub fn least_hook_weight() -> Weight {
		T::WeightInfo::poll()
			.saturating_add(T::WeightInfo::agenda_entry())
			.saturating_add(T::WeightInfo::draw())
			.saturating_add(T::WeightInfo::open_audit())
			.saturating_add(T::WeightInfo::seek_verifiers())
			.saturating_add(
				T::WeightInfo::end_audit()
					.max(T::WeightInfo::end_dispute())
					.max(T::WeightInfo::end_demand()),
			)
	}

	/// Serves the agenda up to the present block, within the meter and the hook's own limit.
	pub(crate) fn serve(meter: &mut WeightMeter) {
		let mut own = WeightMeter::with_limit(meter.remaining().min(T::HookWeight::get()));
		if own.try_consume(T::WeightInfo::poll()).is_ok() {
			let now = Self::now();
			let from = AgendaFrom::<T>::get().unwrap_or(now);
			let mut block = from;
			while block <= now && own.try_consume(T::WeightInfo::agenda_entry()).is_ok() {
				match Agenda::<T>::iter_key_prefix(block).next() {
					None => block = block.saturating_add(1),
					Some(item) => {
						if !Self::serve_item(block, item, now, &mut own) {
							break;
						}
					}
				}
			}
			if block != from || AgendaFrom::<T>::get().is_none() {
				AgendaFrom::<T>::put(block);
			}
		}
		meter.consume(own.consumed());
	}

	/// Serves an entry. Returns false if the meter does not suffice; the entry stays then.
	fn serve_item(
		block: BlockNumber,
		item: Item,
		now: BlockNumber,
		meter: &mut WeightMeter,
	) -> bool {
		match item {
			Item::Draw { task, round, slot } => {
				if meter.try_consume(T::WeightInfo::draw()).is_err() {
					return false;
				}
				match Commitments::<T>::get((task, round, slot)) {
					Some(committed) => Self::draw_audits(committed, task, round, now, meter),
					None => {
						Agenda::<T>::remove(block, item);
						true
					}
				}
			}
			Item::Audit { audit: id } => {
				let audit = Audits::<T>::get(id);
				let weight = match audit.as_ref().map(|audit| audit.stage) {
					Some(AuditStage::Seeking { .. }) => T::WeightInfo::seek_verifiers(),
					Some(_) => T::WeightInfo::end_audit(),
					None => Weight::zero(),
				};
				if meter.try_consume(weight).is_err() {
					return false;
				}
				Agenda::<T>::remove(block, item);
				if let Some(mut audit) = audit {
					audit.wake = 0;
					Self::audit_due(id, audit, now);
				}
				true
			}
			Item::Score { task } => {
				if meter.try_consume(T::WeightInfo::end_dispute()).is_err() {
					return false;
				}
				Agenda::<T>::remove(block, item);
				Self::score_due(task, now);
				true
			}
			Item::Dispute { dispute: id } => {
				if meter.try_consume(T::WeightInfo::end_dispute()).is_err() {
					return false;
				}
				Agenda::<T>::remove(block, item);
				if let Some(mut dispute) = Disputes::<T>::get(id) {
					dispute.wake = 0;
					Self::dispute_due(id, dispute, now);
				}
				true
			}
			Item::Demand { demand: id } => {
				if meter.try_consume(T::WeightInfo::end_demand()).is_err() {
					return false;
				}
				Agenda::<T>::remove(block, item);
				if let Some(mut demand) = Demands::<T>::get(id) {
					demand.wake = 0;
					Self::demand_due(id, demand, now);
				}
				true
			}
		}
	}
}

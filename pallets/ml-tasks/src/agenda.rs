//! The agenda: every task stands in it once, for the block in which something of it falls due.

use crate::{
	pallet::{Agenda, AgendaFrom, Clearing, Config, Error, Pallet, Rounds, Specs, Tasks},
	types::{EvaluationStep, Stage, MAX_FORMER, MAX_PLACES},
	TaskOf, WeightInfo,
};
use alloc::vec::Vec;
use polkadot_sdk::{
	frame_support::{
		pallet_prelude::DispatchResult,
		traits::Get,
		weights::{Weight, WeightMeter},
	},
	sp_runtime::traits::BlockNumberProvider,
};
use pouw_primitives::{
	seams::{Proofs, MAX_TASK_VERIFIERS},
	spec::TaskSpec,
	BlockNumber, TaskId,
};

/// The entries of an ended task that are cleared in one step.
pub(crate) const CLEAR_STEP: u32 = 32;

impl<T: Config> Pallet<T> {
	/// The present block.
	pub(crate) fn now() -> BlockNumber {
		T::BlockNumberProvider::current_block_number()
	}

	/// Applies a change to a task, and sees to it that the agenda fits what the task waits for then.
	pub(crate) fn change(
		id: TaskId,
		change: impl FnOnce(&mut TaskOf<T>, &TaskSpec) -> DispatchResult,
	) -> DispatchResult {
		let mut task = Tasks::<T>::get(id).ok_or(Error::<T>::NoSuchTask)?;
		let spec = Specs::<T>::get(id).ok_or(Error::<T>::NoSuchTask)?;
		change(&mut task, &spec)?;
		Self::save(id, task);
		Ok(())
	}

	/// Stores a task and enters it in the agenda.
	pub(crate) fn save(id: TaskId, mut task: TaskOf<T>) {
		let wake = Self::next_wake(id, &task);
		if wake != task.wake {
			Agenda::<T>::remove(task.wake, id);
			Agenda::<T>::insert(wake, id, ());
			task.wake = wake;
		}
		Tasks::<T>::insert(id, task);
	}

	/// Whether nothing but its last audits keeps a task from ending.
	pub(crate) fn is_over(task: &TaskOf<T>) -> bool {
		matches!(
			task.stage,
			Stage::Ending(_)
				| Stage::Evaluating {
					step: EvaluationStep::Closed(_),
					..
				}
		)
	}

	/// The next block in which something of the task falls due.
	fn next_wake(id: TaskId, task: &TaskOf<T>) -> BlockNumber {
		let soonest = Self::now().saturating_add(1);
		if Self::is_over(task) {
			// The end of each audit calls for the task again; looking now and then costs little.
			let patience = if T::Proofs::open_audits(id) == 0 {
				0
			} else {
				T::AcceptWindow::get()
			};
			return soonest.saturating_add(patience);
		}
		let after = |until: BlockNumber| until.saturating_add(1);
		let seats = task
			.seated()
			.filter_map(|(_, _, seat)| seat.until.map(after));
		let draw = task.draw.map(|order| order.next);
		seats
			.chain(draw)
			.chain(task.stage.until().map(after))
			.min()
			.unwrap_or(soonest)
			.max(soonest)
	}

	/// Serves the agenda up to the present block and clears what is left of ended tasks, within the meter
	/// and the hook's own limit.
	pub(crate) fn serve(meter: &mut WeightMeter) {
		let mut own = WeightMeter::with_limit(meter.remaining().min(T::HookWeight::get()));
		if own.try_consume(T::WeightInfo::poll()).is_ok() {
			Self::serve_agenda(&mut own);
			Self::serve_clearing(&mut own);
		}
		meter.consume(own.consumed());
	}

	fn serve_agenda(meter: &mut WeightMeter) {
		let now = Self::now();
		let from = AgendaFrom::<T>::get().unwrap_or(now);
		let mut block = from;
		while block <= now && meter.try_consume(T::WeightInfo::agenda_entry()).is_ok() {
			match Agenda::<T>::iter_key_prefix(block).next() {
				None => block = block.saturating_add(1),
				Some(id) => {
					let task = Tasks::<T>::get(id);
					let weight = task.as_ref().map(Self::turn_weight).unwrap_or_default();
					if meter.try_consume(weight).is_err() {
						break;
					}
					Agenda::<T>::remove(block, id);
					if let Some((task, spec)) = task.zip(Specs::<T>::get(id)) {
						Self::turn(id, task, &spec);
					}
				}
			}
		}
		if block != from || AgendaFrom::<T>::get().is_none() {
			AgendaFrom::<T>::put(block);
		}
	}

	/// The most weight that a task's turn takes.
	fn turn_weight(task: &TaskOf<T>) -> Weight {
		if Self::is_over(task) {
			let workers = (task.seated().count() as u32)
				.saturating_add(task.former.len() as u32)
				.saturating_add(MAX_TASK_VERIFIERS);
			return T::WeightInfo::end(workers);
		}
		// A place that is taken from a silent worker in this turn is drawn for in it, if a draw is due.
		let now = Self::now();
		let overdue = task.seated().filter(|(_, _, seat)| seat.is_overdue(now));
		let draws = if task.draw.is_some() {
			task.vacancies().saturating_add(overdue.count() as u32)
		} else {
			0
		};
		T::WeightInfo::turn().saturating_add(T::WeightInfo::draw(draws))
	}

	/// The least [`Config::HookWeight`] with which the hook can serve any task.
	pub fn least_hook_weight() -> Weight {
		let workers = MAX_PLACES
			.saturating_mul(3)
			.saturating_add(MAX_FORMER)
			.saturating_add(MAX_TASK_VERIFIERS);
		let draws = T::WeightInfo::draw(MAX_PLACES.saturating_mul(2));
		T::WeightInfo::end(workers)
			.max(T::WeightInfo::turn().saturating_add(draws))
			.saturating_add(T::WeightInfo::poll())
			.saturating_add(T::WeightInfo::agenda_entry())
	}

	/// A task's turn: whatever has fallen due.
	pub(crate) fn turn(id: TaskId, mut task: TaskOf<T>, spec: &TaskSpec) {
		// It stands in the agenda no more, for whatever block.
		task.wake = 0;
		if Self::is_over(&task) {
			if T::Proofs::open_audits(id) == 0 {
				return Self::end(id, task, spec);
			}
		} else {
			let now = Self::now();
			Self::remove_overdue(id, &mut task, now);
			Self::draw_workers(id, &mut task, spec, now);
			match task.stage {
				Stage::Pending { until } if now > until => Self::fail_assignment(&mut task),
				Stage::Training { until, .. } if now > until => {
					Self::close_round(id, &mut task, spec, now)
				}
				Stage::Evaluating { until, .. } if now > until => {
					Self::close_step(id, &mut task, spec, now)
				}
				_ => {}
			}
		}
		Self::save(id, task);
	}

	/// Clears what is left of ended tasks.
	pub(crate) fn serve_clearing(meter: &mut WeightMeter) {
		let weight = T::WeightInfo::clear(CLEAR_STEP.saturating_mul(2));
		while meter.can_consume(weight) {
			let Some(id) = Clearing::<T>::iter_keys().next() else {
				return;
			};
			meter.consume(weight);
			let rounds: Vec<_> = Rounds::<T>::iter_key_prefix(id)
				.take(CLEAR_STEP as usize)
				.collect();
			for round in &rounds {
				Rounds::<T>::remove(id, round);
			}
			let rest = rounds.len() == CLEAR_STEP as usize;
			if T::Proofs::clear(id, CLEAR_STEP) && !rest {
				Clearing::<T>::remove(id);
			}
		}
	}
}

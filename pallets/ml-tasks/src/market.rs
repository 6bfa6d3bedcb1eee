//! The market as the proofs see it.

use crate::{
	pallet::{Config, Pallet, Rounds, Specs, Tasks},
	types::Stage,
	TaskOf,
};
use alloc::vec::Vec;
#[cfg(feature = "runtime-benchmarks")]
use polkadot_sdk::sp_core::H256;
use pouw_primitives::{
	proof::WrongScore,
	seams::{AuditOutcome, Grounds, Market, Place, Places, Refusal, Supervision},
	spec::{batch_position, TaskSpec},
	ticket::{Capabilities, Role},
	RoundIndex, Slot, TaskId, TicketId,
};

impl<T: Config> Pallet<T> {
	fn place_of(
		role: Role,
		task: TaskId,
		round: RoundIndex,
		account: &T::AccountId,
	) -> Result<Place, Refusal> {
		let record = Tasks::<T>::get(task).ok_or(Refusal::NoSuchTask)?;
		match record.stage {
			Stage::Training {
				round: open, until, ..
			} if open == round && Self::now() <= until => {}
			_ => return Err(Refusal::RoundNotOpen),
		}
		let (slot, seat) = record.worker(role, account).ok_or(Refusal::NotItsWorker)?;
		let spec = Specs::<T>::get(task).ok_or(Refusal::NoSuchTask)?;
		Ok(Place {
			slot,
			ticket: seat.ticket,
			places: record.seats(role).len() as u32,
			segments: spec.segments_per_round(),
			record: record.record,
		})
	}

	/// Applies what the proofs have found to a task, if it still is one.
	fn hear(task: TaskId, change: impl FnOnce(&mut TaskOf<T>, &TaskSpec)) {
		let result = Self::change(task, |record, spec| {
			change(record, spec);
			Ok(())
		});
		if result.is_err() {
			log::error!(target: crate::LOG_TARGET, "proof for task {task}, which does not exist");
		}
	}
}

impl<T: Config> Market<T::AccountId> for Pallet<T> {
	fn trainer(task: TaskId, round: RoundIndex, account: &T::AccountId) -> Result<Place, Refusal> {
		Self::place_of(Role::Trainer, task, round, account)
	}

	fn supervisor(
		task: TaskId,
		round: RoundIndex,
		account: &T::AccountId,
	) -> Result<Place, Refusal> {
		Self::place_of(Role::Supervisor, task, round, account)
	}

	fn needs(task: TaskId) -> Option<Capabilities> {
		Specs::<T>::get(task).map(|spec| spec.needs)
	}

	fn involved(task: TaskId) -> Vec<T::AccountId> {
		let Some(record) = Tasks::<T>::get(task) else {
			return Vec::new();
		};
		let seated = record.seated().map(|(_, _, seat)| &seat.account);
		core::iter::once(&record.client)
			.chain(seated)
			.chain(record.former.iter().map(|former| &former.account))
			.cloned()
			.collect()
	}

	fn commitments_available(task: TaskId, round: RoundIndex, places: Places) {
		Self::hear(task, |record, spec| {
			if let Stage::Training {
				round: open,
				available,
				..
			} = &mut record.stage
			{
				if *open == round {
					*available |= places;
					Self::try_seal(task, record, spec, Self::now());
				}
			}
		});
	}

	fn audits_drawn(task: TaskId, audits: u32) {
		Self::hear(task, |record, _| {
			record.segments.audited = record.segments.audited.saturating_add(audits);
		});
	}

	fn audit_ended(task: TaskId, round: RoundIndex, outcome: AuditOutcome) {
		Self::hear(task, |record, spec| {
			let now = Self::now();
			match outcome {
				AuditOutcome::Accepted(ticket) => {
					record.segments.accepted = record.segments.accepted.saturating_add(1);
					record.count_trainer(ticket, |_, accepted| {
						*accepted = accepted.saturating_add(1);
					});
				}
				AuditOutcome::Lapsed {
					ticket,
					first: true,
					..
				} => Self::leave_unpaid(record, spec, round, ticket),
				AuditOutcome::Lapsed { first: false, .. } | AuditOutcome::Void => {}
			}
			Self::advance_checked(task, record);
			Self::try_seal(task, record, spec, now);
		});
	}

	fn grounds(task: TaskId, round: RoundIndex, slot: Slot) -> Option<Grounds> {
		let (record, spec) = (Tasks::<T>::get(task)?, Specs::<T>::get(task)?);
		let updates = match round.checked_sub(1) {
			Some(before) => {
				let ends = Rounds::<T>::get(task, before)?.ends;
				ends.into_iter().map(|(_, end)| end).collect()
			}
			None => Vec::new(),
		};
		let training = &spec.training;
		let steps = u64::from(training.steps_per_segment);
		Some(Grounds {
			seed: record.seed?,
			arithmetic_version: spec.arithmetic_version,
			program_parts: spec.step_program_parts,
			data: record.training_tensor?,
			initial_root: spec.initial_state.map(|given| given.root),
			updates,
			steps_per_segment: training.steps_per_segment,
			first_position: batch_position(training, round, slot, 0),
			multiply_adds: spec.cost.step_multiply_adds.saturating_mul(steps),
		})
	}

	fn score_grounds(task: TaskId, wrong: WrongScore) -> Option<Grounds> {
		let (record, spec) = (Tasks::<T>::get(task)?, Specs::<T>::get(task)?);
		let last = record.sealed_rounds.checked_sub(1)?;
		let ends = Rounds::<T>::get(task, last)?.ends;
		let evaluates = wrong == WrongScore::Correct;
		Some(Grounds {
			seed: record.seed?,
			arithmetic_version: spec.arithmetic_version,
			program_parts: if evaluates {
				spec.evaluation_program_parts
			} else {
				spec.step_program_parts
			},
			data: if evaluates {
				record.test_tensor?
			} else {
				record.training_tensor?
			},
			initial_root: spec.initial_state.map(|given| given.root),
			updates: ends.into_iter().map(|(_, end)| end).collect(),
			steps_per_segment: spec.training.steps_per_segment,
			first_position: 0,
			multiply_adds: spec.cost.evaluation_multiply_adds,
		})
	}

	fn score_refuted(task: TaskId, tickets: &[TicketId]) {
		Self::hear(task, |record, _| {
			Self::refute_scorers(task, record, tickets, Self::now());
		});
	}

	fn commitment_refuted(task: TaskId, round: RoundIndex, slot: Slot, ticket: TicketId) {
		Self::hear(task, |record, spec| {
			let now = Self::now();
			record.segments.rejected = record.segments.rejected.saturating_add(1);
			Self::prove_wrong(task, record, spec, round, slot, ticket, now);
			Self::advance_checked(task, record);
			Self::try_seal(task, record, spec, now);
		});
	}

	fn supervision(task: TaskId, slot: Slot) -> Option<Supervision<T::AccountId>> {
		let (record, spec) = (Tasks::<T>::get(task)?, Specs::<T>::get(task)?);
		let (_, seat) = record
			.live(Role::Supervisor)
			.find(|(place, _)| *place == slot)?;
		let needed = matches!(record.stage, Stage::Training { .. })
			|| record.checked_rounds < record.sealed_rounds;
		Some(Supervision {
			account: seat.account.clone(),
			ticket: seat.ticket,
			training_tensor: record
				.training_tensor
				.filter(|_| needed && seat.attested_data),
			arithmetic_version: spec.arithmetic_version,
		})
	}

	fn is_seated(task: TaskId, ticket: TicketId) -> bool {
		Tasks::<T>::get(task)
			.is_some_and(|record| record.seated().any(|(_, _, seat)| seat.ticket == ticket))
	}

	fn attestation_refuted(task: TaskId, ticket: TicketId) {
		Self::hear(task, |record, _| {
			Self::expel_supervisor(task, record, ticket, Self::now());
		});
	}

	fn checked_further(task: TaskId) {
		Self::hear(task, |record, spec| {
			Self::advance_checked(task, record);
			Self::try_seal(task, record, spec, Self::now());
		});
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_open_round(
		step_program_parts: H256,
	) -> (TaskId, Vec<T::AccountId>, Vec<T::AccountId>) {
		let (task, trainers, supervisors) = crate::benchmarking::open_round::<T>();
		Specs::<T>::mutate_extant(task, |spec| spec.step_program_parts = step_program_parts);
		(task, trainers, supervisors)
	}
}

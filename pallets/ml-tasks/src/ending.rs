//! The end of a task: everybody is paid, everything is let go, a summary stays.

use crate::{
	pallet::{Clearing, Config, Engagements, Event, HoldReason, Pallet, Specs, Summaries, Tasks},
	types::{EvaluationResult, EvaluationStep, Score, Stage},
	TaskOf, LOG_TARGET,
};
use codec::Encode;
use polkadot_sdk::{
	sp_arithmetic::helpers_128bit::multiply_by_rational_with_rounding, sp_arithmetic::Rounding,
	sp_core::H256, sp_io::hashing::blake2_256,
};
use pouw_primitives::{
	seams::{Distribution, Proofs, Rewards, Settlement, Shares, TicketPool},
	spec::TaskSpec,
	status::{FailureReason, Paid, Phase, TaskSummary},
	ticket::Role,
	Balance, TaskId,
};

/// How a task ends.
struct End {
	phase: Phase,
	score: Option<Score>,
	/// Whether delivered work is paid.
	pays: bool,
	/// Whether trainers are paid in full.
	full: bool,
}

impl<T: Config> Pallet<T> {
	/// Ends a task: pays, releases, keeps the summary, removes the rest or leaves it to be cleared.
	pub(crate) fn end(id: TaskId, mut task: TaskOf<T>, spec: &TaskSpec) {
		let end = Self::how(&task, spec);
		let owed = if end.pays {
			Self::delivered(&task, spec)
		} else {
			0
		};
		let settlement = Settlement {
			fee: owed,
			accuracy_met: end.full,
			trainers: Self::shares(&task, Role::Trainer, |work, _| work),
			verifiers: T::Proofs::verifier_shares(id),
			supervisors: Self::shares(&task, Role::Supervisor, |work, _| work),
			evaluators: Self::shares(&task, Role::Evaluator, |work, _| work),
		};
		let (paid, burned) = Self::settle_fee(id, &task, &settlement);
		let all_paid = [
			paid.trainers,
			paid.verifiers,
			paid.supervisors,
			paid.evaluators,
		]
		.into_iter()
		.fold(0, Balance::saturating_add);
		let refunded = task.fee.saturating_sub(all_paid).saturating_sub(burned);
		Self::give_back(HoldReason::Fee, &task.client, refunded);
		Self::settle_client_bond(id, &task);
		let accepted = Self::shares(&task, Role::Trainer, |_, accepted| accepted);
		let subsidy = T::Rewards::pay_subsidy(id, &accepted, burned).unwrap_or_else(|error| {
			log::error!(target: LOG_TARGET, "subsidy of task {id} can't be paid: {error:?}");
			0
		});
		Self::let_workers_go(id, &mut task);

		let accuracy = end.score.map(|score| {
			(
				score.correct,
				spec.test_rows().try_into().unwrap_or(u32::MAX),
			)
		});
		let summary = TaskSummary {
			client: task.client.clone(),
			phase: end.phase,
			seed: task.seed,
			spec_hash: H256(spec.using_encoded(blake2_256)),
			rounds: task.sealed_rounds,
			record: task.record,
			state_root: end.score.map(|score| score.state_root),
			accuracy,
			required_accuracy: spec.required_accuracy,
			segments: task.segments,
			fee: task.fee,
			paid,
			refunded,
			burned,
			subsidy,
			block: Self::now(),
		};
		Summaries::<T>::insert(id, summary);
		Engagements::<T>::remove(&task.client, id);
		Tasks::<T>::remove(id);
		Specs::<T>::remove(id);
		Clearing::<T>::insert(id, ());
		Self::deposit_event(Event::TaskEnded {
			task: id,
			phase: end.phase,
			paid: all_paid,
			refunded,
			burned,
			subsidy,
		});
	}

	fn how(task: &TaskOf<T>, spec: &TaskSpec) -> End {
		match task.stage {
			Stage::Evaluating {
				step: EvaluationStep::Closed(result),
				..
			} => match result {
				EvaluationResult::Scored(score) => End {
					phase: Phase::Settled,
					score: Some(score),
					pays: true,
					full: Self::reaches(&score, spec),
				},
				// The client has withheld what would tell.
				EvaluationResult::Forfeited => End {
					phase: Phase::Settled,
					score: None,
					pays: true,
					full: true,
				},
				// Nobody knows whether the accuracy was reached, so nobody gains by leaving it open.
				EvaluationResult::Undecided => End {
					phase: Phase::Failed(FailureReason::NoEvaluation),
					score: None,
					pays: true,
					full: false,
				},
			},
			_ => {
				let phase = task.stage.phase();
				let pays = phase == Phase::Failed(FailureReason::NoProgress);
				End {
					phase,
					score: None,
					pays,
					full: false,
				}
			}
		}
	}

	/// Whether a score is at least the accuracy that was asked for: correct ÷ rows ≥ required, exactly.
	fn reaches(score: &Score, spec: &TaskSpec) -> bool {
		let have = u128::from(score.correct).saturating_mul(1_000_000);
		let need = u128::from(spec.test_rows())
			.saturating_mul(u128::from(spec.required_accuracy.deconstruct()));
		have >= need
	}

	/// The part of the fee that is paid for: as much as was delivered of what was ordered, rounded down.
	fn delivered(task: &TaskOf<T>, spec: &TaskSpec) -> Balance {
		let standing: u128 = Self::shares(task, Role::Trainer, |work, _| work)
			.iter()
			.map(|(_, segments)| u128::from(*segments))
			.sum();
		let ordered = u128::from(spec.total_segments());
		multiply_by_rational_with_rounding(task.fee, standing, ordered, Rounding::Down)
			.unwrap_or_default()
			.min(task.fee)
	}

	/// What the workers of a role are paid for, gone ones included.
	fn shares(task: &TaskOf<T>, role: Role, of: impl Fn(u32, u32) -> u32) -> Shares<T::AccountId> {
		let seated = task
			.live(role)
			.map(|(_, seat)| (&seat.account, of(seat.work, seat.accepted_segments)));
		let former = task
			.former
			.iter()
			.filter(|former| former.role == role)
			.map(|former| (&former.account, of(former.work, former.accepted_segments)));
		let mut shares = Shares::<T::AccountId>::new();
		for (account, units) in seated.chain(former).filter(|(_, units)| *units > 0) {
			match shares.iter_mut().find(|(other, _)| other == account) {
				Some((_, sum)) => *sum = sum.saturating_add(units),
				None => shares.push((account.clone(), units)),
			}
		}
		shares
	}

	/// Pays what is owed out of the held fee. Returns what was paid by role, and what was burned. What
	/// could not be delivered, dust for a closed account, is burned as well and counts as paid.
	fn settle_fee(
		id: TaskId,
		task: &TaskOf<T>,
		settlement: &Settlement<T::AccountId>,
	) -> (Paid, Balance) {
		if settlement.fee == 0 {
			return Default::default();
		}
		let Distribution {
			payments,
			paid,
			refunded,
			burned,
		} = T::Rewards::split(settlement);
		let sum = payments
			.iter()
			.map(|(_, amount)| *amount)
			.chain([refunded, burned])
			.fold(0, Balance::saturating_add);
		if sum != settlement.fee {
			log::error!(target: LOG_TARGET, "the fee of task {id} was split into {sum}");
			return Default::default();
		}
		for (account, amount) in &payments {
			let arrived = Self::pay(HoldReason::Fee, &task.client, account, *amount);
			Self::burn(
				HoldReason::Fee,
				&task.client,
				amount.saturating_sub(arrived),
			);
		}
		(paid, Self::burn(HoldReason::Fee, &task.client, burned))
	}

	/// Gives the client its bond back, or burns it. No worker gets any of it: workers decide whether it is
	/// forfeited.
	fn settle_client_bond(id: TaskId, task: &TaskOf<T>) {
		if !task.forfeited {
			return Self::give_back(HoldReason::ClientBond, &task.client, task.client_bond);
		}
		let amount = Self::burn(HoldReason::ClientBond, &task.client, task.client_bond);
		Self::deposit_event(Event::ClientBondForfeited { task: id, amount });
	}

	/// Releases bonds and tickets.
	fn let_workers_go(id: TaskId, task: &mut TaskOf<T>) {
		for (_, _, seat) in task.seated() {
			Self::give_back(HoldReason::TrainerBond, &seat.account, seat.bond);
			T::Tickets::release(seat.ticket, id);
			Engagements::<T>::remove(&seat.account, id);
		}
		for former in task
			.former
			.iter()
			.filter(|former| former.role == Role::Trainer)
		{
			Self::give_back(HoldReason::TrainerBond, &former.account, former.bond);
			T::Tickets::release(former.ticket, id);
		}
	}
}

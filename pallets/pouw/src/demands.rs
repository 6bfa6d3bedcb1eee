//! Demands: supervisors show what they have attested, or lose their tickets.
//!
//! Whether a supervisor holds something nobody else can tell, and that it delivers can't be enforced. But it can
//! be made to show a tile of it that somebody else has chosen. Who does not hold the whole, and can't make it in
//! the time of a demand either, is found out by chance, or by somebody to whom it has not delivered.

use crate::{
	commitments::place,
	disputes::run_time,
	pallet::{
		Agenda, Attestors, Commitments, Config, Demands, DemandsFrom, DemandsOn, Error, Event,
		HoldReason, NextDemand, Pallet, TaskAudit,
	},
	types::{Attestor, DemandOf, Item, OpenDemand},
	SHARE_OF_WINNER,
};
use codec::Encode;
use polkadot_sdk::{
	frame_support::{
		ensure,
		pallet_prelude::DispatchResult,
		traits::{fungible::MutateHold, Get},
	},
	sp_core::H256,
};
use pouw_primitives::{
	demand::{DemandStatus, Demanded},
	seams::{Market, Places, Rewards, Supervision, TicketPool, WorkFact},
	spec::ARITHMETIC_VERSION,
	status::{Duty, DutyKind},
	BlockNumber, DemandId, RoundIndex, Slot, TaskId, TicketId,
};
use repops::shown::ProvenTile;

/// The most demands on one supervisor that are open at a time. It must be able to answer them all.
pub const MAX_DEMANDS: u32 = 4;

/// The most bytes of a tile with its proofs. A tile has 4 KiB, each proof at most 1 KiB.
pub const MAX_SHOWN_BYTES: usize = 8 * 1024;

/// What was attested, as a demand keeps it: whatever becomes of the commitment, it can be shown.
struct Attested {
	/// Its root.
	root: H256,
	/// The number of checkpoints, of a trace.
	checkpoints: u32,
	/// The hash of the blob that lists them.
	manifest: H256,
	/// Blocks in which one that is lost can be made again.
	remake: BlockNumber,
}

impl<T: Config> Pallet<T> {
	/// Notes that the supervisor in a place has attested a trainer's commitment with this ticket. What another
	/// ticket has attested in its place is none of its own.
	pub(crate) fn note_attested(
		task: TaskId,
		round: RoundIndex,
		(supervisor, ticket): (Slot, TicketId),
		attested: Places,
	) {
		Attestors::<T>::mutate(task, round, |attestors| {
			attestors.retain(|other| other.slot != supervisor || other.ticket == ticket);
			match attestors.iter_mut().find(|own| own.slot == supervisor) {
				Some(own) => own.attested |= attested,
				None => {
					// There is one for each place at most, and room for all places.
					let _ = attestors.try_push(Attestor {
						slot: supervisor,
						ticket,
						attested,
					});
				}
			}
		});
	}

	/// Whether the supervisor in a place has attested the commitment of a trainer's place with this very ticket.
	fn has_attested(
		task: TaskId,
		round: RoundIndex,
		trainer: Slot,
		supervisor: Slot,
		ticket: TicketId,
	) -> bool {
		let by_place = Commitments::<T>::get((task, round, trainer))
			.is_some_and(|committed| committed.attested & place(supervisor) != 0);
		by_place
			&& Attestors::<T>::get(task, round).iter().any(|attestor| {
				attestor.slot == supervisor
					&& attestor.ticket == ticket
					&& attestor.attested & place(trainer) != 0
			})
	}

	/// What a demand is about, if the supervisor has attested it and it can be demanded now.
	fn attested(
		task: TaskId,
		slot: Slot,
		supervision: &Supervision<T::AccountId>,
		what: &Demanded,
	) -> Result<Attested, Error<T>> {
		match *what {
			Demanded::Checkpoint {
				round,
				slot: trainer,
				checkpoint,
				..
			} => {
				let committed = Commitments::<T>::get((task, round, trainer))
					.ok_or(Error::<T>::NothingCommitted)?;
				let attested = Self::has_attested(task, round, trainer, slot, supervision.ticket);
				ensure!(attested, Error::<T>::NotAttested);
				ensure!(committed.is_contestable(), Error::<T>::NotDemandable);
				ensure!(checkpoint <= committed.segments, Error::<T>::NoSuchPart);
				let grounds =
					T::Market::grounds(task, round, trainer).ok_or(Error::<T>::NoSuchTask)?;
				// All that is demanded may have to be made again.
				let open = DemandsOn::<T>::get(supervision.ticket).len() as u32;
				Ok(Attested {
					root: committed.commitment.trace_root,
					checkpoints: committed.segments.saturating_add(1),
					manifest: committed.commitment.manifest,
					remake: run_time::<T>(&grounds, open.saturating_add(1)),
				})
			}
			Demanded::TrainingData { .. } => Ok(Attested {
				root: supervision.training_tensor.ok_or(Error::<T>::NotAttested)?,
				checkpoints: 0,
				manifest: H256::zero(),
				remake: 0,
			}),
		}
	}

	/// Somebody wants to be shown what a supervisor has attested.
	pub(crate) fn do_demand(
		task: TaskId,
		slot: Slot,
		what: Demanded,
		who: T::AccountId,
	) -> DispatchResult {
		let supervision = T::Market::supervision(task, slot).ok_or(Error::<T>::NotAttested)?;
		ensure!(supervision.account != who, Error::<T>::OwnAttestation);
		ensure!(
			supervision.arithmetic_version == ARITHMETIC_VERSION,
			Error::<T>::NotDemandable
		);
		let attested = Self::attested(task, slot, &supervision, &what)?;
		let ticket = supervision.ticket;
		let mut on_ticket = DemandsOn::<T>::get(ticket);
		ensure!(
			on_ticket.iter().all(|(_, demander)| *demander != who),
			Error::<T>::AlreadyDone
		);
		let id = NextDemand::<T>::get();
		on_ticket
			.try_push((id, who.clone()))
			.map_err(|_| Error::<T>::TooManyDemands)?;
		let bond = T::ChallengeBond::get();
		T::Currency::hold(&HoldReason::Demand.into(), &who, bond)?;

		NextDemand::<T>::put(id.saturating_add(1));
		DemandsOn::<T>::insert(ticket, on_ticket);
		DemandsFrom::<T>::insert(&supervision.account, id, ());
		TaskAudit::<T>::mutate(task, |audits| audits.open = audits.open.saturating_add(1));
		let now = Self::now();
		let until = now
			.saturating_add(Self::dispute_clock())
			.saturating_add(attested.remake);
		Self::deposit_event(Event::ShowingDemanded {
			demand: id,
			task,
			supervisor: supervision.account.clone(),
			demander: who.clone(),
			what,
			bond,
			deadline: until,
		});
		let demand = OpenDemand {
			task,
			slot,
			supervisor: supervision.account,
			ticket,
			demander: who,
			what,
			root: attested.root,
			checkpoints: attested.checkpoints,
			manifest: attested.manifest,
			arithmetic_version: supervision.arithmetic_version,
			bond,
			opened: now,
			until,
			wake: 0,
			shown: false,
		};
		Self::save_demand(id, demand);
		Ok(())
	}

	/// A supervisor shows what was demanded of it. What follows is no matter of this call.
	pub(crate) fn do_show(id: DemandId, who: &T::AccountId, shown: &ProvenTile) -> DispatchResult {
		ensure!(
			shown.encoded_size() <= MAX_SHOWN_BYTES,
			Error::<T>::MoveTooLarge
		);
		let mut demand = Demands::<T>::get(id).ok_or(Error::<T>::NoSuchDemand)?;
		ensure!(demand.supervisor == *who, Error::<T>::NotItsWorker);
		ensure!(!demand.shown, Error::<T>::AlreadyDone);
		ensure!(Self::now() <= demand.until, Error::<T>::TooLate);
		let (tensor, tile) = demand.what.place();
		let whole = demand.what.whole(&demand.root, demand.checkpoints);
		ensure!(shown.verify(&whole, tensor, tile), Error::<T>::NotProven);
		demand.shown = true;
		Self::deposit_event(Event::Shown {
			demand: id,
			task: demand.task,
			supervisor: who.clone(),
		});
		Self::save_demand(id, demand);
		Ok(())
	}

	/// Stores a demand and enters it in the agenda: for the block after its deadline, or for the next one if it
	/// is decided.
	fn save_demand(id: DemandId, mut demand: DemandOf<T>) {
		let item = Item::Demand { demand: id };
		let last = if demand.shown {
			Self::now()
		} else {
			demand.until
		};
		let wake = last.saturating_add(1);
		if wake != demand.wake {
			Agenda::<T>::remove(demand.wake, item);
			Agenda::<T>::insert(wake, item, ());
			demand.wake = wake;
		}
		Demands::<T>::insert(id, demand);
	}

	/// A demand's turn in the agenda has come.
	pub(crate) fn demand_due(id: DemandId, demand: DemandOf<T>, now: BlockNumber) {
		if !demand.shown && now <= demand.until {
			return Self::save_demand(id, demand);
		}
		let (task, ticket) = (demand.task, demand.ticket);
		// Who could not have shown it, as this runtime has another arithmetic, loses nothing by it.
		if demand.shown || demand.arithmetic_version != ARITHMETIC_VERSION {
			Self::end_demand(id, &demand);
		} else {
			Self::refute_attestation(id, &demand);
		}
		if !DemandsOn::<T>::contains_key(ticket) && !T::Market::is_seated(task, ticket) {
			// The supervisor has lost its place meanwhile, and was kept for this alone.
			T::Tickets::release(ticket, task);
		}
		T::Market::checked_further(task);
	}

	/// Ends a demand that was answered, or that could not be.
	fn end_demand(id: DemandId, demand: &DemandOf<T>) {
		Self::remove_demand(id, demand);
		let bond = if demand.shown {
			// Half is burned: so a supervisor that demands from itself, to keep others from it, loses by it.
			Self::lose_bond(
				HoldReason::Demand,
				&demand.demander,
				&demand.supervisor,
				demand.bond,
			);
			0
		} else {
			Self::give_bond_back(HoldReason::Demand, &demand.demander, demand.bond);
			demand.bond
		};
		Self::deposit_event(Event::DemandEnded {
			demand: id,
			task: demand.task,
			shown: demand.shown,
			returned: bond,
		});
	}

	/// Takes everything out that is kept about a demand, but its bond.
	fn remove_demand(id: DemandId, demand: &DemandOf<T>) {
		if demand.wake != 0 {
			Agenda::<T>::remove(demand.wake, Item::Demand { demand: id });
		}
		Demands::<T>::remove(id);
		DemandsFrom::<T>::remove(&demand.supervisor, id);
		DemandsOn::<T>::mutate_exists(demand.ticket, |demands| {
			if let Some(list) = demands {
				list.retain(|(other, _)| *other != id);
				if list.is_empty() {
					*demands = None;
				}
			}
		});
		TaskAudit::<T>::mutate(demand.task, |audits| {
			audits.open = audits.open.saturating_sub(1);
		});
	}

	/// A supervisor has not shown what it had attested. Whoever else waits for it to show something has it no
	/// better, and gets its bond back.
	fn refute_attestation(id: DemandId, demand: &DemandOf<T>) {
		Self::remove_demand(id, demand);
		Self::give_bond_back(HoldReason::Demand, &demand.demander, demand.bond);
		for (other, _) in DemandsOn::<T>::get(demand.ticket) {
			if let Some(other_demand) = Demands::<T>::get(other) {
				Self::end_demand(other, &other_demand);
			}
		}
		T::Rewards::note(&demand.supervisor, WorkFact::Fault);
		let winner = [demand.demander.clone()];
		let slashed = T::Tickets::slash(demand.ticket, SHARE_OF_WINNER, &winner);
		Self::deposit_event(Event::AttestationRefuted {
			demand: id,
			task: demand.task,
			supervisor: demand.supervisor.clone(),
			demander: demand.demander.clone(),
			slashed: slashed.total,
			burned: slashed.burned,
		});
		T::Market::attestation_refuted(demand.task, demand.ticket);
	}

	/// What an account is to show.
	pub(crate) fn showing_due(id: DemandId) -> Option<Duty> {
		let demand = Demands::<T>::get(id).filter(|demand| !demand.shown)?;
		Some(Duty {
			kind: DutyKind::ShowDemanded { demand: id },
			task: demand.task,
			deadline: demand.until,
		})
	}

	pub(crate) fn demand_status_of(id: DemandId) -> Option<DemandStatus<T::AccountId>> {
		let demand = Demands::<T>::get(id)?;
		Some(DemandStatus {
			demand: id,
			task: demand.task,
			supervisor_slot: demand.slot,
			supervisor: demand.supervisor,
			ticket: demand.ticket,
			demander: demand.demander,
			what: demand.what,
			root: demand.root,
			manifest: demand.manifest,
			bond: demand.bond,
			opened: demand.opened,
			deadline: demand.until,
			shown: demand.shown,
		})
	}
}

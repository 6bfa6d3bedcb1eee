//! Commitments to rounds, who holds what they commit to, and the draw of their audits.

use crate::{
	pallet::{Agenda, Answered, Commitments, Config, Error, Event, Pallet, TaskAudit},
	types::{AuditDraw, Committed, Contest, Item},
	WeightInfo,
};
use alloc::vec::Vec;
use codec::Encode;
use polkadot_sdk::{
	frame_support::{
		ensure,
		pallet_prelude::DispatchResult,
		traits::{Get, Randomness},
		weights::WeightMeter,
	},
	sp_core::H256,
	sp_io::hashing::blake2_256,
	sp_runtime::{traits::SaturatedConversion, Permill},
};
use pouw_primitives::{
	proof::two_thirds,
	seams::{Market, Places, TicketPool},
	status::Commitment,
	BlockNumber, RoundIndex, SegmentIndex, Slot, TaskId,
};

/// What a trainer commits to beside its place.
pub(crate) struct Claim {
	pub(crate) base: H256,
	pub(crate) trace_root: H256,
	pub(crate) end_root: H256,
	pub(crate) manifest: H256,
	pub(crate) samples: u64,
	pub(crate) mean_loss: u32,
}

/// The set of this place alone.
pub(crate) fn place(slot: Slot) -> Places {
	Places::from(1u8)
		.checked_shl(u32::from(slot))
		.unwrap_or_default()
}

/// A number below a bound, from randomness.
fn below(preimage: impl Encode, bound: u32) -> u32 {
	let [a, b, c, d, e, f, g, h, ..] = preimage.using_encoded(blake2_256);
	let fraction = u128::from(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
	let product = fraction.saturating_mul(u128::from(bound)).checked_shr(64);
	product
		.and_then(|number| number.try_into().ok())
		.unwrap_or_default()
}

/// Whether a segment of a commitment is audited: one of them always is, each other with the chance of the
/// rate.
pub fn is_audited(
	randomness: &H256,
	segment: SegmentIndex,
	segments: SegmentIndex,
	rate: Permill,
) -> bool {
	segment == below((b"pouw/always-audited", randomness), segments)
		|| below((b"pouw/audited", randomness, segment), 1_000_000) < rate.deconstruct()
}

impl<T: Config> Pallet<T> {
	/// Randomness that was unknown in a block, with the block since when it could be known.
	pub(crate) fn randomness(subject: &[u8], asked: BlockNumber) -> Option<(H256, BlockNumber)> {
		let (randomness, known_since) = T::Randomness::random(subject);
		let known_since = known_since.saturated_into::<BlockNumber>();
		randomness
			.filter(|_| known_since > asked)
			.map(|randomness| (randomness, known_since))
	}

	/// Changes what is stored of a commitment, if it is there.
	pub(crate) fn change_commitment(
		key: (TaskId, RoundIndex, Slot),
		change: impl FnOnce(&mut Committed<T::AccountId>),
	) {
		Commitments::<T>::mutate(key, |committed| {
			if let Some(committed) = committed {
				change(committed);
			}
		});
	}

	/// A trainer commits to its round.
	pub(crate) fn do_commit_round(
		task: TaskId,
		round: RoundIndex,
		who: T::AccountId,
		claim: Claim,
	) -> DispatchResult {
		let place = T::Market::trainer(task, round, &who).map_err(Error::<T>::from)?;
		let key = (task, round, place.slot);
		ensure!(
			!Commitments::<T>::contains_key(key),
			Error::<T>::AlreadyDone
		);
		ensure!(claim.base == place.record, Error::<T>::AnotherBase);
		let Claim {
			base: _,
			trace_root,
			end_root,
			manifest,
			samples,
			mean_loss,
		} = claim;
		let commitment = Commitment {
			slot: place.slot,
			account: who.clone(),
			ticket: place.ticket,
			trace_root,
			end_root,
			manifest,
			samples,
			mean_loss,
			block: Self::now(),
			available: false,
		};
		let segments = place.segments;
		Commitments::<T>::insert(
			key,
			Committed {
				commitment,
				segments,
				attested: 0,
				draw: None,
				open: 0,
				lapsed: false,
				contest: Contest::default(),
			},
		);
		T::Tickets::duty_done(place.ticket);
		Self::deposit_event(Event::RoundCommitted {
			task,
			round,
			slot: place.slot,
			trainer: who,
			trace_root,
			end_root,
			manifest,
			samples,
			mean_loss,
		});
		Ok(())
	}

	/// A supervisor says which commitments of a round it holds. Returns whether one of them has become
	/// available by it.
	pub(crate) fn do_attest(
		task: TaskId,
		round: RoundIndex,
		who: T::AccountId,
		slots: Vec<Slot>,
	) -> Result<bool, Error<T>> {
		let supervisor = T::Market::supervisor(task, round, &who).map_err(Error::<T>::from)?;
		let bit = place(supervisor.slot);
		let answered = Answered::<T>::get(task, round);
		let mut held: Places = 0;
		let mut available: Places = 0;
		for slot in &slots {
			let key = (task, round, *slot);
			let mut committed = Commitments::<T>::get(key).ok_or(Error::<T>::NothingCommitted)?;
			if committed.attested & bit != 0 {
				continue;
			}
			held |= place(*slot);
			committed.attested |= bit;
			let enough = committed.attested.count_ones() >= two_thirds(supervisor.places);
			if enough && !committed.commitment.available {
				committed.commitment.available = true;
				committed.draw = Some(Self::ask_audits(task, round, *slot));
				committed.contest.until = Self::challenge_until(task, round, *slot);
				available |= place(*slot);
				Self::deposit_event(Event::CommitmentAvailable {
					task,
					round,
					slot: *slot,
				});
			}
			Commitments::<T>::insert(key, committed);
		}
		ensure!(held != 0 || answered & bit == 0, Error::<T>::AlreadyDone);
		Answered::<T>::insert(task, round, answered | bit);
		let attestor = (supervisor.slot, supervisor.ticket);
		Self::note_attested(task, round, attestor, held);
		// To say that one holds nothing is no silence, but no duty done either.
		if held != 0 {
			T::Tickets::duty_done(supervisor.ticket);
		}
		Self::deposit_event(Event::AvailabilityAttested {
			task,
			round,
			supervisor: who,
			slots,
		});
		if available != 0 {
			T::Market::commitments_available(task, round, available);
		}
		Ok(available != 0)
	}

	/// Asks for the draw of a commitment's audits. It comes after the commitment has become available, not
	/// only after it was made: who saw beforehand what will be audited could withhold it.
	fn ask_audits(task: TaskId, round: RoundIndex, slot: Slot) -> AuditDraw {
		let asked = Self::now();
		let wake = Self::next_try(asked);
		Agenda::<T>::insert(wake, Item::Draw { task, round, slot }, ());
		TaskAudit::<T>::mutate(task, |audits| audits.open = audits.open.saturating_add(1));
		AuditDraw {
			asked,
			wake,
			randomness: None,
			next: 0,
		}
	}

	/// Draws the audits of a commitment. Returns false if the meter does not suffice for all of them; what
	/// is missing is drawn from the same randomness in the next block. That is fit for segments, which
	/// nobody can change any more. Verifiers are drawn later, from randomness of their own.
	pub(crate) fn draw_audits(
		mut committed: Committed<T::AccountId>,
		task: TaskId,
		round: RoundIndex,
		now: BlockNumber,
		meter: &mut WeightMeter,
	) -> bool {
		let slot = committed.commitment.slot;
		let item = Item::Draw { task, round, slot };
		let Some(mut draw) = committed.draw else {
			return true;
		};
		let subject = (b"pouw/audits", task, round, slot).encode();
		draw.randomness = draw
			.randomness
			.or_else(|| Self::randomness(&subject, draw.asked));
		let Some(known) = draw.randomness else {
			Agenda::<T>::remove(draw.wake, item);
			draw.wake = now.saturating_add(1);
			Agenda::<T>::insert(draw.wake, item, ());
			committed.draw = Some(draw);
			Commitments::<T>::insert((task, round, slot), committed);
			return true;
		};

		let rate = T::AuditRate::get();
		let mut opened: u32 = 0;
		while draw.next < committed.segments {
			let audited = is_audited(&known.0, draw.next, committed.segments, rate);
			let weight = if audited {
				T::WeightInfo::open_audit()
			} else {
				T::WeightInfo::pass_segment()
			};
			if meter.try_consume(weight).is_err() {
				break;
			}
			if audited {
				Self::open_audit(task, round, &committed.commitment, draw.next, known, now);
				opened = opened.saturating_add(1);
			}
			draw.next = draw.next.saturating_add(1);
		}
		let finished = draw.next >= committed.segments;
		committed.open = committed.open.saturating_add(opened);
		committed.draw = (!finished).then_some(draw);
		if finished {
			Agenda::<T>::remove(draw.wake, item);
		}
		TaskAudit::<T>::mutate(task, |audits| {
			audits.open = audits
				.open
				.saturating_add(opened)
				.saturating_sub(u32::from(finished));
		});
		Commitments::<T>::insert((task, round, slot), committed);
		if opened > 0 {
			T::Market::audits_drawn(task, opened);
		}
		finished
	}
}

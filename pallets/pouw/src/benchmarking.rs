//! Benchmarks of the calls and of the hook's parts, each in its worst case.

use crate::{
	types::{
		AuditDraw, AuditStage, Committed, Contest, DisputeOf, Item, MAX_PARTIES, MAX_VERIFIERS,
	},
	Agenda, Audits, Call, Commitments, Config, Demands, Disputes, Pallet, TaskAudit, MAX_DEMANDS,
};
use alloc::{boxed::Box, vec, vec::Vec};
use codec::{Decode, Encode};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::{
		traits::{fungible::Mutate, Get, Hooks},
		weights::{Weight, WeightMeter},
		BoundedVec,
	},
	frame_system::RawOrigin,
	sp_core::H256,
};
use pouw_dispute::{
	worst::{masks, passages_of_all_kinds, Passage},
	ChallengerMove, DefenderMove, Party, MAX_CHECKPOINTS,
};
use pouw_primitives::{
	demand::Demanded,
	proof::{audit_commitment, two_thirds, AuditAnswer},
	seams::{Market, TicketPool},
	spec::MAX_TRAINERS,
	status::{AuditParty, Commitment},
	ticket::Role,
	AuditId, DisputeId, RoundIndex, Slot, TaskId,
};
use repops::{
	check::{check, Checked, Limits, Role as ProgramRole},
	commit::{
		root_of_top, tensor_root_of_top, tile_leaf, trace_root, Domain, Hash, MerkleProof,
		TILE_BYTES,
	},
	merge::average_program,
	parts::{program_root, show, PartProof},
	program::{Initialiser, OperationKind, StateRole, StateTensor},
	referee::judge,
	shown::ProvenTile,
	tensor::{Shape, TensorType},
};

const ANSWER: AuditAnswer = AuditAnswer {
	digest: H256([1; 32]),
	in_trace: true,
};
const RANDOMNESS: H256 = H256([5; 32]);

/// The segments of the commitments.
const SEGMENTS: u32 = 10;

/// The roots of a round's checkpoints. The last one is what the commitments end with.
fn checkpoints(segments: u32) -> Vec<Hash> {
	vec![[3; 32]; segments as usize + 1]
}

/// A program, of which parts are shown.
fn program() -> Checked {
	let state = [StateTensor {
		name: "weight".into(),
		shape: Shape(vec![1]),
		role: StateRole::Parameter,
		initial: Initialiser::Constant(0f32.into()),
	}];
	let role = ProgramRole::Merge { updates: 1 };
	check(&average_program(&state, 1), role, &Limits::default()).expect("it is a program; qed")
}

/// Puts a commitment there, as the trainer in this place would.
pub(crate) fn put_commitment<T: Config>(
	task: TaskId,
	round: RoundIndex,
	slot: Slot,
	trainer: &T::AccountId,
	available: bool,
) {
	let place = T::Market::trainer(task, round, trainer).ok();
	let commitment = Commitment {
		slot,
		account: trainer.clone(),
		ticket: place.map(|place| place.ticket).unwrap_or_default(),
		trace_root: H256(trace_root(&checkpoints(SEGMENTS))),
		end_root: H256([3; 32]),
		manifest: H256([4; 32]),
		samples: 1_000,
		mean_loss: 0,
		block: Pallet::<T>::now(),
		available,
	};
	Commitments::<T>::insert(
		(task, round, slot),
		Committed {
			commitment,
			segments: SEGMENTS,
			attested: 0,
			draw: None,
			open: 0,
			lapsed: false,
			contest: Contest {
				until: Pallet::<T>::now().saturating_add(100),
				..Contest::default()
			},
		},
	);
}

/// A task whose first round is open and committed to by all trainers but the first; it and the
/// supervisors are returned.
fn open_round<T: Config>(available: bool) -> (TaskId, T::AccountId, Vec<T::AccountId>) {
	open_round_of::<T>(program_root(&program()), available)
}

/// The same where the step program has this root.
fn open_round_of<T: Config>(
	program: Hash,
	available: bool,
) -> (TaskId, T::AccountId, Vec<T::AccountId>) {
	let (task, trainers, supervisors) = T::Market::benchmark_open_round(H256(program));
	for (slot, trainer) in (0..).zip(&trainers).skip(1) {
		put_commitment::<T>(task, 0, slot, trainer, available);
	}
	(task, trainers[0].clone(), supervisors)
}

/// Puts tickets of verifiers into the pool.
fn verifiers<T: Config>() -> Vec<(T::AccountId, u64)> {
	(0..MAX_VERIFIERS)
		.map(|index| {
			let verifier: T::AccountId = account("verifier", index, 0);
			let ticket = T::Tickets::benchmark_ticket(&verifier, Role::Verifier);
			(verifier, ticket)
		})
		.collect()
}

/// An audit of the first trainer's commitment with as many verifiers as it can have.
fn audit<T: Config>() -> (TaskId, AuditId, Vec<T::AccountId>) {
	audit_of::<T>(program_root(&program()))
}

/// The same where the step program has this root.
fn audit_of<T: Config>(program: Hash) -> (TaskId, AuditId, Vec<T::AccountId>) {
	let (task, trainer, _) = open_round_of::<T>(program, true);
	put_commitment::<T>(task, 0, 0, &trainer, true);
	let committed = Commitments::<T>::get((task, 0, 0)).expect("it was put there; qed");
	verifiers::<T>();
	let now = Pallet::<T>::now();
	let id = crate::NextAudit::<T>::get();
	let known = (RANDOMNESS, now);
	Pallet::<T>::open_audit(task, 0, &committed.commitment, 0, known, now);
	let audit = Audits::<T>::get(id).expect("it was opened; qed");
	Pallet::<T>::seek(id, audit, known, now);
	Commitments::<T>::insert(
		(task, 0, 0),
		Committed {
			open: 1,
			..committed
		},
	);
	TaskAudit::<T>::mutate(task, |audits| audits.open = 1);
	let audit = Audits::<T>::get(id).expect("it was opened; qed");
	let parties = audit
		.parties
		.iter()
		.map(|party| party.account.clone())
		.collect();
	(task, id, parties)
}

/// Lets all parties of an audit reveal the same, but one that has only committed to it.
fn all_revealed<T: Config>(id: AuditId, but: Option<&T::AccountId>) {
	Audits::<T>::mutate(id, |audit| {
		let audit = audit.as_mut().expect("it was opened; qed");
		let until = Pallet::<T>::now().saturating_add(100);
		audit.stage = AuditStage::Revealing { until };
		for party in audit.parties.iter_mut() {
			party.commitment = Some(audit_commitment(&party.account, id, &ANSWER));
			party.answer = (but != Some(&party.account)).then_some(ANSWER);
		}
	});
}

/// Whoever challenges.
fn challenger<T: Config>() -> T::AccountId {
	let challenger: T::AccountId = account("challenger", 0, 0);
	let purse = T::ChallengeBond::get().saturating_add(1_000_000_000_000_000);
	T::Currency::set_balance(&challenger, purse);
	challenger
}

/// A dispute about a commitment of the first trainer to so many segments, one of which was audited by as many
/// verifiers as can be; and its parties.
fn dispute<T: Config>(segments: u32) -> (TaskId, DisputeId, T::AccountId, T::AccountId) {
	dispute_of::<T>(program_root(&program()), segments)
}

/// The same where the step program has this root.
fn dispute_of<T: Config>(
	program: Hash,
	segments: u32,
) -> (TaskId, DisputeId, T::AccountId, T::AccountId) {
	let (task, id, parties) = audit_of::<T>(program);
	all_revealed::<T>(id, None);
	Commitments::<T>::mutate((task, 0, 0), |committed| {
		let committed = committed.as_mut().expect("it was put there; qed");
		committed.segments = segments;
		committed.commitment.trace_root = H256(trace_root(&checkpoints(segments)));
	});
	let (trainer, challenger) = (parties[0].clone(), challenger::<T>());
	Pallet::<T>::do_challenge(task, 0, 0, challenger.clone()).expect("it can be challenged; qed");
	(task, 0, trainer, challenger)
}

/// Whoever demands something.
fn demander<T: Config>(nth: u32) -> T::AccountId {
	let demander: T::AccountId = account("demander", nth, 0);
	let purse = T::ChallengeBond::get().saturating_add(1_000_000_000_000_000);
	T::Currency::set_balance(&demander, purse);
	demander
}

/// The first tile of the first checkpoint of the first trainer's round.
const WHAT: Demanded = Demanded::Checkpoint {
	round: 0,
	slot: 0,
	checkpoint: 0,
	tensor: 0,
	tile: 0,
};

/// A commitment that the first supervisor has attested and that can be challenged; and the supervisor.
fn attested<T: Config>() -> (TaskId, T::AccountId) {
	let (task, _, _) = audit::<T>();
	let supervision = T::Market::supervision(task, 0).expect("the place is held; qed");
	Commitments::<T>::mutate((task, 0, 0), |committed| {
		committed.as_mut().expect("it was put there; qed").attested = 1;
	});
	Pallet::<T>::note_attested(task, 0, (0, supervision.ticket), 1);
	(task, supervision.account)
}

fn demand<T: Config>(task: TaskId, nth: u32) {
	let demander = demander::<T>(nth);
	Pallet::<T>::do_demand(task, 0, WHAT, demander).expect("it can be demanded; qed");
}

/// A tile under so many levels in its tensor and in the state, and the root of a trace with it.
fn proven_tile(in_tensor: u32, in_state: u32) -> (ProvenTile, Hash) {
	let proof = |levels: u32| MerkleProof {
		siblings: vec![[2; 32]; levels as usize],
	};
	let down = in_tensor / 2;
	let shape = Shape(vec![32 << down, 32 << (in_tensor - down)]);
	let shown = ProvenTile {
		kind: TensorType::f32(shape),
		tensors: 1 << in_state,
		bytes: [7; TILE_BYTES].into(),
		in_tensor: proof(in_tensor),
		in_state: proof(in_state),
		in_trace: MerkleProof::default(),
	};
	let all = "the way is as long as the tree is high; qed";
	let leaf = tile_leaf(&shown.bytes);
	let top = shown.in_tensor.top(1 << in_tensor, 0, &leaf).expect(all);
	let tensor = tensor_root_of_top(&shown.kind, &top);
	let top = shown.in_state.top(shown.tensors, 0, &tensor).expect(all);
	let state = root_of_top(Domain::State, shown.tensors, &top);
	let mut checkpoints = checkpoints(SEGMENTS);
	checkpoints[0] = state;
	let shown = shown.of_checkpoint(&checkpoints, 0);
	(
		shown.expect("there is such a checkpoint; qed"),
		trace_root(&checkpoints),
	)
}

fn parts() -> Vec<PartProof> {
	show(&program(), [])
}

/// The worst passages of the kinds of operations that are asked for.
fn passages(asked: impl Fn(&OperationKind) -> bool) -> Vec<Passage> {
	let mut all = passages_of_all_kinds();
	all.retain(|passage| asked(&passage.kind));
	assert!(!all.is_empty());
	all
}

/// The referee's word on each of these passages. A benchmark of several has the weight of all of them, which is more
/// than that of any.
fn judge_all(passages: &[Passage]) {
	for passage in passages {
		let Passage {
			kind,
			operands,
			question,
			before,
			after,
			evidence,
		} = passage;
		let judged = judge(kind, operands, *question, *before, evidence);
		assert_eq!(judged, Ok(*after));
	}
}

fn serve<T: Config>() {
	Pallet::<T>::on_poll(
		Default::default(),
		&mut WeightMeter::with_limit(Weight::MAX),
	);
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn commit_round() {
		let (task, trainer, _) = open_round::<T>(true);
		let root = H256([1; 32]);
		let base = T::Market::trainer(task, 0, &trainer)
			.map(|place| place.record)
			.unwrap_or_default();

		#[extrinsic_call]
		_(
			RawOrigin::Signed(trainer),
			task,
			0,
			base,
			root,
			root,
			root,
			1_000,
			0,
		);

		assert!(Commitments::<T>::contains_key((task, 0, 0)));
	}

	/// The supervisor that makes two thirds, so that the round is sealed.
	#[benchmark]
	fn attest_available(s: Linear<1, { MAX_TRAINERS as u32 }>) {
		let (task, trainer, supervisors) = open_round::<T>(true);
		put_commitment::<T>(task, 0, 0, &trainer, true);
		let before = two_thirds(supervisors.len() as u32) - 1;
		let slots: Vec<Slot> = (0..s as Slot).collect();
		for slot in &slots {
			Commitments::<T>::mutate((task, 0, *slot), |committed| {
				let committed = committed.as_mut().expect("it was put there; qed");
				committed.commitment.available = false;
				committed.attested = (1u16 << before) - 1;
			});
		}
		let others = (s as Slot..MAX_TRAINERS).fold(0, |places, slot| places | (1u16 << slot));
		T::Market::commitments_available(task, 0, others);
		let last = supervisors[supervisors.len() - 1].clone();

		#[extrinsic_call]
		_(
			RawOrigin::Signed(last),
			task,
			0,
			BoundedVec::truncate_from(slots),
		);

		assert!(Commitments::<T>::get((task, 0, 0)).is_some_and(|c| c.commitment.available));
	}

	/// The first supervisor of several, so that nothing becomes available.
	#[benchmark]
	fn attest_available_early(s: Linear<1, { MAX_TRAINERS as u32 }>) {
		let (task, trainer, supervisors) = open_round::<T>(false);
		put_commitment::<T>(task, 0, 0, &trainer, false);
		let slots: Vec<Slot> = (0..s as Slot).collect();
		let first = supervisors[0].clone();

		#[extrinsic_call]
		attest_available(
			RawOrigin::Signed(first),
			task,
			0,
			BoundedVec::truncate_from(slots),
		);

		assert!(Commitments::<T>::get((task, 0, 0)).is_some_and(|c| c.attested != 0));
	}

	/// The last one, so that answers are revealed.
	#[benchmark]
	fn commit_audit() {
		let (_, id, parties) = audit::<T>();
		Audits::<T>::mutate(id, |audit| {
			for party in audit
				.as_mut()
				.expect("it was opened; qed")
				.parties
				.iter_mut()
				.skip(1)
			{
				party.commitment = Some(H256::zero());
			}
		});

		#[extrinsic_call]
		_(RawOrigin::Signed(parties[0].clone()), id, H256::zero());

		assert!(Audits::<T>::get(id)
			.is_some_and(|audit| matches!(audit.stage, AuditStage::Revealing { .. })));
	}

	/// The last one, so that the audit moves in the agenda.
	#[benchmark]
	fn reveal_audit() {
		let (_, id, parties) = audit::<T>();
		all_revealed::<T>(id, Some(&parties[0]));

		#[extrinsic_call]
		_(RawOrigin::Signed(parties[0].clone()), id, ANSWER);

		assert!(Audits::<T>::get(id).is_some_and(|audit| audit.all_revealed()));
	}

	#[benchmark]
	fn poll() {
		#[block]
		{
			serve::<T>();
		}
	}

	/// An entry of an audit that is there no more.
	#[benchmark]
	fn agenda_entry() {
		let now = Pallet::<T>::now();
		let item = Item::Audit {
			audit: AuditId::MAX,
		};
		Agenda::<T>::insert(now, item, ());
		#[block]
		{
			serve::<T>();
		}
		assert!(!Agenda::<T>::contains_key(now, item));
	}

	/// The draw of a commitment that has no segment left to look at.
	#[benchmark]
	fn draw() {
		let (task, trainer, _) = open_round::<T>(true);
		put_commitment::<T>(task, 0, 0, &trainer, true);
		let mut committed = Commitments::<T>::get((task, 0, 0)).expect("it was put there; qed");
		let now = Pallet::<T>::now();
		let next = committed.segments;
		let randomness = Some((RANDOMNESS, now));
		committed.draw = Some(AuditDraw {
			asked: now,
			wake: now,
			randomness,
			next,
		});
		TaskAudit::<T>::mutate(task, |audits| audits.open = 1);
		let mut meter = WeightMeter::with_limit(Weight::MAX);
		#[block]
		{
			Pallet::<T>::draw_audits(committed, task, 0, now, &mut meter);
		}
		assert!(Commitments::<T>::get((task, 0, 0)).is_some_and(|c| c.draw.is_none()));
	}

	#[benchmark]
	fn pass_segment() {
		#[block]
		{
			crate::is_audited(&RANDOMNESS, 1, 1_024, T::AuditRate::get());
		}
	}

	#[benchmark]
	fn open_audit() {
		let (task, trainer, _) = open_round::<T>(true);
		put_commitment::<T>(task, 0, 0, &trainer, true);
		let committed = Commitments::<T>::get((task, 0, 0)).expect("it was put there; qed");
		let now = Pallet::<T>::now();
		let id = crate::NextAudit::<T>::get();
		#[block]
		{
			Pallet::<T>::open_audit(task, 0, &committed.commitment, 0, (RANDOMNESS, now), now);
		}
		assert!(Audits::<T>::contains_key(id));
	}

	/// Verifiers for an audit whose last ones are all that there are.
	#[benchmark]
	fn seek_verifiers() {
		let (task, trainer, _) = open_round::<T>(true);
		put_commitment::<T>(task, 0, 0, &trainer, true);
		let committed = Commitments::<T>::get((task, 0, 0)).expect("it was put there; qed");
		let verifiers = verifiers::<T>();
		let now = Pallet::<T>::now();
		let known = (RANDOMNESS, now);
		let id = crate::NextAudit::<T>::get();
		Pallet::<T>::open_audit(task, 0, &committed.commitment, 0, known, now);
		let mut audit = Audits::<T>::get(id).expect("it was opened; qed");
		audit.parties = BoundedVec::truncate_from(
			verifiers
				.into_iter()
				.chain([(trainer, 0)])
				.rev()
				.take(MAX_PARTIES as usize)
				.map(|(account, ticket)| AuditParty {
					account,
					ticket,
					commitment: None,
					answer: None,
				})
				.collect(),
		);
		#[block]
		{
			Pallet::<T>::seek(id, audit, known, now);
		}
		assert!(Audits::<T>::get(id)
			.is_some_and(|audit| matches!(audit.stage, AuditStage::Committing { .. })));
	}

	/// The deadline of an audit that is accepted, with all the verifiers that it can have.
	#[benchmark]
	fn end_audit() {
		let (_, id, _) = audit::<T>();
		all_revealed::<T>(id, None);
		let mut audit = Audits::<T>::get(id).expect("it was opened; qed");
		Agenda::<T>::remove(audit.wake, Item::Audit { audit: id });
		audit.wake = 0;
		audit.stage = AuditStage::Revealing { until: 0 };
		let now = Pallet::<T>::now().saturating_add(1);
		#[block]
		{
			Pallet::<T>::audit_due(id, audit, now);
		}
		assert!(Audits::<T>::get(id).is_some_and(|audit| audit.stage.is_held()));
	}

	#[benchmark]
	fn challenge() {
		let (task, _, _) = audit::<T>();
		let challenger = challenger::<T>();

		#[extrinsic_call]
		_(RawOrigin::Signed(challenger), task, 0, 0);

		assert!(Disputes::<T>::contains_key(0));
	}

	/// A trace of so many bytes.
	#[benchmark]
	fn defend_dispute(b: Linear<128, 32_800>) {
		let segments = b / 32 - 1;
		let (_, id, trainer, _) = dispute::<T>(segments);
		let made = Box::new(DefenderMove::Trace(checkpoints(segments)));

		#[extrinsic_call]
		_(RawOrigin::Signed(trainer), id, parts(), made);

		assert!(Disputes::<T>::get(id)
			.is_some_and(|dispute| dispute.game.to_move() == Party::Challenger));
	}

	/// Evidence of about so many bytes: a count of masks that lie in as many tiles.
	#[benchmark]
	fn pursue_dispute(b: Linear<9_000, 160_000>) {
		let last = masks(b / 4_850).last_move();
		let (_, id, _, challenger) = dispute_of::<T>(last.program, SEGMENTS);
		Disputes::<T>::mutate(id, |dispute| {
			dispute.as_mut().expect("it was opened; qed").game = last.dispute;
		});

		#[extrinsic_call]
		_(
			RawOrigin::Signed(challenger),
			id,
			last.parts,
			Box::new(last.made),
		);

		assert!(Disputes::<T>::get(id)
			.is_some_and(|dispute| dispute.proven_wrong == Some(Party::Challenger)));
	}

	/// What the checkpoint that is wrong is named in.
	#[benchmark]
	fn read_trace() {
		let segments = MAX_CHECKPOINTS - 1;
		let (_, id, trainer, _) = dispute::<T>(segments);
		let made = DefenderMove::Trace(checkpoints(segments));
		Pallet::<T>::do_defend(id, &trainer, &parts(), made).expect("it is its trace; qed");
		let stored = Disputes::<T>::get(id).encode();
		let read;
		#[block]
		{
			read = Option::<DisputeOf<T>>::decode(&mut &stored[..]).ok();
		}
		assert_eq!(read, Some(Disputes::<T>::get(id)));
	}

	/// The dearest of the operations whose elements are made of a few others.
	#[benchmark]
	fn judge_element() {
		let passages = passages(|kind| matches!(kind, OperationKind::Select));
		#[block]
		{
			judge_all(&passages);
		}
	}

	#[benchmark]
	fn judge_batch_rows() {
		let passages = passages(|kind| matches!(kind, OperationKind::BatchRows { .. }));
		#[block]
		{
			judge_all(&passages);
		}
	}

	#[benchmark]
	fn judge_matrix_product() {
		let passages = passages(|kind| matches!(kind, OperationKind::MatMul { .. }));
		let worst = &passages[passages.len() - 1..];
		#[block]
		{
			judge_all(worst);
		}
	}

	/// Over the last axis; and of rows, the dearest of all sums.
	#[benchmark]
	fn judge_sum() {
		let passages = passages(|kind| {
			matches!(
				kind,
				OperationKind::Sum { axis: 3 } | OperationKind::ScatterRows { .. }
			)
		});
		#[block]
		{
			judge_all(&passages);
		}
	}

	/// Over an outer axis.
	#[benchmark]
	fn judge_max() {
		let passages = passages(|kind| matches!(kind, OperationKind::Max { axis: 0 }));
		#[block]
		{
			judge_all(&passages);
		}
	}

	/// Over an outer axis, and over the last.
	#[benchmark]
	fn judge_arg_max() {
		let passages = passages(|kind| matches!(kind, OperationKind::ArgMax { .. }));
		#[block]
		{
			judge_all(&passages);
		}
	}

	#[benchmark]
	fn judge_count() {
		let passages = passages(|kind| matches!(kind, OperationKind::CountNonzero));
		#[block]
		{
			judge_all(&passages);
		}
	}

	/// The trainer was proven wrong about a segment that all verifiers have approved.
	#[benchmark]
	fn end_dispute() {
		let (_, id, trainer, challenger) = dispute::<T>(SEGMENTS);
		let made = DefenderMove::Trace(checkpoints(SEGMENTS));
		Pallet::<T>::do_defend(id, &trainer, &parts(), made).expect("it is its trace; qed");
		Pallet::<T>::do_pursue(id, &challenger, &parts(), ChallengerMove::Part(1))
			.expect("there is such a segment; qed");
		let mut dispute = Disputes::<T>::get(id).expect("it was opened; qed");
		Agenda::<T>::remove(dispute.wake, Item::Dispute { dispute: id });
		dispute.wake = 0;
		dispute.proven_wrong = Some(Party::Defender);
		let now = Pallet::<T>::now();
		#[block]
		{
			Pallet::<T>::dispute_due(id, dispute, now);
		}
		assert!(!Disputes::<T>::contains_key(id));
		assert!(!Commitments::<T>::contains_key((0, 0, 0)));
	}

	#[benchmark]
	fn demand_shown() {
		let (task, _) = attested::<T>();
		demand::<T>(task, 0);
		let demander = demander::<T>(1);

		#[extrinsic_call]
		_(RawOrigin::Signed(demander), task, 0, WHAT);

		assert!(Demands::<T>::contains_key(1));
	}

	/// A tile with proofs of so many bytes.
	#[benchmark]
	fn show(b: Linear<4_200, 6_200>) {
		let (task, supervisor) = attested::<T>();
		let siblings = (b - 4_200) / 32;
		let in_tensor = siblings.min(31);
		let (shown, trace) = proven_tile(in_tensor, siblings - in_tensor);
		Commitments::<T>::mutate((task, 0, 0), |committed| {
			let committed = committed.as_mut().expect("it was put there; qed");
			committed.commitment.trace_root = H256(trace);
		});
		demand::<T>(task, 0);

		#[extrinsic_call]
		_(RawOrigin::Signed(supervisor), 0, Box::new(shown));

		assert!(Demands::<T>::get(0).is_some_and(|demand| demand.shown));
	}

	/// A supervisor shows nothing, of which as many demand it as may.
	#[benchmark]
	fn end_demand() {
		let (task, _) = attested::<T>();
		(0..MAX_DEMANDS).for_each(|nth| demand::<T>(task, nth));
		let mut demand = Demands::<T>::get(0).expect("it was opened; qed");
		Agenda::<T>::remove(demand.wake, Item::Demand { demand: 0 });
		demand.wake = 0;
		let now = demand.until.saturating_add(1);
		#[block]
		{
			Pallet::<T>::demand_due(0, demand, now);
		}
		assert!(Demands::<T>::iter_keys().next().is_none());
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}

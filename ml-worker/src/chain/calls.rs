//! The calls that workers and clients make.
//!
//! Arguments are encoded by the types of `pouw-primitives`; that the runtime's metadata says the same is
//! checked when the connection is made, and by a test against the metadata that this program knows.

use codec::{Compact, Encode};
use polkadot_sdk::sp_core::H256;
use pouw_dispute::{ChallengerMove, DefenderMove};
use pouw_primitives::{
	demand::Demanded,
	proof::{AuditAnswer, WrongScore},
	spec::TaskSpec,
	status::SpecVerdict,
	ticket::{Capabilities, Endpoint, Role},
	AuditId, Balance, DemandId, DisputeId, RoundIndex, Slot, TaskId, TicketId,
};
use repops::{parts::PartProof, shown::ProvenTile};
use std::fmt;
use subxt::{
	ext::{
		scale_encode::{EncodeAsFields, Error, FieldIter},
		scale_type_resolver::TypeResolver,
	},
	tx::Payload,
};

const TICKETS: &str = "Tickets";
const TASKS: &str = "MlTasks";
pub(super) const PROOFS: &str = "Pouw";

/// The calls that are made, by pallet and name.
pub(super) const CALLS: &[(&str, &str)] = &[
	(TICKETS, "buy_ticket"),
	(TICKETS, "retire_ticket"),
	(TICKETS, "update_endpoint"),
	(TASKS, "submit_task"),
	(TASKS, "cancel_task"),
	(TASKS, "accept_assignment"),
	(TASKS, "attest_spec"),
	(TASKS, "reveal_test"),
	(TASKS, "attest_test"),
	(TASKS, "commit_evaluation"),
	(TASKS, "reveal_evaluation"),
	(PROOFS, "commit_round"),
	(PROOFS, "attest_available"),
	(PROOFS, "commit_audit"),
	(PROOFS, "reveal_audit"),
	(PROOFS, "challenge"),
	(PROOFS, "defend_dispute"),
	(PROOFS, "pursue_dispute"),
	(PROOFS, "challenge_score"),
	(PROOFS, "demand_shown"),
	(PROOFS, "show"),
];

/// A call of the runtime with its arguments.
#[derive(Clone, Debug)]
pub struct Call {
	pallet: &'static str,
	name: &'static str,
	arguments: Encoded,
}

impl Call {
	fn new(pallet: &'static str, name: &'static str, arguments: impl Encode) -> Self {
		Call {
			pallet,
			name,
			arguments: Encoded(arguments.encode()),
		}
	}

	/// The call's name without its pallet's.
	pub fn name(&self) -> &'static str {
		self.name
	}

	/// Buys a ticket for at most `max_price`.
	pub fn buy_ticket(
		role: Role,
		capabilities: &Capabilities,
		endpoint: &Endpoint,
		max_price: Balance,
	) -> Self {
		Call::new(
			TICKETS,
			"buy_ticket",
			(role, capabilities, endpoint, Compact(max_price)),
		)
	}

	/// Gives a ticket back.
	pub fn retire_ticket(ticket: TicketId) -> Self {
		Call::new(TICKETS, "retire_ticket", Compact(ticket))
	}

	/// Says where a ticket's blobs are served.
	pub fn update_endpoint(ticket: TicketId, endpoint: &Endpoint) -> Self {
		Call::new(TICKETS, "update_endpoint", (Compact(ticket), endpoint))
	}

	/// Orders a training run.
	pub fn submit_task(spec: &TaskSpec) -> Self {
		Call::new(TASKS, "submit_task", spec)
	}

	/// Withdraws a task that has not begun.
	pub fn cancel_task(task: TaskId) -> Self {
		Call::new(TASKS, "cancel_task", Compact(task))
	}

	/// Takes the place that a ticket was drawn for.
	pub fn accept_assignment(task: TaskId, ticket: TicketId) -> Self {
		Call::new(TASKS, "accept_assignment", (Compact(task), Compact(ticket)))
	}

	/// Says what a supervisor found of a specification.
	pub fn attest_spec(task: TaskId, verdict: SpecVerdict) -> Self {
		Call::new(TASKS, "attest_spec", (Compact(task), verdict))
	}

	/// Says that the hidden segments are served now.
	pub fn reveal_test(task: TaskId) -> Self {
		Call::new(TASKS, "reveal_test", Compact(task))
	}

	/// Says what the revealed segments make; none if they are not those that were committed to.
	pub fn attest_test(task: TaskId, tensor: Option<H256>) -> Self {
		Call::new(TASKS, "attest_test", (Compact(task), tensor))
	}

	/// Commits to a score.
	pub fn commit_evaluation(task: TaskId, commitment: H256) -> Self {
		Call::new(TASKS, "commit_evaluation", (Compact(task), commitment))
	}

	/// Reveals a score.
	pub fn reveal_evaluation(task: TaskId, correct: u32, state_root: H256, salt: H256) -> Self {
		Call::new(
			TASKS,
			"reveal_evaluation",
			(Compact(task), correct, state_root, salt),
		)
	}

	/// Commits to a trainer's round. `base` is the task's record that the round starts from: on a chain
	/// where it starts from something else, the call has no effect.
	#[allow(clippy::too_many_arguments)] // They are the call's own.
	pub fn commit_round(
		task: TaskId,
		round: RoundIndex,
		base: H256,
		trace_root: H256,
		end_root: H256,
		manifest: H256,
		samples: u64,
		mean_loss: u32,
	) -> Self {
		let of = (Compact(task), Compact(round), base);
		let result = (trace_root, end_root, manifest, Compact(samples), mean_loss);
		Call::new(PROOFS, "commit_round", (of, result))
	}

	/// Says which trainers' checkpoints a supervisor holds.
	pub fn attest_available(task: TaskId, round: RoundIndex, slots: &[Slot]) -> Self {
		Call::new(
			PROOFS,
			"attest_available",
			(Compact(task), Compact(round), slots),
		)
	}

	/// Commits to the answer to an audit.
	pub fn commit_audit(audit: AuditId, commitment: H256) -> Self {
		Call::new(PROOFS, "commit_audit", (Compact(audit), commitment))
	}

	/// Reveals the answer to an audit.
	pub fn reveal_audit(audit: AuditId, answer: AuditAnswer) -> Self {
		Call::new(PROOFS, "reveal_audit", (Compact(audit), answer))
	}

	/// Says that a trainer's commitment to a round is wrong.
	pub fn challenge(task: TaskId, round: RoundIndex, slot: Slot) -> Self {
		Call::new(
			PROOFS,
			"challenge",
			(Compact(task), Compact(round), Compact(slot)),
		)
	}

	/// Says that the score which evaluators have agreed on is wrong, to one of them.
	pub fn challenge_score(
		task: TaskId,
		slot: Slot,
		wrong: WrongScore,
		parts: &[PartProof],
	) -> Self {
		let of = (Compact(task), Compact(slot));
		Call::new(PROOFS, "challenge_score", (of, wrong, parts))
	}

	/// Makes a defender's move. `parts` are those of the step program that the move is judged by.
	pub fn defend_dispute(dispute: DisputeId, parts: &[PartProof], made: &DefenderMove) -> Self {
		Call::new(PROOFS, "defend_dispute", (Compact(dispute), parts, made))
	}

	/// Makes a challenger's move. `parts` are those of the step program that the move is judged by.
	pub fn pursue_dispute(dispute: DisputeId, parts: &[PartProof], made: &ChallengerMove) -> Self {
		Call::new(PROOFS, "pursue_dispute", (Compact(dispute), parts, made))
	}

	/// Demands that the supervisor in this place show what it has attested.
	pub fn demand_shown(task: TaskId, supervisor: Slot, what: &Demanded) -> Self {
		Call::new(
			PROOFS,
			"demand_shown",
			(Compact(task), Compact(supervisor), what),
		)
	}

	/// Shows what was demanded.
	pub fn show(demand: DemandId, shown: &ProvenTile) -> Self {
		Call::new(PROOFS, "show", (Compact(demand), shown))
	}
}

/// Arguments in their encoding.
#[derive(Clone, Debug)]
pub struct Encoded(Vec<u8>);

impl EncodeAsFields for Encoded {
	fn encode_as_fields_to<R: TypeResolver>(
		&self,
		_: &mut dyn FieldIter<'_, R::TypeId>,
		_: &R,
		out: &mut Vec<u8>,
	) -> Result<(), Error> {
		out.extend_from_slice(&self.0);
		Ok(())
	}
}

impl Payload for Call {
	type CallData = Encoded;

	fn pallet_name(&self) -> &str {
		self.pallet
	}

	fn call_name(&self) -> &str {
		self.name
	}

	fn call_data(&self) -> &Encoded {
		&self.arguments
	}
}

impl fmt::Display for Call {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{}.{}", self.pallet, self.name)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::chain::known::metadata;
	use codec::Decode;
	use pouw_dispute::OperandRoot;
	use repops::{
		commit::{MerkleProof, TILE_BYTES},
		parts::{Part, Place},
		program::{Operation, OperationKind},
		referee::{Evidence, TileProof},
		tensor::{Tensor, TensorType},
	};
	use subxt::ext::scale_value::scale::decode_as_type;

	/// One of each call.
	fn samples() -> Vec<Call> {
		// Zeros are a valid encoding of a specification: empty lists and the first variant of every choice.
		let spec = TaskSpec::decode(&mut &[0; 1024][..]).unwrap();
		let endpoint = spec.endpoint.clone();
		let hash = H256::repeat_byte(7);
		let answer = AuditAnswer {
			digest: hash,
			in_trace: true,
		};
		let proof = MerkleProof {
			siblings: vec![[1; 32], [2; 32]],
		};
		let parts = [PartProof {
			place: Place::Operation(300),
			part: Part::Operation(
				Operation {
					kind: OperationKind::Sum { axis: 1 },
					operands: vec![7],
				},
				TensorType::f32([3, 1]),
			),
			proof: proof.clone(),
		}];
		let values = DefenderMove::Values {
			top: [3; 32],
			proof: proof.clone(),
		};
		let evidence = ChallengerMove::Evidence {
			operands: vec![OperandRoot {
				root: [4; 32],
				proof: proof.clone(),
			}],
			tiles: Evidence {
				tiles: vec![TileProof {
					operand: 0,
					tile: 300,
					bytes: [5; TILE_BYTES].into(),
					proof,
				}],
			},
		};
		let shown = ProvenTile::new(&[&Tensor::f32([1], vec![1.0]).unwrap()], 0, 0).unwrap();
		vec![
			Call::buy_ticket(Role::Verifier, &Capabilities::default(), &endpoint, 1 << 70),
			Call::retire_ticket(300),
			Call::update_endpoint(300, &endpoint),
			Call::submit_task(&spec),
			Call::cancel_task(300),
			Call::accept_assignment(1, 300),
			Call::attest_spec(
				1,
				SpecVerdict::Good {
					training_tensor: Some(hash),
				},
			),
			Call::reveal_test(1),
			Call::attest_test(1, Some(hash)),
			Call::commit_evaluation(1, hash),
			Call::reveal_evaluation(1, 300, hash, hash),
			Call::commit_round(1, 300, hash, hash, hash, hash, 1 << 40, 5),
			Call::attest_available(1, 300, &[0, 15]),
			Call::commit_audit(300, hash),
			Call::reveal_audit(300, answer),
			Call::challenge(1, 300, 15),
			Call::defend_dispute(300, &parts, &values),
			Call::pursue_dispute(300, &parts, &evidence),
			Call::challenge_score(1, 15, WrongScore::Correct, &parts),
			Call::demand_shown(
				1,
				7,
				&Demanded::TrainingData {
					tensor: 1,
					tile: 300,
				},
			),
			Call::show(300, &shown),
		]
	}

	#[test]
	fn arguments_are_what_the_metadata_says() {
		for call in samples() {
			let pallet = metadata().pallet_by_name(call.pallet).unwrap();
			let variant = pallet.call_variant_by_name(call.name).unwrap();
			let mut bytes = &call.arguments.0[..];
			for field in &variant.fields {
				decode_as_type(&mut bytes, field.ty.id, metadata().types())
					.unwrap_or_else(|error| panic!("{call}, {:?}: {error}", field.name));
			}
			assert!(
				bytes.is_empty(),
				"{call}: {} bytes are left over",
				bytes.len()
			);
		}
	}

	#[test]
	fn every_call_is_checked_at_the_start() {
		let made: Vec<(&str, &str)> = samples()
			.iter()
			.map(|call| (call.pallet, call.name))
			.collect();
		assert_eq!(made, CALLS);
	}
}

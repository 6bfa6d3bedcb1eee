//! Whole computations in memory, right ones and others, and the playing of a dispute.
#![allow(
	dead_code,
	reason = "each test that includes this file uses a part of it"
)]

use pouw_dispute::{
	challenge, defend, ChallengerMove, Computation, DefenderMove, Dispute, Facts, Outcome, Party,
	Position, Subject,
};
use repops::{
	check::Checked,
	commit::{state_root, tensor_root, Hash, TILE_BYTES},
	initial::initial_state,
	interpret::Bindings,
	kernel,
	parts::{program_root, AskedParts, ShownParts},
	program::{Target, ValueId},
	tensor::{Elements, Tensor},
};

/// One element that comes out wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
	pub(crate) step: u64,
	pub(crate) operation: usize,
	pub(crate) element: usize,
	/// The bits that are flipped; not 0.
	pub(crate) flip: u32,
}

/// All values of all steps.
pub(crate) struct Recorded {
	states: Vec<Vec<Tensor>>,
	values: Vec<Vec<Tensor>>,
	updates: Vec<Vec<Tensor>>,
}

pub(crate) fn flip(tensor: &mut Tensor, element: usize, bits: u32) {
	match &mut tensor.elements {
		Elements::F32(elements) => {
			elements[element] = f32::from_bits(elements[element].to_bits() ^ bits)
		}
		Elements::U32(elements) => elements[element] ^= bits,
	}
}

impl Recorded {
	/// Runs the program so many times, each on the state that the run before has left, for consecutive
	/// batches.
	pub(crate) fn run(
		program: &Checked,
		bindings: &Bindings,
		steps: u64,
		fault: Option<Fault>,
	) -> Self {
		let mut recorded = Recorded {
			states: vec![bindings.state.to_vec()],
			values: vec![],
			updates: bindings.updates.to_vec(),
		};
		for step in 0..steps {
			let state = recorded.states.last().unwrap().clone();
			let bindings = Bindings {
				state: &state,
				position: bindings.position + step,
				..*bindings
			};
			let source = program.program();
			let mut values: Vec<Tensor> = source
				.inputs
				.iter()
				.map(|input| bindings.get(input.source).unwrap().into_owned())
				.collect();
			for (index, operation) in source.operations.iter().enumerate() {
				let operands: Vec<&Tensor> = operation
					.operands
					.iter()
					.map(|value| &values[*value as usize])
					.collect();
				let mut result = kernel::apply(&operation.kind, &operands).unwrap();
				if let Some(fault) = fault.filter(|at| (at.step, at.operation) == (step, index)) {
					flip(&mut result, fault.element, fault.flip);
				}
				values.push(result);
			}
			let output = |tensor| {
				let mut outputs = source.outputs.iter();
				let found = outputs.find(|output| output.target == Target::State(tensor));
				found.map(|output| values[output.value as usize].clone())
			};
			let next = (0..source.state.len() as u16).map_while(output).collect();
			recorded.states.push(next);
			recorded.values.push(values);
		}
		recorded
	}

	/// The initial state, maybe with one wrong element.
	pub(crate) fn initial(
		program: &Checked,
		seed: &repops::random::Seed,
		wrong: Option<Fault>,
	) -> Self {
		let mut state = initial_state(program.program(), seed);
		if let Some(fault) = wrong {
			flip(&mut state[fault.operation], fault.element, fault.flip);
		}
		Recorded {
			states: vec![vec![], state],
			values: vec![],
			updates: vec![],
		}
	}

	pub(crate) fn root(&self, steps: usize) -> Hash {
		state_root(&self.states[steps])
	}

	pub(crate) fn state(&self, steps: usize) -> &[Tensor] {
		&self.states[steps]
	}

	/// The value of an output of the only step.
	pub(crate) fn output(&self, program: &Checked, target: Target) -> &Tensor {
		let outputs = &program.program().outputs;
		let output = outputs.iter().find(|output| output.target == target);
		&self.values[0][output.unwrap().value as usize]
	}

	pub(crate) fn result(&self, step: u64, inputs: usize, operation: usize) -> &Tensor {
		&self.values[step as usize][inputs + operation]
	}
}

fn roots(tensors: &[Tensor]) -> Vec<Hash> {
	tensors.iter().map(tensor_root).collect()
}

/// A computation with what its program says of it.
pub(crate) struct Side<'a> {
	pub(crate) program: &'a Checked,
	pub(crate) recorded: &'a Recorded,
}

impl Computation for Side<'_> {
	type Error = std::convert::Infallible;

	fn state_root(&mut self, steps: u64) -> Result<Hash, Self::Error> {
		Ok(self.recorded.root(steps as usize))
	}

	fn tensor_roots_before(&mut self, step: u64) -> Result<Vec<Hash>, Self::Error> {
		Ok(roots(&self.recorded.states[step as usize]))
	}

	fn tensor_roots_after(&mut self, step: u64) -> Result<Vec<Hash>, Self::Error> {
		Ok(roots(&self.recorded.states[step as usize + 1]))
	}

	fn tensor_roots_of_update(&mut self, update: u16) -> Result<Vec<Hash>, Self::Error> {
		Ok(roots(&self.recorded.updates[usize::from(update)]))
	}

	fn result_roots(&mut self, step: u64) -> Result<Vec<Hash>, Self::Error> {
		let inputs = self.program.program().inputs.len();
		Ok(roots(&self.recorded.values[step as usize][inputs..]))
	}

	fn value(&mut self, step: u64, value: ValueId) -> Result<Tensor, Self::Error> {
		Ok(self.recorded.values[step as usize][value as usize].clone())
	}

	fn initial(&mut self, tensor: u16) -> Result<Tensor, Self::Error> {
		Ok(self.recorded.states[1][usize::from(tensor)].clone())
	}
}

/// What a game came to.
#[derive(Debug)]
pub(crate) struct Played {
	pub(crate) loser: Party,
	pub(crate) moves: u32,
	/// Bytes of all moves.
	pub(crate) bytes: usize,
	/// Where it was narrowed to.
	pub(crate) last: Position,
}

/// Who makes a party's moves: its own, or others that it likes better.
pub(crate) type Strategy<'a, M> = dyn FnMut(&Dispute, Option<M>) -> Option<M> + 'a;

/// A party that doesn't move, or whose moves are refused, loses by the clock. Each move is judged by the
/// program's root and the few parts that the move asks for, as the chain does.
pub(crate) struct Game<'a> {
	pub(crate) program: &'a Checked,
	pub(crate) facts: &'a Facts,
	pub(crate) defender: Side<'a>,
	pub(crate) challenger: Side<'a>,
}

impl Game<'_> {
	/// Both do what they should.
	pub(crate) fn play(&mut self, subject: Subject) -> Played {
		self.play_with(subject, &mut |_, own| own, &mut |_, own| own)
	}

	pub(crate) fn play_with(
		&mut self,
		subject: Subject,
		defends: &mut Strategy<DefenderMove>,
		challenges: &mut Strategy<ChallengerMove>,
	) -> Played {
		use codec::{Decode, Encode, MaxEncodedLen};
		let mut dispute = Dispute::new(subject, self.program, self.facts).unwrap();
		let root = program_root(self.program);
		let mut shown: Option<Box<[u8; TILE_BYTES]>> = None;
		let (mut moves, mut bytes) = (0, 0);
		loop {
			assert!(
				moves < 300,
				"a dispute ends in few moves: {:?}",
				dispute.position()
			);
			// What is stored is read again as it was, and stays within its bound.
			let stored = dispute.encode();
			assert!(stored.len() <= Dispute::max_encoded_len());
			assert_eq!(Dispute::decode(&mut &stored[..]).as_ref(), Ok(&dispute));

			moves += 1;
			let mover = dispute.to_move();
			let outcome = match mover {
				Party::Defender => {
					let own = defend(&dispute, self.program, &mut self.defender).ok();
					let Some(made) = defends(&dispute, own) else {
						break self.ended(mover, moves, bytes, dispute);
					};
					bytes += made.encoded_size();
					if let DefenderMove::Tile(tile) = &made {
						shown = Some(tile.clone());
					}
					let asked = AskedParts::of(self.program);
					let expected = dispute.clone().defend(made.clone(), &asked);
					let shown = asked.show();
					bytes += shown.encoded_size();
					let parts = ShownParts::open(&root, &shown).unwrap();
					let outcome = dispute.defend(made, &parts);
					assert_eq!(outcome, expected, "with the parts that it asks for");
					outcome
				}
				Party::Challenger => {
					let tile = shown.as_deref();
					let own = challenge(&dispute, self.program, &mut self.challenger, tile);
					let Some(made) = challenges(&dispute, own.ok()) else {
						break self.ended(mover, moves, bytes, dispute);
					};
					bytes += made.encoded_size();
					let asked = AskedParts::of(self.program);
					let expected = dispute.clone().challenge(made.clone(), &asked, self.facts);
					let shown = asked.show();
					bytes += shown.encoded_size();
					let parts = ShownParts::open(&root, &shown).unwrap();
					let outcome = dispute.challenge(made, &parts, self.facts);
					assert_eq!(outcome, expected, "with the parts that it asks for");
					outcome
				}
			};
			match outcome {
				Ok(Outcome::Open) => (),
				Ok(Outcome::Lost(loser)) => break self.ended(loser, moves, bytes, dispute),
				Err(_) => break self.ended(mover, moves, bytes, dispute),
			}
		}
	}

	fn ended(&self, loser: Party, moves: u32, bytes: usize, dispute: Dispute) -> Played {
		Played {
			loser,
			moves,
			bytes,
			last: dispute.position().clone(),
		}
	}
}

/// The facts that follow from what a program reads.
pub(crate) fn facts_of(bindings: &Bindings) -> Facts {
	Facts {
		seed: bindings.seed,
		features: bindings.features.map(tensor_root),
		labels: bindings.labels.map(tensor_root),
		state: Some(state_root(bindings.state)),
		updates: bindings
			.updates
			.iter()
			.map(|update| state_root(update))
			.collect(),
	}
}

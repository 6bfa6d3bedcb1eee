//! The referee in wasm, as the chain runs it, says of every kind of operation what the engine computes: of many
//! elements, each judged from the tiles that are shown for it.
//!
//! `POUW_JUDGEMENTS` sets how many passages of each kind are judged.

extern crate alloc;

mod engines;
#[path = "../../../primitives/repops/tests/wasm/host.rs"]
mod host;
mod programs;
#[path = "../../../primitives/repops/tests/wasm/questions.rs"]
#[allow(dead_code, reason = "the answers are given in wasm")]
mod questions;
#[path = "../../../primitives/repops/tests/support/mod.rs"]
mod support;

use codec::DecodeAll;
use engines::{name, ENGINES};
use host::Wasm;
use ml_worker_engine::Engine;
use programs::Builder;
use questions::Question;
use repops::{
	check::{infer, Role},
	commit::{tensor_leaves, tile_count, write_tile, Hash, MerkleProof, TileBytes, TILE_BYTES},
	interpret::Bindings,
	program::{Bits, Initialiser, OperationKind, Source, StateRole, Target, ValueId},
	random::Seed,
	referee::{
		advance, element_at, passages, tile_place, Evidence, Question as Passage, Running,
		TileProof,
	},
	tensor::{DType, Tensor, TensorType},
};
use std::collections::BTreeSet;
use support::{
	cases::{case, long_reduction, product, short_reduction, Case, KINDS},
	Words,
};

/// The passages of each kind of operation that are judged.
const JUDGEMENTS: usize = 100_000;
/// The passages that wasm is asked of at once.
const AT_ONCE: usize = 256;
/// The elements of a result that are judged at most, and at least where it has so many.
const ELEMENTS: u32 = 96;

const ZERO: Initialiser = Initialiser::Constant(Bits(0));

/// A program of one operation, whose operands it is given in the ways that a step program is given anything.
struct Trial<'a> {
	case: &'a Case,
	builder: Builder,
	state: Vec<Tensor>,
	labels: Option<Tensor>,
	seed: Seed,
	position: u64,
}

impl<'a> Trial<'a> {
	fn new(case: &'a Case) -> Self {
		Trial {
			case,
			builder: Builder::default(),
			state: vec![],
			labels: None,
			seed: Seed([0; 32]),
			position: 0,
		}
	}

	/// Reads a tensor of numbers from the state.
	fn number_input(&mut self, tensor: Tensor) -> ValueId {
		let shape = tensor.shape.clone();
		let (index, value) = self.builder.state(StateRole::Parameter, shape, ZERO);
		self.builder.output(Target::State(index), value);
		self.state.push(tensor);
		value
	}

	/// The inputs that the operands are made of, in their order.
	fn inputs(&mut self) -> Vec<ValueId> {
		let case = self.case;
		if let OperationKind::BatchRows { .. } | OperationKind::Random { .. } = case.kind {
			let words = |operand: usize| case.operands[operand].bits().collect::<Vec<u32>>();
			self.seed = Seed::from_words(words(0).try_into().unwrap());
			self.position = u64::from(words(1)[1]) << 32 | u64::from(words(1)[0]);
			let seed = self.builder.input(Source::Seed, TensorType::u32([8]));
			let position = self.builder.input(Source::Position, TensorType::u32([2]));
			return vec![seed, position];
		}
		let operands = case.operands.iter();
		operands
			.map(|operand| match operand.as_u32() {
				None => self.number_input(operand.clone()),
				Some(words) if self.labels.is_none() => {
					let count = words.len() as u32;
					self.labels = Some(Tensor::u32([count], words.to_vec()).unwrap());
					self.builder.input(Source::Labels, TensorType::u32([count]))
				}
				// A program reads no other integers. These are small enough for numbers.
				Some(words) => {
					let numbers = words.iter().map(|word| *word as f32);
					let shape = operand.shape.clone();
					self.number_input(Tensor::f32(shape, numbers.collect()).unwrap())
				}
			})
			.collect()
	}

	/// What makes the operand of an input.
	fn operand(&mut self, input: ValueId, operand: &Tensor) -> ValueId {
		let made = match operand.kind().dtype {
			DType::U32 if self.builder.types[input as usize].dtype == DType::F32 => {
				self.builder.operate(OperationKind::ToInteger, &[input])
			}
			_ => input,
		};
		let shape = operand.shape.clone();
		match self.builder.shape(made) == shape {
			true => made,
			false => (self.builder).operate(OperationKind::Reshape { shape }, &[made]),
		}
	}

	/// The bits of the operation's result as this engine computes it.
	fn run(mut self, engine: &Engine) -> Vec<u32> {
		let inputs = self.inputs();
		let mut operands = Vec::new();
		for (input, operand) in inputs.into_iter().zip(&self.case.operands) {
			operands.push(self.operand(input, operand));
		}
		let result = self.builder.operate(self.case.kind.clone(), &operands);
		let kind = self.builder.types[result as usize].clone();
		let result = match kind.dtype {
			DType::F32 => result,
			// Integers that operations make are small, or come of numbers.
			DType::U32 => self.builder.operate(OperationKind::ToNumber, &[result]),
		};
		let shape = self.builder.shape(result);
		let target = (self.builder).declare(StateRole::Parameter, shape.clone(), ZERO);
		self.builder.output(Target::State(target), result);
		let count = shape.elements().unwrap() as usize;
		(self.state).push(Tensor::f32(shape, vec![0.0; count]).unwrap());
		let loss = OperationKind::Constant {
			shape: [1].into(),
			value: 0.5.into(),
		};
		let loss = self.builder.operate(loss, &[]);
		self.builder.output(Target::Loss, loss);
		let bindings = Bindings {
			state: &self.state,
			labels: self.labels.as_ref(),
			seed: self.seed,
			position: self.position,
			..Bindings::default()
		};
		let compiled = engine.compile(self.builder.check(Role::Step));
		let outputs = compiled.run(&bindings).unwrap();
		let computed = outputs.state.last().unwrap();
		match kind.dtype {
			DType::F32 => computed.bits().collect(),
			DType::U32 => {
				let numbers = computed.as_f32().unwrap().iter();
				numbers.map(|number| *number as u32).collect()
			}
		}
	}
}

/// The operands' tiles, for evidence.
struct Shown<'a> {
	case: &'a Case,
	types: Vec<TensorType>,
	result: TensorType,
	leaves: Vec<Vec<Hash>>,
}

impl<'a> Shown<'a> {
	fn of(case: &'a Case) -> Self {
		let types: Vec<TensorType> = case.operands.iter().map(Tensor::kind).collect();
		let result = infer(&case.kind, &types.iter().collect::<Vec<_>>()).unwrap();
		Shown {
			leaves: case.operands.iter().map(tensor_leaves).collect(),
			case,
			types,
			result,
		}
	}

	/// A passage with the evidence for it, and what comes out natively.
	fn passage(&self, passage: Passage, before: Running) -> (Running, Evidence) {
		let types: Vec<&TensorType> = self.types.iter().collect();
		let mut touched = BTreeSet::new();
		let mut read = |operand: usize, element: u64| -> Result<u32, ()> {
			touched.insert((operand, tile_place(types[operand], element).unwrap().0));
			Ok(self.case.operands[operand]
				.bits_at(element as usize)
				.unwrap())
		};
		let kind = &self.case.kind;
		let after = advance(kind, &types, &self.result, passage, before, &mut read).unwrap();
		let tiles = touched.into_iter().map(|(operand, tile)| {
			let mut bytes = TileBytes::from([0; TILE_BYTES]);
			write_tile(&self.case.operands[operand], tile, &mut bytes);
			TileProof {
				operand: operand as u8,
				tile,
				bytes,
				proof: MerkleProof::new(&self.leaves[operand], tile).unwrap(),
			}
		});
		let tiles = tiles.collect();
		(after, Evidence { tiles })
	}

	/// All passages of an element with their evidence.
	fn element(&self, element: u64) -> Vec<(Passage, Running, Evidence)> {
		let types: Vec<&TensorType> = self.types.iter().collect();
		let mut before = Running::default();
		let all = 0..passages(&self.case.kind, &types);
		all.map(|passage| {
			let passage = Passage { element, passage };
			let (after, evidence) = self.passage(passage, before);
			let shown = (passage, before, evidence);
			before = after;
			shown
		})
		.collect()
	}
}

/// Elements of as many of the result's tiles as there may be, some of each.
fn elements(result: &TensorType, words: &mut Words) -> Vec<u64> {
	let tiles = tile_count(&result.shape).unwrap();
	let all = result.shape.elements().unwrap() as u32;
	let wanted = ELEMENTS.min(all);
	let mut elements = Vec::new();
	while (elements.len() as u32) < wanted {
		let tile = match tiles <= wanted {
			true => elements.len() as u32 % tiles,
			false => words.below(tiles),
		};
		let places = (0..).map(|_| words.below(1_024) as usize);
		let mut found = places.filter_map(|place| element_at(result, tile, place));
		elements.extend(found.next());
	}
	elements
}

/// A case of this kind. Of those that read much most are small, so that there can be many.
fn any_case(kind: u32, words: &mut Words) -> Case {
	let rarely = words.below(40) == 0;
	match kind.checked_sub(KINDS) {
		Some(0) if rarely => product(words),
		Some(0) => short_reduction(false, words),
		Some(_) => long_reduction(words),
		None if kind == 21 && !rarely => short_reduction(true, words),
		None => case(kind, words),
	}
}

/// What was judged of a kind of operation.
#[derive(Default)]
struct Judged {
	passages: usize,
	elements: usize,
	tiles: usize,
}

/// Has wasm judge elements of a case, and compares what it says with the engine's result.
fn assert_judged(wasm: &mut Wasm, engine: &Engine, case: &Case, words: &mut Words) -> Judged {
	let computed = Trial::new(case).run(engine);
	let shown = Shown::of(case);
	let operands = case.agreed().into_iter();
	let operands: Vec<_> = operands
		.map(|operand| (operand.kind, operand.root))
		.collect();
	let mut judged = Judged::default();
	let mut elements = elements(&shown.result, words).into_iter().peekable();
	while elements.peek().is_some() {
		let mut asked = Vec::new();
		let mut expected = Vec::new();
		while asked.len() < AT_ONCE {
			let Some(element) = elements.next() else {
				break;
			};
			let passages = shown.element(element);
			// After each passage but the last, what the next one begins with.
			expected.extend(
				passages
					.iter()
					.skip(1)
					.map(|(_, before, _)| (*before, None)),
			);
			expected.push((Running::default(), Some(computed[element as usize])));
			judged.elements += 1;
			asked.extend(passages);
		}
		judged.passages += asked.len();
		judged.tiles += asked
			.iter()
			.map(|(_, _, evidence)| evidence.tiles.len())
			.sum::<usize>();
		let question = Question::Judge {
			kind: case.kind.clone(),
			operands: operands.clone(),
			passages: asked,
		};
		let found = wasm.answer(&question);
		let found = Vec::<Result<Running, String>>::decode_all(&mut &found[..]).unwrap();
		assert_eq!(found.len(), expected.len());
		for (at, (found, (before, element))) in found.into_iter().zip(expected).enumerate() {
			let found = found.unwrap();
			let message = || format!("{}: {:?}, judgement {at}", name(engine), case.kind);
			match element {
				None => assert_eq!(found, before, "{}", message()),
				Some(element) => assert_eq!(found.element(), element, "{}", message()),
			}
		}
	}
	judged
}

/// All kinds of a residue, so that tests share the work.
fn assert_kinds(residue: u32) {
	let wanted = std::env::var("POUW_JUDGEMENTS").map(|wanted| wanted.parse().unwrap());
	let wanted: usize = wanted.unwrap_or(JUDGEMENTS);
	let mut wasm = Wasm::new();
	// The cases are too small for threads.
	let engines = ENGINES.iter().filter(|engine| engine.threads() == 1);
	let engines: Vec<&Engine> = engines.collect();
	for kind in (0..KINDS + 2).filter(|kind| kind % 2 == residue) {
		let mut words = Words::new(kind as u8);
		let (mut all, mut last) = (Judged::default(), String::new());
		while all.passages < wanted {
			let case = any_case(kind, &mut words);
			let engine = engines[words.below(engines.len() as u32) as usize];
			let judged = assert_judged(&mut wasm, engine, &case, &mut words);
			all.passages += judged.passages;
			all.elements += judged.elements;
			all.tiles += judged.tiles;
			last = format!("{:?}", case.kind);
		}
		println!(
			"{} passages of {} elements by {} tiles, of operations like {last}",
			all.passages, all.elements, all.tiles
		);
	}
}

#[test]
fn the_referee_in_wasm_says_what_the_engine_computes() {
	assert_kinds(0);
}

#[test]
fn the_referee_in_wasm_says_what_the_engine_computes_of_the_other_kinds() {
	assert_kinds(1);
}

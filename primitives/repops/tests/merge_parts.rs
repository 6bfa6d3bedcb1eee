//! The parts of a merge, from the step program's state alone, are those of the program that merges.

use proptest::prelude::*;
use repops::{
	check::{check, Checked, Limits, Role},
	merge::average_program,
	parts::{program_root, show, AskedParts, MergeParts, Parts, Place, ShownParts},
	program::{
		Initialiser, Input, Operation, OperationKind, Output, Program, Source, StateRole,
		StateTensor, Target, ARITHMETIC_VERSION,
	},
	tensor::{Shape, TensorType},
};

/// A step program of this state, which it leaves as it is.
fn step_of(state: Vec<StateTensor>) -> Checked {
	let inputs = (0u16..).zip(&state).map(|(tensor, declared)| Input {
		source: Source::State(tensor),
		kind: TensorType::f32(declared.shape.clone()),
	});
	let loss = state.len() as u32;
	let outputs = (0u16..).zip(&state).map(|(tensor, _)| Output {
		target: Target::State(tensor),
		value: tensor.into(),
	});
	let program = Program {
		version: ARITHMETIC_VERSION,
		inputs: inputs.collect(),
		operations: vec![Operation {
			kind: OperationKind::Constant {
				shape: [1].into(),
				value: 1.0.into(),
			},
			operands: vec![],
		}],
		outputs: outputs
			.chain([Output {
				target: Target::Loss,
				value: loss,
			}])
			.collect(),
		state,
	};
	check(&program, Role::Step, &Limits::default()).unwrap()
}

fn state_tensor() -> impl Strategy<Value = StateTensor> {
	let initial = prop_oneof![
		Just(Initialiser::Constant(0.5.into())),
		Just(Initialiser::Normal {
			mean: 0.0.into(),
			deviation: 1.0.into(),
		}),
	];
	let axes = proptest::collection::vec(1..40u32, 1..=4);
	(axes, any::<bool>(), initial).prop_map(|(axes, optimiser, initial)| StateTensor {
		name: vec![],
		shape: Shape(axes),
		role: match optimiser {
			true => StateRole::Optimiser,
			false => StateRole::Parameter,
		},
		initial,
	})
}

/// One to seven tensors.
fn state() -> impl Strategy<Value = Vec<StateTensor>> {
	let tensors = proptest::collection::vec(state_tensor(), 1..8);
	tensors.prop_map(|mut tensors| {
		for (index, tensor) in tensors.iter_mut().enumerate() {
			tensor.name = format!("tensor {index}").into_bytes();
		}
		tensors
	})
}

/// Every place up to some beyond the last.
fn places(program: &impl Parts) -> Vec<Place> {
	let counts = program.counts();
	type PlaceOf = fn(u32) -> Place;
	let kinds: [(PlaceOf, u32); 4] = [
		(Place::State, counts.state),
		(Place::Input, counts.inputs),
		(Place::Operation, counts.operations),
		(Place::Output, counts.outputs),
	];
	let near = kinds
		.into_iter()
		.flat_map(|(place, count)| (0..count + 20).chain([u32::MAX]).map(place));
	near.chain([Place::Counts]).collect()
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

	#[test]
	fn a_merges_parts_are_those_of_its_program(
		state in state(),
		updates in 1..=16u16,
	) {
		let merge = average_program(&state, updates);
		let merge = check(&merge, Role::Merge { updates }, &Limits::default()).unwrap();
		let step = step_of(state);
		let parts = MergeParts::new(&step, updates);
		prop_assert_eq!(parts.counts(), merge.counts());
		for place in places(&merge) {
			prop_assert_eq!(parts.part(place), merge.part(place), "{:?}", place);
		}
		for value in (0..merge.types().len() as u32 + 20).chain([u32::MAX]) {
			prop_assert_eq!(parts.value_type(value), merge.value_type(value));
			prop_assert_eq!(parts.operation_of(value), merge.operation_of(value));
		}
		let states = (0..step.counts().state as u16 + 4).chain([u16::MAX]).map(Target::State);
		for target in states.chain([Target::Loss, Target::Correct]) {
			prop_assert_eq!(parts.output(target), merge.output(target));
		}
	}

	/// What is asked of a merge is asked of the step program, of which its state tensors are shown.
	#[test]
	fn a_merges_parts_are_shown_by_the_steps(
		state in state(),
		updates in 1..=16u16,
		at: u32,
	) {
		let step = step_of(state);
		let at = at % MergeParts::new(&step, updates).counts().operations;
		let asked = AskedParts::of(&step);
		let merge = MergeParts::new(&asked, updates);
		let expected = merge.operation(at);
		prop_assert!(expected.is_some());
		let shown = asked.show();
		prop_assert_eq!(shown.len(), 2, "the counts and the state tensor");
		let shown = ShownParts::open(&program_root(&step), &shown).unwrap();
		prop_assert_eq!(MergeParts::new(&shown, updates).operation(at), expected);
		// Without that tensor nothing is known.
		let nothing = ShownParts::open(&program_root(&step), &show(&step, [])).unwrap();
		prop_assert_eq!(MergeParts::new(&nothing, updates).operation(at), None);
	}
}

#[test]
fn a_merge_of_nothing_has_no_parts() {
	let shape = Shape::from([3, 4]);
	let step = step_of(vec![StateTensor {
		name: b"weight".to_vec(),
		shape,
		role: StateRole::Parameter,
		initial: Initialiser::Constant(0.0.into()),
	}]);
	let merge = MergeParts::new(&step, 0);
	for place in places(&step) {
		let has = matches!(place, Place::Counts | Place::State(0));
		assert_eq!(merge.part(place).is_some(), has, "{place:?}");
	}
	assert_eq!(merge.output(Target::State(0)), None);
}

/// Of a program of which nothing was shown nothing is known.
#[test]
fn a_merge_of_the_unknown_has_no_parts() {
	let step = ShownParts::default();
	for updates in [1, u16::MAX] {
		let merge = MergeParts::new(&step, updates);
		for place in places(&merge) {
			assert_eq!(merge.part(place).is_some(), place == Place::Counts);
		}
	}
}

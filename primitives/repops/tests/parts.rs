//! A program's parts: shown one by one against its root, and nothing else.

mod support;

use repops::{
	check::{check, Checked, Limits, Role},
	parts::{program_root, show, AskedParts, Part, PartError, Parts, Place, ShownParts},
	program::{Initialiser, OperationKind, Target},
	tensor::Shape,
};

fn program() -> Checked {
	let source = support::mlp(50, 20, 8, 3, 10, 0.1);
	check(&source, Role::Step, &Limits::default()).unwrap()
}

fn every_place(program: &Checked) -> Vec<Place> {
	let counts = program.counts();
	(0..counts.state)
		.map(Place::State)
		.chain((0..counts.inputs).map(Place::Input))
		.chain((0..counts.operations).map(Place::Operation))
		.chain((0..counts.outputs).map(Place::Output))
		.collect()
}

#[test]
fn each_part_can_be_shown_alone() {
	let program = program();
	let root = program_root(&program);
	for place in every_place(&program) {
		let shown = show(&program, [place]);
		assert_eq!(shown.len(), 2, "the counts and the part");
		let parts = ShownParts::open(&root, &shown).unwrap();
		assert_eq!(parts.part(place), program.part(place));
		assert_eq!(parts.counts(), program.counts());
	}
}

#[test]
fn all_parts_together_say_what_the_program_says() {
	let program = program();
	let shown = show(&program, every_place(&program));
	let parts = ShownParts::open(&program_root(&program), &shown).unwrap();
	for (value, kind) in (0..).zip(program.types()) {
		assert_eq!(parts.value_type(value).as_ref(), Some(kind));
	}
	for target in [Target::State(0), Target::State(3), Target::Loss] {
		assert!(program.output(target).is_some());
		assert_eq!(parts.output(target), program.output(target));
	}
	assert_eq!(parts.output(Target::Correct), None);
	assert_eq!(parts.value_type(program.types().len() as u32), None);
}

#[test]
fn what_the_root_does_not_commit_to_is_refused() {
	let program = program();
	let root = program_root(&program);
	let other = support::mlp(50, 20, 8, 3, 10, 0.2);
	let other = check(&other, Role::Step, &Limits::default()).unwrap();
	assert_ne!(program_root(&other), root);
	for place in every_place(&program) {
		let shown = show(&other, [place]);
		// Where both are the same, the way to the root differs.
		assert!(ShownParts::open(&root, &shown).is_err());

		let mut elsewhere = show(&program, [place]);
		elsewhere[1].place = match place {
			Place::State(at) => Place::State(at + 1),
			Place::Input(at) => Place::Input(at + 1),
			Place::Operation(at) => Place::Operation(at + 1),
			Place::Output(at) => Place::Output(at + 1),
			Place::Counts => unreachable!(),
		};
		let wrong = elsewhere[1].place;
		assert_eq!(
			ShownParts::open(&root, &elsewhere),
			Err(PartError::NotCommitted(wrong))
		);
		elsewhere[1].place = Place::Counts;
		assert_eq!(
			ShownParts::open(&root, &elsewhere),
			Err(PartError::OutOfBounds(Place::Counts))
		);
	}
	let mut counts = show(&program, []);
	let Part::Counts(count) = &mut counts[0].part else {
		panic!("the counts come first")
	};
	count.operations -= 1;
	count.outputs += 1;
	assert_eq!(
		ShownParts::open(&root, &counts),
		Err(PartError::NotCommitted(Place::Counts))
	);
	assert_eq!(ShownParts::open(&root, &[]), Err(PartError::NoCounts));
}

#[test]
fn what_is_asked_for_is_shown() {
	let program = program();
	let asked = AskedParts::of(&program);
	let value = asked.output(Target::Loss).unwrap();
	let kind = asked.value_type(value);
	let shown = asked.show();
	assert_eq!(shown.len(), 3, "the counts, the output and its operation");
	let parts = ShownParts::open(&program_root(&program), &shown).unwrap();
	assert_eq!(parts.output(Target::Loss), Some(value));
	assert_eq!(parts.value_type(value), kind);
}

/// A root can commit to parts that no check has seen. They are not taken, whatever the proof.
#[test]
fn parts_that_no_checked_program_has_are_refused() {
	let program = program();
	let root = program_root(&program);
	let refused = |place: Place, spoil: &dyn Fn(&mut Part)| {
		let mut shown = show(&program, [place]);
		let at = shown.iter().position(|shown| shown.place == place).unwrap();
		spoil(&mut shown[at].part);
		assert_eq!(
			ShownParts::open(&root, &shown),
			Err(PartError::OutOfBounds(place))
		);
	};
	let operation = Place::Operation(3);
	refused(operation, &|part| {
		let Part::Operation(operation, _) = part else {
			panic!()
		};
		operation.operands = vec![0; 4];
	});
	for shape in [vec![], vec![1; 5], vec![3, 0], vec![1 << 15, 1 << 15]] {
		let spoil = |part: &mut Part| match part {
			Part::Operation(_, kind) => kind.shape.0 = shape.clone(),
			Part::Input(input) => input.kind.shape.0 = shape.clone(),
			Part::State(tensor) => tensor.shape.0 = shape.clone(),
			_ => panic!(),
		};
		refused(operation, &spoil);
		refused(Place::Input(0), &spoil);
		refused(Place::State(1), &spoil);
	}
	// Attributes that are lists are no longer than tensors have axes.
	let (good, long) = (Shape(vec![1; 4]), Shape(vec![1; 5]));
	let wide = Shape(vec![1 << 15, 1 << 15]);
	let mut kinds = vec![
		OperationKind::Permute {
			axes: vec![0; 1_000],
		},
		OperationKind::Insert {
			starts: vec![0; 1_000],
		},
		OperationKind::Slice {
			starts: vec![0; 1_000],
			shape: good,
		},
	];
	for shape in [Shape(vec![]), long, wide] {
		kinds.extend([
			OperationKind::Slice {
				starts: vec![0; 4],
				shape: shape.clone(),
			},
			OperationKind::Iota {
				shape: shape.clone(),
				axis: 0,
			},
			OperationKind::Random {
				stream: 0,
				shape: shape.clone(),
				distribution: Initialiser::Constant(0.0.into()),
			},
			OperationKind::Broadcast {
				shape: shape.clone(),
			},
			OperationKind::Reshape { shape },
		]);
	}
	for kind in kinds {
		refused(operation, &|part| {
			let Part::Operation(operation, _) = part else {
				panic!()
			};
			operation.kind = kind.clone();
		});
	}
	refused(Place::State(0), &|part| {
		let Part::State(tensor) = part else { panic!() };
		tensor.name = vec![b'x'; 129];
	});
	refused(Place::Counts, &|part| {
		let Part::Counts(counts) = part else { panic!() };
		counts.version += 1;
	});
	refused(Place::Counts, &|part| {
		let Part::Counts(counts) = part else { panic!() };
		counts.operations = u32::MAX;
	});
}

//! What doesn't fit is refused with a reason, before anything runs.

mod programs;

use ml_worker_engine::{Engine, EngineError, EngineOptions, InstructionSet};
use programs::{mlp, Numbers, Optimiser};
use repops::{
	check::{check, Limits, Role},
	interpret::{Bindings, RunError},
	program::Source,
	random::Seed,
	tensor::Tensor,
};

const SIZES: [u32; 2] = [5, 3];

fn engine() -> Engine {
	Engine::new(EngineOptions::default()).expect("the machine has its own instruction set")
}

fn state(numbers: &mut Numbers) -> Vec<Tensor> {
	vec![numbers.tensor([5, 3]), numbers.tensor([3])]
}

#[test]
fn an_instruction_set_that_the_cpu_lacks() {
	for set in InstructionSet::ALL {
		let options = EngineOptions {
			instruction_set: Some(set),
			..EngineOptions::default()
		};
		match Engine::new(options) {
			Ok(engine) => {
				assert!(set.is_available());
				assert_eq!(engine.instruction_set(), set);
			}
			Err(EngineError::MissingInstructionSet { asked, best }) => {
				assert!(asked == set && !set.is_available() && best.is_available());
			}
			Err(error) => panic!("{error}"),
		}
	}
	assert_eq!(engine().instruction_set(), InstructionSet::best());
}

#[test]
fn what_a_program_reads_but_was_not_given() {
	let program = mlp(&SIZES, 2, 10, Optimiser::Sgd { rate: 0.1 });
	let checked = check(&program, Role::Step, &Limits::default()).expect("the program is right");
	let compiled = engine().compile(checked);
	let mut numbers = Numbers(1);
	let state = state(&mut numbers);
	let (features, labels) = (numbers.tensor([10, 5]), numbers.labels(10, 3));
	let bindings = Bindings {
		state: &state,
		features: Some(&features),
		labels: Some(&labels),
		seed: Seed([0; 32]),
		..Bindings::default()
	};
	assert!(compiled.session(&bindings).is_ok());
	assert!(compiled.run(&bindings).is_ok());

	let missing = Bindings {
		features: None,
		..bindings
	};
	assert_eq!(
		compiled.run(&missing),
		Err(RunError::Missing(Source::Features))
	);
	assert!(matches!(
		compiled.session(&missing),
		Err(EngineError::Bindings(RunError::Missing(Source::Features)))
	));
	let short = Bindings {
		state: &state[..1],
		..bindings
	};
	assert_eq!(
		compiled.run(&short),
		Err(RunError::Missing(Source::State(1)))
	);
	assert!(compiled.session(&short).is_err());
	let other = numbers.tensor([10, 6]);
	let wrong = Bindings {
		features: Some(&other),
		..bindings
	};
	assert!(matches!(
		compiled.run(&wrong),
		Err(RunError::Type {
			source: Source::Features,
			..
		})
	));
	let malformed = Tensor {
		shape: [10, 5].into(),
		elements: numbers.tensor([9, 5]).elements,
	};
	let wrong = Bindings {
		features: Some(&malformed),
		..bindings
	};
	assert_eq!(
		compiled.run(&wrong),
		Err(RunError::Malformed(Source::Features))
	);

	let mut session = compiled.session(&bindings).expect("everything is given");
	assert!(session.set_state(&state[..1]).is_err());
	let before = session.state_root();
	session.step(0);
	assert_ne!(session.state_root(), before);
	session
		.set_state(&state)
		.expect("it is the state of this program");
	assert_eq!(session.state_root(), before);
}

#[test]
fn a_role_that_the_call_does_not_suit() {
	let program = mlp(&SIZES, 2, 10, Optimiser::Sgd { rate: 0.1 });
	let checked = check(&program, Role::Step, &Limits::default()).expect("the program is right");
	let compiled = engine().compile(checked);
	let mut numbers = Numbers(1);
	let state = state(&mut numbers);
	let (features, labels) = (numbers.tensor([10, 5]), numbers.labels(10, 3));
	let bindings = Bindings {
		state: &state,
		features: Some(&features),
		labels: Some(&labels),
		..Bindings::default()
	};
	assert!(matches!(
		compiled.run_evaluate(&bindings),
		Err(EngineError::Role { .. })
	));
}

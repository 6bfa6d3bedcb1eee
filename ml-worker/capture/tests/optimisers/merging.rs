//! The count of steps through the merge of several trainers' states.

use super::{constant_gradient::Sum, names, regression, stock::Data, table, SIZES};
use ml_worker_capture::{spec::MAX_TABLE_STEP, OptimiserSpec};
use repops::{
	check::{check, Limits, Role},
	initial::initial_state,
	interpret::{run, Bindings},
	merge::average_program,
	program::StateTensor,
	tensor::{Shape, Tensor},
};

/// The most trainers that a task can have.
const MAX_TRAINERS: u16 = 16;

fn merge(state: &[StateTensor], updates: &[Vec<Tensor>]) -> Vec<Tensor> {
	let count = updates.len() as u16;
	let program = average_program(state, count);
	let role = Role::Merge { updates: count };
	let checked = check(&program, role, &Limits::default()).unwrap();
	let bindings = Bindings {
		updates,
		..Default::default()
	};
	run(&checked, &bindings).unwrap().state
}

/// All counts that a table can tell apart, side by side as elements of one tensor: the merge treats each alone.
#[test]
fn the_mean_of_equal_counts_is_the_count() {
	let optimiser = OptimiserSpec::sgd(1.0).with_learning_rate(table());
	let mut declared = Sum([1.0, 1.0]).program(&optimiser).state;
	assert_eq!(declared[1].name, b"step_count");
	let elements = MAX_TABLE_STEP + 1;
	declared[1].shape = Shape(vec![elements]);
	let counts = (0..elements).map(|count| count as f32).collect();
	let state = vec![
		Tensor::f32([4], vec![0.0; 4]).unwrap(),
		Tensor::f32([elements], counts).unwrap(),
	];
	for trainers in 1..=MAX_TRAINERS {
		let updates = vec![state.clone(); trainers.into()];
		assert!(merge(&declared, &updates) == state, "{trainers} trainers");
	}
}

#[test]
fn trainers_that_merge_go_on_along_the_table() {
	for optimiser in super::each() {
		let program = regression(&optimiser.with_learning_rate(table()), true);
		let checked = check(&program, Role::Step, &Limits::default()).unwrap();
		let data = Data::synthetic(SIZES);
		let count = names(&program)
			.iter()
			.position(|name| *name == "step_count")
			.unwrap();
		let mut state = initial_state(&program, &data.seed);
		for round in 0..4u64 {
			let trainers = (0..3u64).map(|trainer| {
				let mut state = state.clone();
				for step in 0..7 {
					let bindings = Bindings {
						state: &state,
						features: Some(&data.features),
						labels: Some(&data.labels),
						seed: data.seed,
						position: (round * 3 + trainer) * 7 + step,
						..Default::default()
					};
					state = run(&checked, &bindings).unwrap().state;
				}
				state
			});
			let trainers: Vec<_> = trainers.collect();
			assert_ne!(trainers[0][0], trainers[1][0]);
			state = merge(&program.state, &trainers);
			assert_eq!(state[count].as_f32().unwrap(), [7.0 * (round + 1) as f32]);
		}
	}
}

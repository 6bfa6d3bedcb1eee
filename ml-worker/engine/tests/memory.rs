//! A session takes no more memory than the values that are alive together, because reshapes are views, state
//! is updated in place, and gradients of a state tensor live only as blocks of rows.

mod engines;
mod programs;

use engines::{name, ENGINES};
use programs::{mlp, Optimiser};
use repops::check::{check, Limits, Role};

#[test]
fn a_session_takes_less_than_what_is_alive_together() {
	let (sizes, population) = ([784, 1024, 1024, 10], 1000);
	for optimiser in [
		Optimiser::Sgd { rate: 0.1 },
		Optimiser::Adam { rate: 0.001 },
	] {
		let program = mlp(&sizes, 128, population, optimiser);
		let checked =
			check(&program, Role::Step, &Limits::default()).expect("the program is right");
		// The data set is only borrowed.
		let data = u64::from(population) * (784 + 1) * 4;
		let alive = checked.live_bytes() - data;
		for engine in ENGINES.iter() {
			let bytes = engine.compile(checked.clone()).memory_bytes();
			assert!(bytes > checked.state_bytes(), "{}: {bytes}", name(engine));
			assert!(
				bytes < alive * 2 / 3,
				"{}: {bytes} of {alive}",
				name(engine)
			);
		}
	}
}

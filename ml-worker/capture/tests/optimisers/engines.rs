//! The fast engine trains as the reference does, bit by bit.

use super::{each, regression, stock::Data, table, SIZES};

#[test]
fn the_engine_and_the_reference_agree_in_every_bit() {
	let data = Data::synthetic(SIZES);
	for optimiser in each() {
		let along_a_table = optimiser.clone().with_learning_rate(table());
		let variants = [
			optimiser.clone(),
			along_a_table.clone(),
			optimiser.with_clip_norm(0.35),
			along_a_table.with_clip_norm(0.35),
		];
		for optimiser in variants {
			let program = regression(&optimiser, true);
			let reference = data.train(&program, 60);
			let (losses, state) = data.train_by_engine(&program, 60);
			for (outputs, loss) in reference.iter().zip(&losses) {
				let expected = outputs.loss.unwrap();
				assert_eq!(expected.to_bits(), loss.to_bits(), "{optimiser:?}");
			}
			assert_eq!(reference[59].state, state, "{optimiser:?}");
		}
	}
}

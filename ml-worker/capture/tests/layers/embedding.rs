//! Rows of tables that integers choose.

use crate::stock::{agreement::agrees, Data};
use burn::{
	module::{Initializer, Module, Param},
	nn::{Embedding, EmbeddingConfig, Linear, LinearConfig},
	tensor::{backend::Backend, IndexingUpdateOp, Int, Tensor},
};
use ml_worker_capture::{capture, Model, OptimiserSpec, Sizes};
use repops::program::OperationKind;

const SIZES: Sizes = Sizes {
	columns: 5,
	classes: 7,
	batch: 6,
	training_rows: 40,
	test_rows: 40,
};

#[derive(Module, Debug)]
struct Table<B: Backend> {
	characters: Embedding<B>,
	positions: Embedding<B>,
	after: Linear<B>,
}

impl<B: Backend> Table<B> {
	fn new(device: &B::Device) -> Self {
		Table {
			characters: EmbeddingConfig::new(7, 3).init(device),
			positions: EmbeddingConfig::new(8, 3).init(device),
			after: LinearConfig::new(15, 7).init(device),
		}
	}
}

/// Characters and their places.
struct Embedded;

impl Model for Embedded {
	type Module<B: Backend> = Table<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Table<B> {
		Table::new(device)
	}

	fn forward<B: Backend>(&self, module: &Table<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
		let places = Tensor::arange(0..5, &features.device()).unsqueeze();
		let x = module.characters.forward(features.int()) + module.positions.forward(places);
		module.after.forward(x.flatten(1, 2))
	}
}

#[test]
fn characters_and_places() {
	agrees(&Embedded, &Data::sequences(SIZES, 7));
}

#[test]
fn rows_in_order_are_a_part_of_the_table() {
	let program = capture(&Embedded, &OptimiserSpec::sgd(0.1), &SIZES)
		.unwrap()
		.step;
	let count = |wanted: fn(&OperationKind) -> bool| {
		let operations = program.operations.iter();
		operations
			.filter(|operation| wanted(&operation.kind))
			.count()
	};
	// The batch's features and labels, and the characters.
	assert_eq!(count(|kind| matches!(kind, OperationKind::GatherRows)), 3);
	assert_eq!(
		count(|kind| matches!(kind, OperationKind::ScatterRows { .. })),
		1
	);
}

/// Columns of a table, and numbers added to columns.
struct Selected;

#[derive(Module, Debug)]
struct Columns<B: Backend> {
	table: Param<Tensor<B, 2>>,
	after: Linear<B>,
}

impl Model for Selected {
	type Module<B: Backend> = Columns<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Columns<B> {
		let uniform = Initializer::Uniform {
			min: -1.0,
			max: 1.0,
		};
		Columns {
			table: uniform.init([6, 7], device),
			after: LinearConfig::new(6, 7).init(device),
		}
	}

	fn forward<B: Backend>(&self, module: &Columns<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
		let [rows, _] = features.dims();
		let chosen: Tensor<B, 1, Int> = features.slice([0..rows, 0..1]).int().reshape([rows]);
		let columns = module.table.val().select(1, chosen.clone());
		let sums = module.table.val().select_assign(
			1,
			chosen,
			columns.clone().tanh(),
			IndexingUpdateOp::Add,
		);
		let weights = sums.sum_dim(1).reshape([1, 6]);
		module.after.forward(columns.transpose() * weights)
	}
}

#[test]
fn columns() {
	agrees(&Selected, &Data::sequences(SIZES, 7));
}

/// One element of each row, along any axis.
struct Gathered;

impl Model for Gathered {
	type Module<B: Backend> = Columns<B>;

	fn init<B: Backend>(&self, device: &B::Device) -> Columns<B> {
		Selected.init(device)
	}

	fn forward<B: Backend>(&self, module: &Columns<B>, features: Tensor<B, 2>) -> Tensor<B, 2> {
		let [rows, _] = features.dims();
		let table = module.table.val().reshape([1, 6, 7]).repeat_dim(0, rows);
		let chosen = features.slice([0..rows, 0..1]).int();
		let chosen = chosen.reshape([rows, 1, 1]).repeat_dim(1, 6);
		module
			.after
			.forward(table.gather(2, chosen).reshape([rows, 6]).tanh())
	}
}

#[test]
fn elements_of_rows() {
	agrees(&Gathered, &Data::sequences(SIZES, 7));
}

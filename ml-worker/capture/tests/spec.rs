//! What a task file can say is read as it is meant, and nothing else is accepted.

use ml_worker_capture::{spec::Layer, ModelSpec, OptimiserSpec};

fn model(toml: &str) -> Result<ModelSpec, String> {
	toml::from_str(toml).map_err(|error| error.to_string())
}

fn optimiser(toml: &str) -> Result<OptimiserSpec, String> {
	toml::from_str(toml).map_err(|error| error.to_string())
}

#[test]
fn layers_are_read_in_order() {
	let text = r#"
		[[layers]]
		kind = "linear"
		outputs = 128
		[[layers]]
		kind = "relu"
		[[layers]]
		kind = "linear"
		outputs = 10
		bias = false
	"#;
	let layers = vec![
		Layer::Linear {
			outputs: 128,
			bias: true,
		},
		Layer::Relu {},
		Layer::Linear {
			outputs: 10,
			bias: false,
		},
	];
	assert_eq!(model(text), Ok(ModelSpec { layers }));
}

#[test]
fn what_is_not_said_has_its_usual_value() {
	let sgd = OptimiserSpec::Sgd {
		learning_rate: 0.1,
		momentum: 0.0,
		weight_decay: 0.0,
	};
	assert_eq!(optimiser("kind = 'sgd'\nlearning_rate = 0.1"), Ok(sgd));
	let adam = OptimiserSpec::Adam {
		learning_rate: 0.001,
		beta1: 0.9,
		beta2: 0.999,
		epsilon: 1e-8,
	};
	assert_eq!(optimiser("kind = 'adam'\nlearning_rate = 0.001"), Ok(adam));
}

#[test]
fn unknown_words_are_refused() {
	let error = model("[[layers]]\nkind = 'linear'\noutput = 3").unwrap_err();
	assert!(
		error.contains("`output`") && error.contains("`outputs`"),
		"{error}"
	);
	let error = model("[[layers]]\nkind = 'conv2d'").unwrap_err();
	assert!(
		error.contains("`conv2d`") && error.contains("`relu`"),
		"{error}"
	);
	assert!(model("[[layers]]\nkind = 'relu'\nslope = 1").is_err());
	assert!(model("layers = []\nwidth = 1").is_err());
	let error = optimiser("kind = 'sgd'\nlearning_rate = 0.1\nnesterov = true").unwrap_err();
	assert!(error.contains("`nesterov`"), "{error}");
	assert!(optimiser("kind = 'adam'")
		.unwrap_err()
		.contains("`learning_rate`"));
}

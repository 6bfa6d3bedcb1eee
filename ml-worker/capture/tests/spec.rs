//! What a task file can say is read as it is meant, and nothing else is accepted.

use ml_worker_capture::{spec::Layer, ModelSpec};

fn model(toml: &str) -> Result<ModelSpec, String> {
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
}

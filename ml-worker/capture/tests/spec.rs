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
	assert_eq!(model(text), Ok(ModelSpec::new(layers)));
}

#[test]
fn unknown_words_are_refused() {
	let error = model("[[layers]]\nkind = 'linear'\noutput = 3").unwrap_err();
	assert!(
		error.contains("`output`") && error.contains("`outputs`"),
		"{error}"
	);
	let error = model("[[layers]]\nkind = 'conv5d'").unwrap_err();
	assert!(
		error.contains("`conv5d`") && error.contains("`relu`"),
		"{error}"
	);
	assert!(model("[[layers]]\nkind = 'relu'\nslope = 1").is_err());
	assert!(model("layers = []\nwidth = 1").is_err());
}

#[test]
fn pictures_and_their_layers_are_read() {
	let text = r#"
		picture = [1, 28, 28]
		layers = [
			{ kind = "conv2d", channels = 8, kernel = 3, padding = 1 },
			{ kind = "max-pool", kernel = 2 },
			{ kind = "average-pool", kernel = 3, stride = 2, padding = 1 },
			{ kind = "flatten" },
			{ kind = "layer-norm" },
			{ kind = "gelu" },
			{ kind = "dropout", probability = 0.25 },
			{ kind = "linear", outputs = 10 },
		]
	"#;
	let layers = vec![
		Layer::Conv2d {
			channels: 8,
			kernel: 3,
			stride: 1,
			padding: 1,
			bias: true,
		},
		Layer::MaxPool {
			kernel: 2,
			stride: None,
			padding: 0,
		},
		Layer::AveragePool {
			kernel: 3,
			stride: Some(2),
			padding: 1,
		},
		Layer::Flatten {},
		Layer::LayerNorm {},
		Layer::Gelu {},
		Layer::Dropout { probability: 0.25 },
		Layer::Linear {
			outputs: 10,
			bias: true,
		},
	];
	assert_eq!(model(text), Ok(ModelSpec::on_pictures([1, 28, 28], layers)));
}

#[test]
fn sequences_are_read() {
	let text = r#"
		layers = [
			{ kind = "embedding", dimension = 64 },
			{ kind = "transformer-block", heads = 4, feed_forward = 256 },
			{ kind = "transformer-block", heads = 4, feed_forward = 256, causal = false, dropout = 0.1 },
		]
	"#;
	let block = |causal, dropout| Layer::TransformerBlock {
		heads: 4,
		feed_forward: 256,
		causal,
		dropout,
	};
	let embedding = Layer::Embedding {
		vocabulary: None,
		dimension: 64,
		positions: true,
	};
	let layers = vec![embedding, block(true, 0.0), block(false, 0.1)];
	assert_eq!(model(text), Ok(ModelSpec::new(layers)));
}

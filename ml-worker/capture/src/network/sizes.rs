//! Whether the layers of a specification fit each other, and what flows between them.

use crate::{
	capture::Sizes,
	error::CaptureError,
	spec::{Layer, ModelSpec},
};

/// What flows between two layers, of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
	/// So many columns.
	Columns(u32),
	/// Channels, height and width.
	Picture([u32; 3]),
	/// Places, and the columns of each.
	Sequence([u32; 2]),
}

/// Each layer with what enters it.
pub(super) fn check(spec: &ModelSpec, sizes: &Sizes) -> Result<Vec<(Layer, Size)>, CaptureError> {
	let mut size = first(spec, sizes)?;
	let is_trained = |layer: &Layer| {
		matches!(
			layer,
			Layer::Linear { .. }
				| Layer::Conv2d { .. }
				| Layer::LayerNorm {}
				| Layer::Embedding { .. }
				| Layer::TransformerBlock { .. }
		)
	};
	if !spec.layers.iter().any(is_trained) {
		return Err(CaptureError::Setting {
			name: "layers",
			value: format!("{:?}", spec.layers),
			reason: "there must be at least one `linear` layer, or there is nothing to train"
				.to_owned(),
		});
	}
	let mut checked = Vec::with_capacity(spec.layers.len());
	// The last layer that changed the size.
	let mut last = 0;
	for (index, layer) in spec.layers.iter().enumerate() {
		let refused = |reason| refused(index, layer, reason);
		if index > 0 && matches!(layer, Layer::Embedding { .. }) {
			return Err(refused(
				"only the first layer can be an embedding".to_owned(),
			));
		}
		let next = after(layer, size, sizes.classes).map_err(refused)?;
		checked.push((layer.clone(), size));
		let is_linear = matches!(layer, Layer::Linear { .. });
		if next != size || is_linear {
			last = index;
		}
		size = next;
	}
	match spec.layers.get(last) {
		Some(layer) => end(spec, size, sizes.classes)
			.map(|()| checked)
			.map_err(|reason| refused(last, layer, reason)),
		None => Ok(checked),
	}
}

fn refused(index: usize, layer: &Layer, reason: String) -> CaptureError {
	CaptureError::Layer {
		index,
		layer: layer.clone(),
		reason,
	}
}

/// What the features of a sample are.
fn first(spec: &ModelSpec, sizes: &Sizes) -> Result<Size, CaptureError> {
	let Some(picture) = spec.picture else {
		return Ok(Size::Columns(sizes.columns));
	};
	match elements(&picture) {
		Some(elements) if elements == sizes.columns => Ok(Size::Picture(picture)),
		_ => Err(CaptureError::Setting {
			name: "picture",
			value: format!("{picture:?}"),
			reason: format!(
				"channels, height and width must give the {} features of a sample",
				sizes.columns
			),
		}),
	}
}

fn elements(lengths: &[u32]) -> Option<u32> {
	let mut lengths = lengths.iter();
	lengths.try_fold(1u32, |product, length| product.checked_mul(*length))
}

/// Whether what leaves the last layer can be scores.
fn end(spec: &ModelSpec, size: Size, classes: u32) -> Result<(), String> {
	match size {
		Size::Columns(columns) if columns == classes => Ok(()),
		Size::Columns(_) => Err(format!(
			"the last `linear` layer must have as many outputs as there are classes: {classes}"
		)),
		Size::Picture(_) => Err(
			"a picture is no score: after it there must be a `flatten` and a `linear` layer"
				.to_owned(),
		),
		Size::Sequence([_, columns]) if columns != classes => Err(format!(
			"the last `linear` layer must have as many outputs as there are classes: {classes}; for a \
			 single answer there must be a `flatten` before it"
		)),
		Size::Sequence(_) => language(spec, classes),
	}
}

/// Whether the scores of all places of a sequence can be learnt from.
fn language(spec: &ModelSpec, classes: u32) -> Result<(), String> {
	let sees_later = |layer: &Layer| matches!(layer, Layer::TransformerBlock { causal: false, .. });
	if spec.layers.iter().any(sees_later) {
		return Err(
			"each place foretells the next one, so every `transformer-block` must be `causal`; for a \
			 single answer there must be a `flatten` before the last `linear` layer"
				.to_owned(),
		);
	}
	match spec.layers.first() {
		Some(Layer::Embedding { vocabulary, .. }) if vocabulary.unwrap_or(classes) != classes => {
			Err(format!(
				"each place foretells the next one, so the embedding's `vocabulary` must be the number \
				 of classes: {classes}"
			))
		}
		_ => Ok(()),
	}
}

/// What leaves a layer.
fn after(layer: &Layer, size: Size, classes: u32) -> Result<Size, String> {
	match layer {
		Layer::Linear { outputs, .. } => {
			at_least_one("outputs", *outputs)?;
			match size {
				Size::Columns(_) => Ok(Size::Columns(*outputs)),
				Size::Sequence([length, _]) => Ok(Size::Sequence([length, *outputs])),
				Size::Picture(_) => Err(before("`flatten`", "a picture")),
			}
		}
		Layer::Relu {} | Layer::Tanh {} | Layer::Sigmoid {} | Layer::Gelu {} => Ok(size),
		Layer::Conv2d {
			channels,
			kernel,
			stride,
			padding,
			..
		} => {
			at_least_one("channels", *channels)?;
			let [_, height, width] = picture(size)?;
			let height = windows(height, *kernel, *stride, *padding)?;
			let width = windows(width, *kernel, *stride, *padding)?;
			Ok(Size::Picture([*channels, height, width]))
		}
		Layer::MaxPool {
			kernel,
			stride,
			padding,
		}
		| Layer::AveragePool {
			kernel,
			stride,
			padding,
		} => {
			if *padding > kernel / 2 {
				return Err("`padding` must be at most half of `kernel`".to_owned());
			}
			let stride = stride.unwrap_or(*kernel);
			let [channels, height, width] = picture(size)?;
			let height = windows(height, *kernel, stride, *padding)?;
			let width = windows(width, *kernel, stride, *padding)?;
			Ok(Size::Picture([channels, height, width]))
		}
		Layer::Flatten {} => {
			let columns = match size {
				Size::Columns(columns) => Some(columns),
				Size::Picture(lengths) => elements(&lengths),
				Size::Sequence(lengths) => elements(&lengths),
			};
			let columns = columns.ok_or("there are 2^32 elements or more")?;
			Ok(Size::Columns(columns))
		}
		Layer::LayerNorm {} => match size {
			Size::Picture(_) => Err(before("`flatten`", "a picture")),
			_ => Ok(size),
		},
		Layer::Dropout { probability } => share("probability", *probability).map(|()| size),
		Layer::Embedding {
			vocabulary,
			dimension,
			..
		} => {
			at_least_one("vocabulary", vocabulary.unwrap_or(classes))?;
			at_least_one("dimension", *dimension)?;
			match size {
				Size::Columns(length) => Ok(Size::Sequence([length, *dimension])),
				_ => Err("a picture does not consist of integers; leave `picture` out".to_owned()),
			}
		}
		Layer::TransformerBlock {
			heads,
			feed_forward,
			dropout,
			..
		} => {
			at_least_one("heads", *heads)?;
			at_least_one("feed_forward", *feed_forward)?;
			share("dropout", *dropout)?;
			match size {
				Size::Sequence([_, columns]) if columns % heads == 0 => Ok(size),
				Size::Sequence([_, columns]) => Err(format!(
					"the {columns} columns of the sequence must be a multiple of `heads`"
				)),
				_ => Err("it needs a sequence; the first layer must be an `embedding`".to_owned()),
			}
		}
	}
}

fn before(layer: &str, found: &str) -> String {
	format!("there must be a {layer} before it, for {found} enters it")
}

fn picture(size: Size) -> Result<[u32; 3], String> {
	match size {
		Size::Picture(picture) => Ok(picture),
		_ => Err(
			"it needs pictures; say channels, height and width in `picture`, and flatten later"
				.to_owned(),
		),
	}
}

/// How many windows there are along an axis.
fn windows(length: u32, kernel: u32, stride: u32, padding: u32) -> Result<u32, String> {
	at_least_one("kernel", kernel)?;
	at_least_one("stride", stride)?;
	let padded = u64::from(length) + 2 * u64::from(padding);
	match padded.checked_sub(kernel.into()) {
		Some(room) => u32::try_from(room / u64::from(stride) + 1)
			.map_err(|_| "there are too many windows".to_owned()),
		None => Err(format!(
			"a window of {kernel} does not fit on {length} with `padding` {padding}"
		)),
	}
}

fn at_least_one(name: &str, value: u32) -> Result<(), String> {
	match value {
		0 => Err(format!("`{name}` must be at least 1")),
		_ => Ok(()),
	}
}

fn share(name: &str, value: f32) -> Result<(), String> {
	match (0.0..1.0).contains(&value) {
		true => Ok(()),
		false => Err(format!("`{name}` must be at least 0 and less than 1")),
	}
}

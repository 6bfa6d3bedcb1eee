//! Max pooling and average pooling.

use crate::agree;
use burn::nn::{
	pool::{
		AdaptiveAvgPool1dConfig, AdaptiveAvgPool2dConfig, AvgPool1dConfig, AvgPool2dConfig,
		MaxPool1dConfig, MaxPool2dConfig,
	},
	PaddingConfig1d, PaddingConfig2d,
};

// Two channels of pictures, 6 high and 5 wide.
agree! {
	max: 60 => 12, |x| MaxPool2dConfig::new([2, 2]).init().forward(x.reshape([8, 2, 6, 5])).flatten(1, 3);
	max_of_overlapping_windows: 60 => 24, |x| {
		let pool = MaxPool2dConfig::new([3, 2]).with_strides([1, 2]);
		let pool = pool.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init();
		pool.forward(x.reshape([8, 2, 6, 5]).slice([0..8, 0..2, 0..4])).flatten(1, 3)
	};
	max_of_dilated_windows: 60 => 24, |x| {
		let pool = MaxPool2dConfig::new([2, 2]).with_strides([1, 1]).with_dilation([2, 2]).init();
		pool.forward(x.reshape([8, 2, 6, 5])).flatten(1, 3)
	};
	max_padded_on_one_side: 60 => 60, |x| {
		let pool = MaxPool2dConfig::new([2, 2]).with_strides([1, 1]).with_padding(PaddingConfig2d::Same).init();
		pool.forward(x.reshape([8, 2, 6, 5])).flatten(1, 3)
	};
	max_in_one_dimension: 60 => 20, |x| {
		MaxPool1dConfig::new(3).init().forward(x.reshape([8, 2, 30])).flatten(1, 2)
	};
	average: 60 => 12, |x| AvgPool2dConfig::new([2, 2]).init().forward(x.reshape([8, 2, 6, 5])).flatten(1, 3);
	average_with_the_padding: 60 => 24, |x| {
		let pool = AvgPool2dConfig::new([3, 3]).with_strides([2, 2]);
		let pool = pool.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).with_count_include_pad(true).init();
		pool.forward(x.reshape([8, 2, 6, 5])).slice([0..8, 0..2, 0..3, 0..3]).flatten(1, 3).repeat_dim(1, 2)
			.slice([0..8, 3..27])
	};
	average_without_the_padding: 60 => 18, |x| {
		let pool = AvgPool2dConfig::new([3, 3]).with_strides([2, 2]);
		let pool = pool.with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).with_count_include_pad(false).init();
		pool.forward(x.reshape([8, 2, 6, 5])).flatten(1, 3)
	};
	average_in_one_dimension: 60 => 32, |x| {
		let pool = AvgPool1dConfig::new(2).with_stride(2).with_padding(PaddingConfig1d::Explicit(1, 1)).init();
		pool.forward(x.reshape([8, 2, 30])).flatten(1, 2)
	};
	adaptive_average: 60 => 6, |x| {
		AdaptiveAvgPool2dConfig::new([3, 1]).init().forward(x.reshape([8, 2, 6, 5])).flatten(1, 3)
	};
	adaptive_average_in_one_dimension: 60 => 12, |x| {
		AdaptiveAvgPool1dConfig::new(6).init().forward(x.reshape([8, 2, 30])).flatten(1, 2)
	};
}

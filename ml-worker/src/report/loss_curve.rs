//! The loss curve as a picture.

use plotters::prelude::*;
use std::path::Path;

/// The most points that are drawn of a curve: about one for two pixels across.
const POINTS: usize = 400;

/// The curve could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("the loss curve could not be drawn: {0}")]
pub struct LossCurveError(String);

/// Losses of one trainer, or of all of them.
#[derive(Clone, Debug)]
pub struct Series {
	/// What it is called in the legend.
	pub name: String,
	/// Steps and their losses; what is not finite is left out.
	pub points: Vec<(f64, f64)>,
}

/// Writes the curves as an SVG picture. Where there are more points than pixels, means are drawn.
pub fn write(path: &Path, title: &str, series: &[Series]) -> Result<(), LossCurveError> {
	draw(path, title, series).map_err(|error| LossCurveError(error.to_string()))
}

fn draw(path: &Path, title: &str, series: &[Series]) -> Result<(), Box<dyn std::error::Error>> {
	let series: Vec<Series> = series.iter().map(thin_out).collect();
	let points = || series.iter().flat_map(|series| &series.points);
	let right = points().map(|(step, _)| *step).fold(1.0, f64::max);
	let top = points().map(|(_, loss)| *loss).fold(0.0, f64::max);
	let top = if top > 0.0 { top * 1.05 } else { 1.0 };

	let area = SVGBackend::new(path, (960, 540)).into_drawing_area();
	area.fill(&WHITE)?;
	let mut chart = ChartBuilder::on(&area)
		.caption(title, ("sans-serif", 22))
		.margin(16)
		.x_label_area_size(44)
		.y_label_area_size(56)
		.build_cartesian_2d(0.0..right, 0.0..top)?;
	chart
		.configure_mesh()
		.x_desc("step")
		.y_desc("loss")
		.light_line_style(WHITE)
		.x_label_formatter(&|step| format!("{step:.0}"))
		.draw()?;
	for (number, series) in series.iter().enumerate() {
		let colour = Palette99::pick(number).to_rgba();
		chart
			.draw_series(LineSeries::new(
				series.points.iter().copied(),
				colour.stroke_width(2),
			))?
			.label(series.name.clone())
			.legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
	}
	chart
		.configure_series_labels()
		.position(SeriesLabelPosition::UpperRight)
		.background_style(WHITE.mix(0.8))
		.border_style(BLACK.mix(0.3))
		.draw()?;
	area.present()?;
	Ok(())
}

fn thin_out(series: &Series) -> Series {
	let finite: Vec<(f64, f64)> = series
		.points
		.iter()
		.copied()
		.filter(|(step, loss)| step.is_finite() && loss.is_finite())
		.collect();
	let width = finite.len().div_ceil(POINTS).max(1);
	let mean = |chunk: &[(f64, f64)]| {
		let count = chunk.len() as f64;
		let sum = chunk
			.iter()
			.fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
		(sum.0 / count, sum.1 / count)
	};
	Series {
		name: series.name.clone(),
		points: finite.chunks(width).map(mean).collect(),
	}
}

//! What people see of a training run: progress while it goes on, then a picture, a model file, a summary.

pub mod loss_curve;
pub mod model_file;
pub mod progress;

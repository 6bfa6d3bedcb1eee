//! What people see of a training run: progress while it goes on, then a picture and a summary.

pub mod loss_curve;
pub mod progress;

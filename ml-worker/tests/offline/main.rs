//! What can be done without a chain: reading, cutting, training, writing. One module for each behaviour; one
//! program for all, because linking takes longer than running.

mod accuracy;
mod amounts;
mod command_line;
mod csv_files;
mod disputes;
mod idx_files;
mod interchange;
mod key_files;
mod programs;
mod reproducible;
mod resumed;
mod segments;
mod small;
mod task_costs;
mod task_files;
mod text_files;

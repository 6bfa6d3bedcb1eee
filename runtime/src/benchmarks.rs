//! The benchmarks that weights are measured with: our own pallets'. The SDK's pallets come measured.

use crate::*;

frame_benchmarking::define_benchmarks!(
	[pallet_tickets, Tickets]
	[pallet_ml_tasks, MlTasks]
	[pallet_pouw, Pouw]
	[pallet_rewards, Rewards]
);

//! Benchmarks of the calls.

use crate::{Call, Config, FeeSplit, Pallet, Split};
use polkadot_sdk::{
	frame_benchmarking::{v2::*, BenchmarkError},
	frame_support::traits::EnsureOrigin,
	sp_runtime::Permill,
};

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn set_split() -> Result<(), BenchmarkError> {
		let origin =
			T::AdminOrigin::try_successful_origin().map_err(|()| BenchmarkError::Weightless)?;
		let split = FeeSplit {
			trainers: Permill::from_percent(60),
			verifiers: Permill::from_percent(10),
			supervisors: Permill::from_percent(10),
			evaluators: Permill::from_percent(10),
			burned: Permill::from_percent(10),
		};

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, split);

		assert_eq!(Split::<T>::get(), split);
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::externalities(), crate::mock::Test);
}

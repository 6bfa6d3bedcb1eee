//! A Burn backend that computes nothing: it writes down each operation with its shapes.
//!
//! Burn's router backend hands every operation to a client as data ([`OperationIr`]); results are
//! known by id and shape alone. A client that only keeps what it is handed is therefore enough to
//! record a module, whatever its size, and a module that looks at values is found out.

use crate::error::CaptureError;
use burn::{
	backend::Autodiff,
	tensor::{
		backend::{
			AutodiffBackend, Backend, DTypeUsage, DTypeUsageSet, Device, DeviceId, DeviceOps,
			ExecutionError,
		},
		ops::{FloatTensor, FloatTensorOps},
		DType, Shape, TensorData,
	},
};
use burn_ir::{OperationIr, TensorId, TensorIr};
use burn_router::{BackendRouter, MultiBackendBridge, RouterTensor, RunnerChannel, RunnerClient};
use std::{
	cell::RefCell,
	collections::HashMap,
	future::Future,
	panic::{catch_unwind, AssertUnwindSafe},
	pin::Pin,
	sync::atomic::{AtomicU64, Ordering},
};

/// The backend that records.
pub(crate) type Recorder = BackendRouter<TapeChannel>;

/// The backend that records, with gradients.
pub(crate) type Training = Autodiff<Recorder>;

thread_local! {
	/// What the current capture on this thread recorded; none while nothing is captured.
	static TAPE: RefCell<Option<Tape>> = const { RefCell::new(None) };
}

/// What was recorded.
#[derive(Default)]
pub(crate) struct Tape {
	/// The operations in the order in which Burn asked for them, without those that only free memory.
	pub(crate) operations: Vec<OperationIr>,
	/// The values of tensors that were made from data.
	pub(crate) data: HashMap<TensorId, TensorData>,
	/// The first attempt to read a tensor: how many operations there were before, and its shape.
	read: Option<(usize, Shape)>,
}

/// Runs `module` and returns what it returned, along with what was recorded.
pub(crate) fn record<R>(module: impl FnOnce() -> R) -> Result<(R, Tape), CaptureError> {
	let outer = TAPE.replace(Some(Tape::default()));
	// Burn reports wrong shapes by panics, and a stranger's module may do anything.
	let result = catch_unwind(AssertUnwindSafe(module));
	let tape = TAPE
		.replace(outer)
		.expect("it was put there above, and only here is it taken; qed");
	if let Some((index, shape)) = tape.read {
		return Err(CaptureError::ValueRead {
			index,
			shape: format!("{:?}", shape.to_vec()),
		});
	}
	match result {
		Ok(result) => Ok((result, tape)),
		Err(panic) => {
			let message = panic
				.downcast_ref::<String>()
				.map(String::as_str)
				.or_else(|| panic.downcast_ref::<&str>().copied())
				.unwrap_or("it panicked without a message");
			Err(CaptureError::Module {
				message: message.to_owned(),
			})
		}
	}
}

/// How many operations the tape of this thread has so far.
pub(crate) fn recorded_so_far() -> usize {
	TAPE.with_borrow(|tape| tape.as_ref().map_or(0, |tape| tape.operations.len()))
}

/// Writes to the tape of this thread, if there is one.
fn with_tape(write: impl FnOnce(&mut Tape)) {
	// Tensors are also dropped while a thread ends.
	let _ = TAPE.try_with(|tape| {
		if let Some(tape) = tape.borrow_mut().as_mut() {
			write(tape)
		}
	});
}

fn next_id() -> TensorId {
	// Ids are unique in the process, so that a tensor of another capture is recognised as foreign.
	static NEXT: AtomicU64 = AtomicU64::new(0);
	TensorId::new(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The only device of the recording backend.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct TapeDevice;

impl Device for TapeDevice {
	fn from_id(_: DeviceId) -> Self {
		TapeDevice
	}

	fn to_id(&self) -> DeviceId {
		DeviceId::new(0, 0)
	}
}

impl DeviceOps for TapeDevice {}

/// Tensors never move: there is one device.
pub(crate) struct NoBridge;

impl MultiBackendBridge for NoBridge {
	type TensorHandle = ();
	type Device = TapeDevice;

	fn change_backend_float(_: (), _: Shape, _: &TapeDevice) {}

	fn change_backend_int(_: (), _: Shape, _: &TapeDevice) {}

	fn change_backend_bool(_: (), _: Shape, _: &TapeDevice) {}
}

/// The router's way to the tape.
#[derive(Clone)]
pub(crate) struct TapeChannel;

impl RunnerChannel for TapeChannel {
	type Device = TapeDevice;
	type Bridge = NoBridge;
	type Client = TapeClient;
	type FloatElem = f32;
	type IntElem = i32;
	type BoolElem = bool;

	fn name(_: &TapeDevice) -> String {
		"tape".to_owned()
	}

	fn init_client(_: &TapeDevice) -> TapeClient {
		TapeClient
	}

	fn get_tensor_handle(_: &TensorIr, _: &TapeClient) {}

	fn register_tensor(
		client: &TapeClient,
		(): (),
		shape: Shape,
		dtype: DType,
	) -> RouterTensor<TapeClient> {
		RouterTensor::new(next_id(), shape, dtype, client.clone())
	}
}

/// Puts what the router hands it on the tape of the current thread.
#[derive(Clone)]
pub(crate) struct TapeClient;

impl RunnerClient for TapeClient {
	type Device = TapeDevice;

	fn register_op(&self, operation: OperationIr) {
		if !matches!(operation, OperationIr::Drop(_)) {
			with_tape(|tape| tape.operations.push(operation));
		}
	}

	fn read_tensor_async(
		&self,
		tensor: TensorIr,
	) -> Pin<Box<dyn Future<Output = Result<TensorData, ExecutionError>> + Send>> {
		with_tape(|tape| {
			let index = tape.operations.len();
			tape.read.get_or_insert((index, tensor.shape));
		});
		Box::pin(std::future::ready(Err(ExecutionError::WithContext {
			reason: "a module that is being captured has no values".to_owned(),
		})))
	}

	fn sync(&self) -> Result<(), ExecutionError> {
		Ok(())
	}

	fn create_empty_handle(&self) -> TensorId {
		next_id()
	}

	fn register_tensor_data(&self, data: TensorData) -> RouterTensor<Self> {
		let id = next_id();
		let (shape, dtype) = (data.shape.clone(), data.dtype);
		with_tape(|tape| {
			tape.data.insert(id, data);
		});
		RouterTensor::new(id, shape, dtype, self.clone())
	}

	fn device(&self) -> TapeDevice {
		TapeDevice
	}

	fn seed(&self, _: u64) {}

	fn dtype_usage(&self, _: DType) -> DTypeUsageSet {
		DTypeUsage::general()
	}
}

/// What capturing needs of either recording backend.
pub(crate) trait Recording:
	Backend<Device = TapeDevice, IntTensorPrimitive = RouterTensor<TapeClient>>
{
	/// The id by which the tape knows a tensor.
	fn id(tensor: FloatTensor<Self>) -> TensorId;

	/// Whether a tensor depends on a tensor that requires a gradient, without being one itself.
	fn is_computed(tensor: &FloatTensor<Self>) -> bool;

	/// The id of a tensor's gradient, if it has one.
	fn gradient(
		tensor: &FloatTensor<Self>,
		gradients: &<Training as AutodiffBackend>::Gradients,
	) -> Option<TensorId>;
}

impl Recording for Recorder {
	fn id(tensor: FloatTensor<Self>) -> TensorId {
		tensor.into_ir().id
	}

	fn is_computed(_: &FloatTensor<Self>) -> bool {
		false
	}

	fn gradient(
		_: &FloatTensor<Self>,
		_: &<Training as AutodiffBackend>::Gradients,
	) -> Option<TensorId> {
		None
	}
}

impl Recording for Training {
	fn id(tensor: FloatTensor<Self>) -> TensorId {
		Recorder::id(tensor.primitive)
	}

	fn is_computed(tensor: &FloatTensor<Self>) -> bool {
		tensor.is_tracked() && !Self::float_is_require_grad(tensor)
	}

	fn gradient(
		tensor: &FloatTensor<Self>,
		gradients: &<Training as AutodiffBackend>::Gradients,
	) -> Option<TensorId> {
		<Training as AutodiffBackend>::grad(tensor, gradients).map(Recorder::id)
	}
}

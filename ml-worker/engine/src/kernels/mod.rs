//! The kernels: one operation each, on borrowed elements, shared out among a team of threads.

mod convolution;
pub(crate) mod elementwise;
pub(crate) mod matmul;
pub(crate) mod movement;
mod prefetch;
pub(crate) mod random;
pub(crate) mod reduction;
pub(crate) mod stack;
pub(crate) mod window;

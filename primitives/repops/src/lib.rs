//! Reproducible training arithmetic ("repops").
//!
//! The law of this crate: **one definition, many implementations, no differing bit.** What stands
//! here is the definition; fast kernels elsewhere must agree with it in every bit on every input.
//!
//! A training step is a [`program::Program`]: a list of operations in single-assignment form with
//! static shapes. It is checked before it runs, its values are committed to by Merkle trees over
//! tiles, and its random numbers come from a counter-based generator.
//!
//! | module | what |
//! |---|---|
//! | [`number`] | arithmetic on single numbers: fused multiply-add, exp, log, tanh, the one NaN |
//! | [`random`] | the generator, its distributions, the order of rows |
//! | [`tensor`], [`program`] | the data |
//! | [`check`] | what programs are accepted, and what they cost |
//! | [`kernel`], [`interpret`] | the operations and whole programs, by reference code |
//! | [`initial`], [`merge`] | how a state starts, and how several become one |
//! | [`referee`] | one element of one operation, from few tiles of its operands |
//! | [`parts`] | a program in parts that can be shown alone |
//! | [`commit`], [`state_blob`] | roots and proofs; a state as bytes |
//! | [`shown`] | a tile that is shown by who says that it holds the whole |
#![cfg_attr(not(feature = "std"), no_std)]
#![warn(missing_docs)]

extern crate alloc;

pub mod check;
pub mod commit;
pub mod initial;
pub mod interpret;
pub mod kernel;
pub mod merge;
pub mod number;
pub mod parts;
pub mod program;
pub mod random;
pub mod referee;
pub mod shown;
pub mod state_blob;
pub mod tensor;

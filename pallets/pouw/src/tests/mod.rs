//! The behaviour of the market as a whole, one file for each part of it.

mod agenda;
pub(crate) mod arithmetic;
mod assignment;
mod attacks;
mod audits;
mod demands;
mod disputes;
mod ending;
mod evaluation;
mod given_state;
mod properties;
mod refutations;
mod rewind;
mod rounds;
mod scores;
mod submission;
mod upgrade;
mod verifiers;

//! The behaviour of the market as a whole, one file for each part of it.

mod agenda;
mod assignment;
mod attacks;
mod audits;
mod ending;
mod evaluation;
mod properties;
mod rewind;
mod rounds;
mod submission;
mod verifiers;

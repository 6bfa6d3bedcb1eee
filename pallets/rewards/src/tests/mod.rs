//! Tests by behaviour.

mod conservation;
mod farming;
mod reputation;
mod set_split;
mod split;
mod subsidy;

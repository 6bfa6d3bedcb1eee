//! What the runtime promises, a file for each subject. One program, because each links the whole chain.

mod blocks;
mod chain;
mod constants;
mod genesis;
mod governance;
mod market;
mod metadata;
mod staking;

//! Tests by behaviour.

mod attacks;
mod buy;
mod draw;
mod duties;
mod endpoint;
mod expire;
mod hook;
mod release;
mod retarget;
mod retire;
mod sequences;
mod slash;

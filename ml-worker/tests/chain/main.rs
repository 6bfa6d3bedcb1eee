//! What the worker makes of what a node says. One module for each behaviour; one program for all, because
//! linking takes longer than running.

mod connection;
mod demands;
mod disputes;
mod duties;
mod given_state;
mod node;
mod own_tasks;
mod retention;
#[allow(dead_code)] // Other tests read it from files.
#[path = "../offline/small.rs"]
mod small;
mod transactions;

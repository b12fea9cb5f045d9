//! End to end: the binary, in a cleared environment, against real Git and real engines. One file a command.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod config;
mod containers;
mod demo;
mod doctor;
mod image;
mod image_life;
mod logs;
mod real_repo;
mod reference;
mod repo;
mod repo_kill;
mod repo_move;
mod run;
mod task;
mod task_places;
mod testing;
mod testing_faults;
mod testing_selection;
mod testing_signals;
mod testing_verdicts;
mod version;
mod workspace;

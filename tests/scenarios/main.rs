//! End to end: the binary, in a cleared environment, against real Git and real engines. One file a command.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod clone;
mod config;
mod containers;
mod demo;
mod deps;
mod doctor;
mod files;
mod files_refused;
mod files_repos;
mod image;
mod image_life;
mod lock;
mod logs;
mod platforms;
mod real_repo;
mod reference;
mod registry;
mod repo;
mod repo_kill;
mod repo_move;
mod run;
mod testing;
mod testing_faults;
mod testing_selection;
mod testing_signals;
mod testing_verdicts;
mod version;
mod workspace;
mod worktrees;

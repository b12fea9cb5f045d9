//! End to end: the binary, in a cleared environment, against real Git and real engines. One file a command.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod clone;
mod config;
mod containers;
mod coverage;
mod demo;
mod deps;
mod doctor;
mod exports;
mod files;
mod files_refused;
mod files_repos;
mod graph;
mod image;
mod image_life;
mod lock;
mod logs;
mod platforms;
mod prod;
mod real_repo;
mod reference;
mod registry;
mod release;
mod release_stopped;
mod repo;
mod repo_kill;
mod repo_login;
mod repo_move;
mod report_page;
mod repro;
mod run;
mod setenv;
mod start;
mod task;
mod task_places;
mod testing;
mod testing_faults;
mod testing_selection;
mod testing_signals;
mod testing_verdicts;
mod thin_env;
mod version;
mod workspace;
mod worktrees;

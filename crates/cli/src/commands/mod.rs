//! One file a command, one folder a noun. The argument struct's doc comments are the help text; `run` is short and
//! hands over to core.

mod ask;
mod beside;
pub(crate) mod data;
mod generated;
mod interrupt;
mod job;
mod ports;
mod started;

pub mod adopt;
pub mod bash;
pub mod ci;
pub mod clone;
pub mod complete;
pub mod completions;
pub mod config;
pub mod demo;
pub mod deps;
pub mod doctor;
pub mod env;
pub mod files;
pub mod graph;
pub mod ide;
pub mod image;
pub mod init;
pub mod itself;
pub mod jupyter;
pub mod logs;
pub mod ls;
pub mod new;
pub mod prune;
pub mod ps;
pub mod repo;
pub mod run;
pub mod setenv;
pub mod stats;
pub mod status;
pub mod stop;
pub mod task;
pub mod tasks;
pub mod test;
pub mod up;
pub mod version;
mod warm;

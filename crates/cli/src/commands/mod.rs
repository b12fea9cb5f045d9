//! One file a command, one folder a noun. The argument struct's doc comments are the help text; `run` is short and
//! hands over to core.

mod ask;
pub(crate) mod data;
mod interrupt;
mod job;
mod started;

pub mod adopt;
pub mod bash;
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
pub mod image;
pub mod init;
pub mod itself;
pub mod logs;
pub mod ls;
pub mod new;
pub mod prune;
pub mod ps;
pub mod repo;
pub mod run;
pub mod setenv;
pub mod status;
pub mod stop;
pub mod task;
pub mod tasks;
pub mod test;
pub mod version;

//! One file a command, one folder a noun. The argument struct's doc comments are the help text; `run` is short and
//! hands over to core.

mod data;
mod interrupt;
mod job;
mod started;

pub mod bash;
pub mod clone;
pub mod complete;
pub mod completions;
pub mod config;
pub mod demo;
pub mod deps;
pub mod doctor;
pub mod files;
pub mod image;
pub mod logs;
pub mod ls;
pub mod prune;
pub mod ps;
pub mod repo;
pub mod run;
pub mod status;
pub mod stop;
pub mod test;
pub mod version;

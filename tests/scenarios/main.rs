//! End to end: the binary, in a cleared environment, against real Git and real engines. One file a command.

mod config;
mod containers;
mod demo;
mod doctor;
mod image;
mod reference;
mod run;
mod version;
mod workspace;

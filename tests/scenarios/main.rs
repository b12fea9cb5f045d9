//! End to end: the binary, in a cleared environment, against real Git and real engines. One file a command.

mod demo;
mod doctor;
mod reference;

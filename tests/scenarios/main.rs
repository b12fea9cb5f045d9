//! End to end: the binary against real parts.

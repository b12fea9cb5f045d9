//! How the release binary is linked: smaller, and quicker to start.
//!
//! - `-no-pie`: an executable at a fixed address has no relocations to apply at each start (half a megabyte of them,
//!   half a millisecond). Stack, heap and libraries are still placed at random.
//! - `--icf=all`: functions of the same machine code are kept once. Nothing here compares addresses of functions.
//! - Unwinding tables are left out: a release binary aborts on a panic, and without symbols a backtrace would be a list
//!   of numbers. They are 1.3 MB. A debug build has them.
//!
//! Only with LLD, which Rust links with by itself on x86-64 Linux; elsewhere the binary is linked as usual. Where another
//! linker is set up there, `WHARF_PLAIN_LINK=1` does the same.

use std::path::Path;
use std::{env, fs};

const WITHOUT_TABLES: &str =
    "SECTIONS { /DISCARD/ : { *(.eh_frame) *(.gcc_except_table) *(.gcc_except_table.*) } } INSERT AFTER .text;\n";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=WHARF_PLAIN_LINK");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|is| is == value);
    let has_lld = is("TARGET", "x86_64-unknown-linux-gnu") && is("HOST", "x86_64-unknown-linux-gnu");
    if !is("PROFILE", "release") || !has_lld || env::var("WHARF_PLAIN_LINK").is_ok() {
        return;
    }
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let script = Path::new(&out).join("without-tables.ld");
    fs::write(&script, WITHOUT_TABLES).expect("cargo's own folder can be written");
    let script = format!("-Wl,-T,{}", script.display());
    for argument in ["-no-pie", "-Wl,--icf=all", "-Wl,--no-eh-frame-hdr", &script] {
        println!("cargo:rustc-link-arg-bin=wharf={argument}");
    }
}

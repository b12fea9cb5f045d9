//! `cargo xtask base-image`: the images that the tests build on, made from Debian packages.
//!
//! Owns three images in docker and podman alike: `wharf-test/python:bookworm` (Python, venv, pip, Git),
//! `wharf-test/empty:bookworm` (a shell, no Python) and `wharf-test/services:bookworm` (PostgreSQL, Redis); `tiny_image.rs` has those of two architectures. Refuses to pull anything unless `WHARF_TEST_BASE` names another base.

use std::path::{Path, PathBuf};

use crate::engine;
use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::program::Program;
use crate::test_environment::{DEFAULT_BASE, base};
use crate::tiny_image;

/// Raise it when an image's content changes: images with another one are made anew.
pub(crate) const VERSION: &str = "1";
/// The label that holds `VERSION`.
pub(crate) const LABEL: &str = "dev.wharf.test-base";
const EMPTY: &str = "wharf-test/empty:bookworm";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
pub(crate) const SUITE: &str = "bookworm";
const SERVICES: &str = "wharf-test/services:bookworm";
/// The cluster that Debian's package makes, open to all.
const POSTGRES: &str = r#"["postgres", "-D", "/var/lib/postgresql/15/main", "-c", "config_file=/etc/postgresql/15/main/postgresql.conf", "-c", "listen_addresses=*", "-c", "unix_socket_directories=/tmp", "-c", "fsync=off", "-c", "jit=off"]"#;
const SERVICES_CHANGES: &[&str] =
    &["ENV PATH=/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin", "USER postgres", "EXPOSE 5432"];
const INCLUDE: &str = "ca-certificates,python3,python3-venv,python3-pip,git";

/// An image to be made from a tar archive.
struct Image {
    name: &'static str,
    command: &'static str,
    /// What else its containers find.
    changes: &'static [&'static str],
    archive: fn(&Path, &Path) -> Outcome,
}

const IMAGES: [Image; 3] = [
    Image { name: DEFAULT_BASE, command: r#"["python3"]"#, changes: &[], archive: python_archive },
    Image { name: EMPTY, command: r#"["/bin/sh"]"#, changes: &[], archive: empty_archive },
    Image { name: SERVICES, command: POSTGRES, changes: SERVICES_CHANGES, archive: services_archive },
];

/// Makes the images where an engine lacks them, then prints the name of the tests' base.
pub fn run(place: &Place) -> Outcome {
    let base = base();
    for image in &IMAGES {
        for program in ["docker", "podman"] {
            let engine = Engine { place, program };
            if image.name == DEFAULT_BASE && base != DEFAULT_BASE {
                engine.ensure_pulled(&base)?;
            } else {
                engine.ensure_made(image)?;
            }
        }
    }
    tiny_image::ensure(place)?;
    println!("{base}");
    Ok(())
}

/// One of the engines.
pub(crate) struct Engine<'a> {
    pub(crate) place: &'a Place,
    pub(crate) program: &'static str,
}

impl Engine<'_> {
    fn ensure_made(&self, image: &Image) -> Outcome {
        if self.has_current(image.name)? {
            return Ok(());
        }
        let archive = archive(self.place, image)?;
        eprintln!("{}: importing {}", self.program, image.name);
        let changes =
            [format!("ENV PATH={PATH}"), format!("CMD {}", image.command), format!("LABEL {LABEL}={VERSION}")];
        let changes = changes.iter().map(String::as_str).chain(image.changes.iter().copied());
        let changes: Vec<&str> = changes.flat_map(|change| ["--change", change]).collect();
        self.program()?.arg("import").args(changes).arg(&archive).arg(image.name).read()?;
        self.program()?.args(["run", "--rm", image.name, "/bin/sh", "-c", "true"]).read().map_err(|failure| {
            Failure::not_ready(format!("{} cannot run a container\n{}", self.program, failure.message))
                .hint("`cargo xtask engine` makes it ready")
        })?;
        Ok(())
    }

    fn ensure_pulled(&self, name: &str) -> Outcome {
        if self.program()?.args(["image", "inspect", name]).succeeds() {
            return Ok(());
        }
        self.program()?.args(["pull", name]).run_on_stderr()
    }

    /// Whether it has an image of this name with the current content.
    pub(crate) fn has_current(&self, name: &str) -> Outcome<bool> {
        // A listing, and not `inspect`: an image that is not there is an empty answer then, and a failure is a failure.
        let filters = [format!("label={LABEL}={VERSION}"), format!("reference={name}")];
        let filters = filters.iter().flat_map(|filter| ["--filter", filter]);
        Ok(!self.program()?.args(["image", "ls", "--quiet"]).args(filters).read()?.is_empty())
    }

    /// Its program.
    pub(crate) fn program(&self) -> Outcome<Program> {
        Ok(Program::new(self.program).env("CONTAINERS_CONF", engine::containers_conf(self.place)?))
    }
}

/// The image's archive under `target/base-image`, made where it is missing.
fn archive(place: &Place, image: &Image) -> Outcome<PathBuf> {
    let dir = place.target_dir("base-image")?;
    let stem = image.name.replace(['/', ':'], "-");
    let file = dir.join(format!("{stem}-{VERSION}.tar"));
    if !file.is_file() {
        eprintln!("making {}", image.name);
        let scratch = dir.join(format!("{stem}.new"));
        if scratch.exists() {
            fs_err::remove_dir_all(&scratch)?;
        }
        fs_err::create_dir_all(&scratch)?;
        (image.archive)(&scratch, &scratch.join("image.tar"))?;
        fs_err::rename(scratch.join("image.tar"), &file)?;
        fs_err::remove_dir_all(&scratch)?;
    }
    Ok(file)
}

/// A minimal Debian with Python and Git, without documentation.
fn python_archive(_scratch: &Path, archive: &Path) -> Outcome {
    debian(archive, INCLUDE, &[])
}

/// PostgreSQL and Redis. The compiler that PostgreSQL could use is left out: it is larger than all else.
fn services_archive(_scratch: &Path, archive: &Path) -> Outcome {
    let open = r#"printf 'local all all trust\nhost all all all trust\n' > "$1/etc/postgresql/15/main/pg_hba.conf""#;
    let slim = r#"rm -rf "$1"/usr/lib/*/libLLVM* "$1"/usr/lib/*/libz3* "$1"/usr/lib/postgresql/15/lib/bitcode"#;
    debian(archive, "postgresql-15,redis-server", &[open, slim])
}

/// A minimal Debian with some packages, without documentation; `hooks` change it at the end.
fn debian(archive: &Path, include: &str, hooks: &[&str]) -> Outcome {
    let without_docs = ["man", "doc", "locale"].map(|name| format!("--dpkgopt=path-exclude=/usr/share/{name}/*"));
    Program::new("mmdebstrap")
        .args(["--quiet", "--variant=minbase", "--aptopt=Acquire::Languages \"none\""])
        .args(without_docs)
        .args(hooks.iter().map(|hook| format!("--customize-hook={hook}")))
        .arg(format!("--include={include}"))
        .arg(SUITE)
        .arg(archive)
        .run_on_stderr()
        .map_err(|failure| {
            Failure::not_ready(failure.message)
                .hint("`cargo xtask engine` installs mmdebstrap; or name an image that is there with WHARF_TEST_BASE=python:3.12-slim")
        })
}

/// A static busybox under all its names, and what any program expects to find.
fn empty_archive(scratch: &Path, archive: &Path) -> Outcome {
    let tree = scratch.join("tree");
    busybox_tree(&tree, &static_busybox(scratch)?)?;
    Program::new("tar").args(["--owner=0", "--group=0", "-C"]).arg(&tree).arg("-cf").arg(archive).arg(".").run()
}

/// A busybox under all its names, and what any program expects to find.
pub(crate) fn busybox_tree(tree: &Path, program: &Path) -> Outcome {
    for dir in ["bin", "etc", "root", "tmp", "usr/bin"] {
        fs_err::create_dir_all(tree.join(dir))?;
    }
    let busybox = tree.join("bin/busybox");
    fs_err::copy(program, &busybox)?;
    for name in Program::new(&busybox).arg("--list").read()?.lines().filter(|name| *name != "busybox") {
        fs_err::os::unix::fs::symlink("busybox", tree.join("bin").join(name))?;
    }
    fs_err::write(tree.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n")?;
    fs_err::write(tree.join("etc/group"), "root:x:0:\n")?;
    Program::new("chmod").arg("1777").arg(tree.join("tmp")).run()
}

/// Debian's static busybox, unpacked without installing it.
fn static_busybox(scratch: &Path) -> Outcome<PathBuf> {
    let download =
        || Program::new("apt-get").args(["download", "--quiet", "busybox-static"]).cwd(scratch).run_on_stderr();
    if download().is_err() {
        // A machine that has never run `apt-get update` knows no packages.
        Program::new("apt-get").args(["update", "--quiet"]).run_on_stderr()?;
        download().map_err(|failure| Failure::not_ready(failure.message))?;
    }
    let package = fs_err::read_dir(scratch)?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .ok_or_else(|| Failure::not_ready("`apt-get download busybox-static` left no package"))?;
    Program::new("dpkg-deb").arg("-x").arg(package).arg(scratch.join("package")).run()?;
    Ok(scratch.join("package/bin/busybox"))
}

//! A super-repo laid out the older way: no `wharf.toml` anywhere, a shared submodule at `helpers_root`, and `devops` folders that are
//! mostly links into it.
//!
//! The scripts are written after those that teams have: they `source` scripts of the submodule, expect variables of the container,
//! and `eval` their arguments.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::engines::base_image;
use crate::repo::Repo;
use crate::sandbox::Sandbox;

mod texts;

/// The dirs that build an image of their own, each with the name of its image after the repo's.
pub const OWN: [(&str, &str); 7] = [
    (".", ""),
    ("alpha", "-alpha"),
    ("beta", "-beta"),
    ("gamma", "-gamma"),
    ("delta", "-delta"),
    ("libs/eps", "-eps"),
    ("deep/down/my-hyphened-dir", "-hyphened"),
];

/// The dir whose `devops` has nothing to build with: it runs in the root's image.
pub const REUSES: &str = "zeta";

/// The dir whose `devops` is partly its own, partly links, and lacks the rest.
pub const PARTIAL: &str = "partial";

/// A super-repo as teams have it, named `name`, in the sandbox's work folder: the root and eight dirs, each with one passing fast
/// test. Images are based on the tests' base image. Committed, the submodule populated.
#[track_caller]
pub fn workspace(sandbox: &Sandbox, name: &str) -> Repo {
    let home = sandbox.path();
    let remotes = home.join(format!("{name}.remotes"));
    let remote = Repo::bare_remote(remotes.join("helpers.git"));
    let helpers = Repo::init(remotes.join("helpers"));
    write_helpers(&helpers, name);
    helpers.commit("helpers: first");
    helpers.push_to(&remote);

    let repo = Repo::init(home.join(name));
    repo.write(".gitignore", "__pycache__/\n.pytest_cache/\ntmp.*\n");
    repo.add_submodule(&remote, "helpers_root");
    for (dir, suffix) in OWN {
        write_dir(&repo, dir, name, suffix);
    }
    write_reusing(&repo);
    write_partial(&repo, name);
    write_root(&repo, name);
    repo.commit("sample: first");
    repo
}

/// The same as a clone whose submodule was never populated, beside it.
#[track_caller]
pub fn unpopulated(repo: &Repo, sandbox: &Sandbox, name: &str) -> Repo {
    let path = sandbox.path().join(name);
    repo.git(&["clone", "--quiet", &repo.url(), &path.to_string_lossy()]);
    Repo::open(path)
}

/// A Git worktree of it, beside it, with the submodule populated.
#[track_caller]
pub fn worktree(repo: &Repo, sandbox: &Sandbox, name: &str) -> Repo {
    let path = sandbox.path().join(name);
    repo.git(&["worktree", "add", "--quiet", "-b", name, &path.to_string_lossy()]);
    let tree = Repo::open(path);
    tree.git(&["submodule", "--quiet", "update", "--init"]);
    tree
}

/// The text of a `repo_config.yaml` for the image `image` of the repo `repo`.
pub fn repo_config(repo: &str, image: &str) -> String {
    texts::REPO_CONFIG.replace("@REPO@", repo).replace("@IMAGE@", image)
}

/// The submodule is a repo of the same kind: its own image can be built when it stands alone.
fn write_helpers(helpers: &Repo, name: &str) {
    let dockerfile = texts::DEV_DOCKERFILE.replace("@BASE@", &base_image()).replace("@MARK@", name);
    helpers.write("devops/docker_build/dev.Dockerfile", dockerfile);
    helpers.write("devops/docker_build/prod.Dockerfile", texts::PROD_DOCKERFILE);
    helpers.write("devops/docker_build/dockerignore.dev", texts::IGNORE_DEV);
    helpers.write("devops/docker_build/dockerignore.prod", texts::IGNORE_PROD);
    helpers.write("devops/docker_build/pyproject.toml", texts::PYPROJECT);
    helpers.write("devops/docker_build/poetry.toml", "[virtualenvs]\nin-project = false\n");
    helpers.write("devops/docker_build/poetry.lock", "# made by the fixture: nothing is locked\n");
    helpers.write("devops/docker_run/bashrc", "alias ll='ls -l'\n");
    for (path, text) in [
        ("devops/docker_build/utils.sh", texts::UTILS),
        ("devops/docker_build/install_python_packages.sh", texts::INSTALL_PYTHON),
        ("devops/docker_run/entrypoint.sh", texts::ENTRYPOINT),
        ("devops/docker_run/docker_setenv.sh", texts::SETENV),
        ("dev_scripts_helpers/thin_client/thin_client_utils.sh", texts::THIN_CLIENT_UTILS),
    ] {
        helpers.write(path, text);
        executable(&helpers.join(path));
    }
    helpers.write("repo_config.yaml", repo_config("helpers", "helpers"));
    helpers.write("changelog.txt", "# helpers-1.2.0\n- 2024-01-01\n- First\n");
    helpers.write("helpers/__init__.py", "").write("helpers/hvalue.py", "VALUE = 42\n");
}

fn write_root(repo: &Repo, name: &str) {
    repo.write("tasks.py", "from invoke import task\n\n\n@task\ndef hello(ctx):\n    print('hello')\n");
    repo.write("invoke.yaml", "run:\n  echo: true\n");
    repo.write("pytest.ini", texts::PYTEST_INI).write("conftest.py", "");
    let thin = format!("dev_scripts_{name}/thin_client");
    repo.write(format!("{thin}/requirements.txt"), "invoke>=2\n");
    repo.write(format!("{thin}/setenv.sh"), "echo setenv\n")
        .write(format!("{thin}/build.py"), "")
        .write(format!("{thin}/tmux.py"), "");
    // What no build needs: the context must not hold it.
    repo.write("data/large.bin", vec![7_u8; 2_000_000]);
}

/// A dir with an image of its own, its `devops` all links.
fn write_dir(repo: &Repo, dir: &str, name: &str, suffix: &str) {
    let image = format!("{name}{suffix}");
    let at = |path: &str| if dir == "." { path.to_owned() } else { format!("{dir}/{path}") };
    for path in texts::LINKED {
        link(repo, dir, path);
    }
    repo.write(at("repo_config.yaml"), repo_config(name, &image));
    // Capitals vary, as they do.
    let heading = if dir == "beta" { image.to_uppercase() } else { image };
    repo.write(
        at("changelog.txt"),
        format!("# {heading}-{}\n- 2024-01-02\n- Second\n\n# {heading}-1.9.0\n- 2024-01-01\n- First\n", version(dir)),
    );
    write_test(repo, &at("test"), dir);
}

/// The version that the changelog of a dir states.
pub fn version(dir: &str) -> &'static str {
    match dir {
        "." => "1.10.0",
        "alpha" => "2.0.3",
        _ => "1.9.1",
    }
}

fn write_test(repo: &Repo, folder: &str, dir: &str) {
    let file = format!("test_{}.py", dir.rsplit('/').next().unwrap_or("root").replace(['-', '.'], "_"));
    repo.write(format!("{folder}/__init__.py"), "").write(format!("{folder}/{file}"), texts::TESTS);
}

fn write_reusing(repo: &Repo) {
    link(repo, REUSES, "devops/docker_run/entrypoint.sh");
    link(repo, REUSES, "devops/docker_run/docker_setenv.sh");
    repo.write(format!("{REUSES}/changelog.txt"), "# zeta-0.3.0\n- 2024-01-01\n- First\n")
        .write(format!("{REUSES}/runnable_dir"), "");
    write_test(repo, &format!("{REUSES}/test"), REUSES);
}

/// Its Dockerfile is a file, there is none for prod, and it has no entry point.
fn write_partial(repo: &Repo, name: &str) {
    let text = format!(
        "FROM {}\nARG AM_CONTAINER_VERSION\nENV AM_CONTAINER_VERSION=$AM_CONTAINER_VERSION\nRUN echo {name} > /partial\n",
        base_image()
    );
    repo.write(format!("{PARTIAL}/devops/docker_build/dev.Dockerfile"), text);
    link(repo, PARTIAL, "devops/docker_build/dockerignore.dev");
    repo.write(format!("{PARTIAL}/repo_config.yaml"), repo_config(name, &format!("{name}-partial")));
    repo.write(format!("{PARTIAL}/changelog.txt"), format!("# {name}-partial-0.1.0\n- 2024-01-01\n- First\n"));
}

/// Links `path` of a dir to the same path in the submodule, relatively.
fn link(repo: &Repo, dir: &str, path: &str) {
    let depth = path.matches('/').count() + if dir == "." { 0 } else { dir.matches('/').count() + 1 };
    let target = format!("{}helpers_root/{path}", "../".repeat(depth));
    let link = if dir == "." { repo.join(path) } else { repo.join(dir).join(path) };
    let folder = link.parent().unwrap_or(repo.path());
    fs_err::create_dir_all(folder).unwrap_or_else(|error| panic!("{error}"));
    symlink(target, &link).unwrap_or_else(|error| panic!("{}: {error}", link.display()));
}

fn executable(path: &Path) {
    fs_err::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap_or_else(|error| panic!("{error}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_into_the_submodule_and_dangle_without_it() {
        let sandbox = Sandbox::new();
        let repo = workspace(&sandbox, "older");
        assert_eq!(repo.git(&["status", "--short"]), "");
        let deep = "deep/down/my-hyphened-dir/devops/docker_build/dev.Dockerfile";
        assert!(repo.join(deep).symlink_metadata().is_ok_and(|meta| meta.is_symlink()));
        assert!(repo.read(deep).contains("AM_CONTAINER_VERSION"));
        assert!(worktree(&repo, &sandbox, "tree").read(deep).contains("AM_CONTAINER_VERSION"));
        let bare = unpopulated(&repo, &sandbox, "bare");
        assert!(!bare.join(deep).exists() && bare.join(deep).symlink_metadata().is_ok());
    }
}

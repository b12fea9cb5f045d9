//! `wharf clone`, `wharf repo add|remove` and what they refuse, against real Git servers on loopback.

use std::path::Path;
use std::time::Duration;

use wharf_testkit::{Access, GitServer, Output, Repo, Sandbox, Signal, WharfCommand};

fn wharf(sandbox: &Sandbox, dir: impl AsRef<Path>) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(dir)
}

/// A served folder with the super-repo `harbor.git` and twelve sub-repos: `s01` to `s09` and `secret`, and `n1` and `n2` nested
/// in `s01` and `s02`. `s03` is pinned behind its branch, `s04` follows `dev`.
pub(crate) struct Fleet {
    pub(crate) sandbox: Sandbox,
    pub(crate) remotes: std::path::PathBuf,
}

const TOP: [&str; 10] = ["s01", "s02", "s03", "s04", "s05", "s06", "s07", "s08", "s09", "secret"];

impl Fleet {
    pub(crate) fn new() -> Self {
        let sandbox = Sandbox::new();
        let remotes = sandbox.path().join("served");
        let fleet = Self { sandbox, remotes };
        let n1 = fleet.repo("n1", |repo| repo.write("n.txt", "n1").commit("n1: first"));
        let n2 = fleet.repo("n2", |repo| repo.write("n.txt", "n2").commit("n2: first"));
        let mut pins = Vec::new();
        for name in TOP {
            let pin = fleet.repo(name, |repo| {
                repo.write("a.txt", name);
                match name {
                    "s01" => modules(repo, &[("nested/n1", "../n1.git", "", &n1)]),
                    "s02" => modules(repo, &[("n2", "./../n2.git", "", &n2)]),
                    _ => {}
                }
                repo.git(&["add", "a.txt"]);
                repo.git(&["commit", "--quiet", "--message", "first"]);
                let first = repo.git(&["rev-parse", "HEAD"]);
                match name {
                    "s03" => {
                        repo.git(&["commit", "--quiet", "--allow-empty", "--message", "later"]);
                    }
                    "s04" => {
                        repo.git(&["switch", "--quiet", "--create", "dev"]);
                        repo.git(&["commit", "--quiet", "--allow-empty", "--message", "dev"]);
                        return repo.git(&["rev-parse", "HEAD"]);
                    }
                    _ => {}
                }
                first
            });
            pins.push(pin);
        }
        fleet.repo("harbor", |repo| {
            repo.write("wharf.toml", "[workspace]\nname = \"harbor\"\n");
            repo.write("infra/devops/wharf.toml", "").write("infra/test_a.py", "def test_one(): pass\n");
            repo.write(".gitignore", ".wharf/\n");
            let entries: Vec<_> = TOP
                .iter()
                .zip(&pins)
                .map(|(name, pin)| {
                    let more = if *name == "s04" { "\tbranch = dev\n" } else { "" };
                    (format!("libs/{name}"), format!("../{name}.git"), more, pin)
                })
                .collect();
            let entries: Vec<_> = entries
                .iter()
                .map(|(path, url, more, pin)| (path.as_str(), url.as_str(), *more, pin.as_str()))
                .collect();
            modules(repo, &entries);
            repo.git(&["add", "wharf.toml", "infra", ".gitignore"]);
            repo.git(&["commit", "--quiet", "--message", "first"]);
            repo.git(&["rev-parse", "HEAD"])
        });
        fleet
    }

    /// Makes a repo and its bare remote `NAME.git`; gives what `fill` gives.
    pub(crate) fn repo(&self, name: &str, fill: impl FnOnce(&Repo) -> String) -> String {
        let bare = Repo::bare_remote(self.remotes.join(format!("{name}.git")));
        let repo = Repo::init(self.sandbox.path().join("made").join(name));
        let id = fill(&repo);
        repo.git(&["remote", "add", "origin", &bare.url()]);
        repo.git(&["push", "--quiet", "origin", "--all"]);
        if repo.git(&["branch", "--list", "main"]).is_empty() {
            bare.git(&["symbolic-ref", "HEAD", "refs/heads/dev"]);
        }
        id
    }

    pub(crate) fn wharf(&self) -> WharfCommand {
        wharf(&self.sandbox, self.sandbox.path())
    }

    fn http(&self) -> GitServer {
        let access = Access::default().user("x-access-token", "t0ken").user("ann", "pw");
        GitServer::http(&self.remotes, access.private("secret.git", &["ann"]))
    }
}

/// Writes `.gitmodules` and pins: path, URL, further lines, commit.
fn modules(repo: &Repo, entries: &[(&str, &str, &str, &str)]) {
    let text: String = entries
        .iter()
        .map(|(path, url, more, _)| format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {url}\n{more}"))
        .collect();
    repo.write(".gitmodules", text);
    repo.git(&["add", ".gitmodules"]);
    for (path, _, _, pin) in entries {
        repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{pin},{path}")]);
    }
}

/// What two clones must have in common: `.git` files, settings, pins, state.
fn layout(root: &Path) -> String {
    let repo = Repo::open(root);
    let show =
        "echo \"$sm_path $(cat .git) $(git config --local --list | grep -v '^branch\\.' | sort | tr '\\n' ' ')\"";
    let mut text = repo.git(&["submodule", "--quiet", "foreach", "--recursive", show]);
    text.push_str(&repo.git(&["status", "--porcelain"]));
    text.push_str(
        &repo.git(&["config", "--local", "--list"]).lines().filter(|line| line.starts_with("sub")).collect::<String>(),
    );
    text
}

fn check(root: &Path) {
    let repo = Repo::open(root);
    repo.git(&["fsck", "--strict"]);
    repo.git(&["submodule", "--quiet", "foreach", "--recursive", "git fsck --strict"]);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
}

fn refused(output: &Output, words: &[&str]) {
    output.assert_code(5);
    for word in words {
        output.stderr_contains(word);
    }
}

#[test]
fn a_clone_is_what_git_makes_with_branches() {
    let fleet = Fleet::new();
    let server = GitServer::daemon(&fleet.remotes);
    let url = server.url("harbor.git");
    let output = fleet.wharf().args(["clone", &url]).run();
    output.assert_code(0).stderr_contains("all 12 sub-repos are there").stderr_contains("libs/s04: on dev at ");
    let git = fleet.sandbox.command("git").args(["clone", "--quiet", "--recurse-submodules", &url, "theirs"]);
    git.run().assert_code(0);
    let (mine, theirs) = (fleet.sandbox.path().join("harbor"), fleet.sandbox.path().join("theirs"));
    assert_eq!(layout(&mine), layout(&theirs));
    let pins = |root: &Path| {
        let status = Repo::open(root).git(&["submodule", "status", "--recursive"]);
        status.lines().map(|line| line.trim().split(' ').take(2).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(pins(&mine), pins(&theirs));
    check(&mine);
    let branch = |path: &str| Repo::open(mine.join(path)).git(&["branch", "--show-current"]);
    assert_eq!(branch("libs/s01"), "main");
    assert_eq!(branch("libs/s01/nested/n1"), "main");
    assert_eq!(branch("libs/s03"), "", "pinned behind its branch");
    assert_eq!(branch("libs/s04"), "dev");
    assert_eq!(Repo::open(mine.join("libs/s04")).git(&["rev-parse", "--abbrev-ref", "@{u}"]), "origin/dev");
    assert!(!mine.join(".git/wharf-clone").exists() && !mine.join(".wharf-clone").exists());
}

#[test]
fn amounts_and_latest() {
    let fleet = Fleet::new();
    let server = GitServer::daemon(&fleet.remotes);
    let url = server.url("harbor.git");
    fleet.wharf().args(["clone", &url, "shallow", "--depth", "1"]).run().assert_code(0);
    let shallow = fleet.sandbox.path().join("shallow");
    check(&shallow);
    assert_eq!(Repo::open(shallow.join("libs/s04")).git(&["rev-list", "--count", "HEAD"]), "1");
    fleet.wharf().args(["clone", &url, "partial", "--partial"]).run().assert_code(0);
    let partial = Repo::open(fleet.sandbox.path().join("partial/libs/s05"));
    assert_eq!(partial.git(&["config", "remote.origin.partialclonefilter"]), "blob:none");
    assert_eq!(partial.read("a.txt"), "s05");
    fleet.wharf().args(["clone", &url, "latest", "--latest", "--jobs", "2"]).run().assert_code(0);
    let latest = fleet.sandbox.path().join("latest");
    assert_eq!(
        Repo::open(latest.join("libs/s03")).git(&["log", "-1", "--format=%D %s"]),
        "HEAD -> main, origin/main, origin/HEAD later"
    );
    assert_eq!(Repo::open(&latest).git(&["status", "--porcelain"]), "M libs/s03");
}

#[test]
fn what_may_not_be_read_is_left_out_by_name() {
    let fleet = Fleet::new();
    let server = fleet.http();
    let url = server.url("harbor.git");
    let output = fleet.wharf().args(["clone", &url]).run();
    output.assert_code(0).stderr_contains("11 of 12").stderr_contains("left out sub-repo `libs/secret`");
    output.stderr_contains("credential helper").stderr_contains("WHARF_GIT_TOKEN");
    let root = fleet.sandbox.path().join("harbor");
    check(&root);
    assert!(root.join("libs/secret").read_dir().unwrap().next().is_none());
    let strict = fleet.wharf().args(["clone", &url, "strict", "--require-all"]).run();
    strict.assert_code(4).stderr_contains("`libs/secret`");
    let alone = fleet.wharf().args(["clone", &server.url("secret.git")]).run();
    alone.assert_code(4).stderr_contains("asks for a login").stderr_contains("nothing hangs");
    assert!(!fleet.sandbox.path().join("secret").exists(), "nothing is left behind");
}

#[test]
fn a_token_is_used_and_left_nowhere() {
    let fleet = Fleet::new();
    let server = fleet.http();
    let url = server.url("harbor.git");
    let store = fleet.sandbox.home().join("stored");
    let config = fleet.sandbox.home().join(".gitconfig");
    let mut text = std::fs::read_to_string(&config).unwrap();
    text.push_str(&format!("[credential]\n\thelper = store --file={}\n", store.display()));
    std::fs::write(&config, text).unwrap();
    // The token's user is not one of those who may read `secret`.
    let output = fleet.wharf().args(["clone", &url]).env("WHARF_GIT_TOKEN", "t0ken").run();
    output
        .assert_code(0)
        .stderr_contains("the token in `WHARF_GIT_TOKEN` does not open them")
        .stderr_contains("libs/secret");
    let other = fleet.wharf().args(["clone", &url, "other"]);
    let other = other.env("CI_TOKEN", "pw").env("WHARF_GIT_TOKEN_ENV", "CI_TOKEN").env("WHARF_GIT_TOKEN_USER", "ann");
    let trace = fleet.sandbox.path().join("trace");
    other.env("GIT_TRACE", &trace).env("GIT_TRACE_CURL", &trace).run().assert_code(0).stderr_contains("all 12");
    let root = fleet.sandbox.path().join("other");
    assert_eq!(Repo::open(root.join("libs/secret")).read("a.txt"), "secret");
    let trace = std::fs::read_to_string(trace).unwrap();
    assert!(
        trace.contains("run_command") && !trace.contains("t0ken") && !trace.contains("password=pw"),
        "the token is in no argument"
    );
    assert!(!store.exists(), "the user's helper was given the token to keep");
    for root in [root, fleet.sandbox.path().join("harbor")] {
        let found = fleet.sandbox.command("grep").args(["-rl", "t0ken"]).arg(root.join(".git")).run();
        assert_eq!(found.stdout, "");
    }
    assert!(
        server.seen().iter().any(|line| line.ends_with("200 ann") || line.ends_with("0 ann")),
        "{:?}",
        server.seen()
    );
}

#[test]
fn a_repo_cannot_say_where_the_token_goes() {
    let fleet = Fleet::new();
    let repo = Repo::init(fleet.sandbox.path().join("r"));
    repo.write("wharf.toml", "[git]\ntoken-hosts = [\"evil.example.org\"]\n");
    wharf(&fleet.sandbox, repo.path()).arg("ls").run().assert_code(3).stderr_contains("token-hosts");
}

#[test]
fn bad_urls_never_reach_git() {
    let sandbox = Sandbox::new();
    let run = |url: &str| wharf(&sandbox, sandbox.path()).args(["clone", "--", url, "into"]).run();
    for url in [
        "--upload-pack=touch hit",
        "-utouch hit",
        "ext::touch hit",
        "ssh://-oProxyCommand=touch hit/x",
        "https://h/%0a",
    ] {
        run(url).assert_code(2).stderr_contains("hint:");
        wharf(&sandbox, sandbox.path()).args(["clone", url, "into"]).run().assert_code(2);
    }
    assert!(!sandbox.path().join("hit").exists());
    run("/no/such/repo").assert_code(4).stderr_contains("is not there, or this user may not read it");
    run("https://127.0.0.1:1/x").assert_code(4).stderr_contains("was not reached");
    assert!(!sandbox.path().join("into").exists());
}

#[test]
fn a_hostile_gitmodules_gets_nothing_out() {
    let fleet = Fleet::new();
    let bad = |name: &str, path: &str, url: &str| format!("[submodule \"{name}\"]\n\tpath = {path}\n\turl = {url}\n");
    let text = [
        bad("../../../hooks", "p1", "../s05.git"),
        bad("climbs", "../out", "../s05.git"),
        bad("absolute", "/tmp/out", "../s05.git"),
        bad("enters", ".git/hooks", "../s05.git"),
        bad("link", "link/x", "../s05.git"),
        bad("option", "p2", "--upload-pack=touch hit"),
        bad("program", "p3", "ext::touch hit"),
        bad("twice", "p4", "../s05.git"),
        bad("twice", "p5", "../s05.git"),
        bad("upper", "Sub", "../s05.git"),
        bad("lower", "sub", "../s06.git"),
        bad("good", "good", "./.././s07.git"),
    ]
    .concat();
    fleet.repo("evil", |repo| {
        let pin = Repo::open(fleet.remotes.join("s05.git")).git(&["rev-parse", "main"]);
        let good = Repo::open(fleet.remotes.join("s07.git")).git(&["rev-parse", "main"]);
        std::os::unix::fs::symlink("/tmp", repo.join("link")).unwrap();
        repo.write(".gitmodules", &text);
        repo.git(&["add", "--all"]);
        for path in ["p1", "p2", "p3", "p4", "p5", "Sub", "sub"] {
            repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{pin},{path}")]);
        }
        repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{good},good")]);
        repo.git(&["commit", "--quiet", "--message", "evil"]);
        repo.git(&["rev-parse", "HEAD"])
    });
    let server = GitServer::daemon(&fleet.remotes);
    let output = fleet.wharf().args(["clone", &server.url("evil.git")]).run();
    let words = [
        "leads out of `.git/modules`",
        "../out: its path",
        "/tmp/out: its path",
        ".git/hooks: its path",
        "several paths",
    ];
    refused(&output, &words);
    output.stderr_contains("would be taken for an option").stderr_contains("`ext::` would run a program");
    output.stderr_contains("differ only in upper and lower case").stderr_contains("good: on main");
    let root = fleet.sandbox.path().join("evil");
    assert_eq!(Repo::open(root.join("good")).read("a.txt"), "s07");
    for path in ["p1", "p2", "p3", "p4", "p5", "Sub", "sub"] {
        assert!(!root.join(path).join(".git").exists(), "{path}");
    }
    let modules: Vec<_> =
        root.join(".git/modules").read_dir().unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(modules, ["good"]);
    assert!(!root.join("hit").exists() && !fleet.sandbox.path().join("out").exists());
}

#[test]
fn a_killed_clone_goes_on() {
    let fleet = Fleet::new();
    let server = GitServer::daemon(&fleet.remotes);
    let slow = GitServer::daemon_with_delay(&fleet.remotes, Duration::from_secs(600));
    let url = server.url("harbor.git");
    // The super-repo comes at once, its sub-repos from a server that keeps one waiting.
    let config = format!("url.{}.insteadOf", slow.url(""));
    let first = fleet.wharf().args(["clone", &url, "--jobs", "3"]);
    let first =
        first.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", config).env("GIT_CONFIG_VALUE_0", server.url("s"));
    let running = first.spawn();
    running.wait_stderr_contains("super-repo: on main");
    running.signal(Signal::KILL);
    running.wait();
    drop(slow);
    let root = fleet.sandbox.path().join("harbor");
    assert!(root.join(".git/wharf-clone/url").is_file());
    fleet
        .wharf()
        .args(["clone", &server.url("s05.git"), "harbor"])
        .run()
        .assert_code(5)
        .stderr_contains("unfinished clone of");
    // Killed in the middle of a checkout.
    std::fs::remove_file(root.join(".git/index")).unwrap();
    std::fs::write(root.join(".git/index.lock"), "").unwrap();
    let output = fleet.wharf().args(["clone", &url]).run();
    output.assert_code(0).stderr_contains("went on with the clone").stderr_contains("all 12 sub-repos are there");
    check(&root);
    fleet.wharf().args(["clone", &url]).run().assert_code(5).stderr_contains("repo pull");
    // Killed while the super-repo came.
    std::fs::create_dir_all(fleet.sandbox.path().join("early/.wharf-clone/repo/.git")).unwrap();
    fleet.wharf().args(["clone", &url, "early"]).run().assert_code(0);
    check(&fleet.sandbox.path().join("early"));
    std::fs::create_dir(fleet.sandbox.path().join("full")).unwrap();
    std::fs::write(fleet.sandbox.path().join("full/mine"), "").unwrap();
    refused(&fleet.wharf().args(["clone", &url, "full"]).run(), &["is not empty", "name another folder"]);
}

#[test]
fn a_sub_repo_is_added_and_removed() {
    let fleet = Fleet::new();
    let server = GitServer::daemon(&fleet.remotes);
    let repo = Repo::init(fleet.sandbox.path().join("mine"));
    repo.write("wharf.toml", "").write("ml/devops/wharf.toml", "").commit("first");
    let run = |words: &[&str]| wharf(&fleet.sandbox, repo.path()).arg("repo").args(words).run();
    let url = server.url("s01.git");
    let plan = run(&["add", &url, "libs/one", "--dry-run"]);
    plan.assert_code(0).stdout_contains("submodule add -- git://");
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    run(&["add", &url, "libs/one"]).assert_code(0).stderr_contains("next: `git commit -m \"Add libs/one\"`");
    assert_eq!(repo.git(&["status", "--porcelain"]), "A  .gitmodules\nA  libs/one");
    assert_eq!(repo.read("libs/one/nested/n1/n.txt"), "n1");
    run(&["add", &server.url("s04.git"), "--branch", "dev", "--name", "four"]).assert_code(0);
    assert_eq!(repo.git(&["config", "--file", ".gitmodules", "submodule.four.branch"]), "dev");
    repo.commit("added");
    check(repo.path());
    refused(&run(&["add", &url, "Libs/one"]), &["upper and lower case"]);
    refused(&run(&["add", &url, "ml"]), &["is tracked in"]);
    refused(&run(&["add", &url, "../out"]), &["leads out of the repo"]);
    refused(&run(&["add", &url, ".git/x"]), &["into `.git`"]);
    run(&["add", &server.url("none.git")]).assert_code(4);
    run(&["add", &server.url("s05.git"), "--branch", "none"]).assert_code(4).stderr_contains("no such branch");
    run(&["add", "--", "--upload-pack=x"]).assert_code(2);
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    assert!(!repo.join("none").exists() && !repo.join("s05").exists() && !repo.join(".git/modules/s05").exists());

    run(&["remove", "nowhere"]).assert_code(2).stderr_contains("`libs/one`");
    let one = Repo::open(repo.join("libs/one"));
    one.write("new.txt", "");
    refused(&run(&["remove", "libs/one"]), &["1 untracked file"]);
    one.git(&["add", "new.txt"]);
    refused(&run(&["remove", "libs/one"]), &["1 uncommitted change"]);
    one.git(&["stash"]);
    refused(&run(&["remove", "libs/one"]), &["1 stash"]);
    one.git(&["stash", "drop"]);
    let nested = Repo::open(repo.join("libs/one/nested/n1"));
    nested.commit("mine");
    refused(&run(&["remove", "libs/one"]), &["`libs/one/nested/n1` has 1 commit that is nowhere else"]);
    nested.git(&["reset", "--quiet", "--hard", "origin/main"]);
    one.write("tool/devops/wharf.toml", "");
    one.commit("tool");
    one.git(&["push", "--quiet", "origin", "HEAD"]);
    repo.write("ml/devops/wharf.toml", "[image]\nfrom = \"//libs/one/tool\"\n").commit("use it");
    refused(&run(&["remove", "libs/one"]), &["is used", "ml/devops/wharf.toml", "//libs/one/tool"]);
    repo.write("ml/devops/wharf.toml", "").commit("no more");
    assert!(run(&["remove", "libs/one", "--dry-run"]).stdout.contains("rm --quiet -- libs/one"));
    run(&["remove", "libs/one"]).assert_code(0).stderr_contains("its history stays");
    assert_eq!(repo.git(&["status", "--porcelain"]), "M  .gitmodules\nD  libs/one");
    assert!(!repo.join("libs/one").exists() && repo.join(".git/modules/libs/one/HEAD").is_file());
    repo.commit("removed");
    refused(&run(&["add", &server.url("s05.git"), "libs/one"]), &["still holds another repo", "--name"]);
    run(&["add", &url, "libs/one"]).assert_code(0);
    repo.commit("again");
    check(repo.path());
    run(&["remove", "libs/one", "--purge"]).assert_code(0);
    assert!(!repo.join(".git/modules/libs/one").exists());
}

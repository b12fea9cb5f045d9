//! `wharf repo pull`, `push` and `status --fetch` on private remotes: the token that `clone` takes serves them too.

use wharf_testkit::{Access, GitServer, Output, Repo, Sandbox};

/// A super-repo with the sub-repos `part`, which the token opens, and `secret`, which it does not; served over http, cloned.
struct Private {
    sandbox: Sandbox,
    _server: GitServer,
    mine: Repo,
}

impl Private {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let served = sandbox.path().join("served");
        let seed = |name: &str| {
            Repo::bare_remote(served.join(format!("{name}.git")));
            let seed = Repo::init(sandbox.path().join("seeds").join(name));
            seed.write("a.txt", name);
            seed
        };
        let access = Access::default().user("x-access-token", "t0ken").user("ann", "pw");
        let access = access.private("whole.git", &["x-access-token"]).private("part.git", &["x-access-token"]);
        let server = GitServer::http(&served, access.private("secret.git", &["ann"]));
        let whole = seed("whole");
        let mut modules = String::new();
        for name in ["part", "secret"] {
            let commit = seed(name).commit("first");
            Repo::open(sandbox.path().join("seeds").join(name))
                .push_to(&Repo::open(served.join(format!("{name}.git"))));
            modules.push_str(&format!("[submodule \"{name}\"]\n\tpath = {name}\n\turl = ../{name}.git\n"));
            whole.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},{name}")]);
        }
        whole.write(".gitmodules", modules).git(&["add", ".gitmodules", "a.txt"]);
        whole.git(&["commit", "--quiet", "--message", "first"]);
        whole.push_to(&Repo::open(served.join("whole.git")));
        let clone = sandbox.command(env!("CARGO_BIN_EXE_wharf")).args(["clone", &server.url("whole.git"), "mine"]);
        clone.cwd(sandbox.path()).env("WHARF_GIT_TOKEN", "t0ken").run().assert_code(0);
        let mine = Repo::open(sandbox.path().join("mine"));
        Self { sandbox, _server: server, mine }
    }

    fn repo(&self, words: &[&str], token: Option<&str>) -> Output {
        let command = self.sandbox.command(env!("CARGO_BIN_EXE_wharf")).arg("repo").args(words).cwd(self.mine.path());
        match token {
            Some(token) => command.env("WHARF_GIT_TOKEN", token).run(),
            None => command.run(),
        }
    }

    /// A colleague's commit in `part`, pinned by the super-repo.
    fn they_push(&self) -> String {
        let seeds = self.sandbox.path().join("seeds");
        let (part, whole) = (Repo::open(seeds.join("part")), Repo::open(seeds.join("whole")));
        let commit = part.write("b.txt", "theirs").commit("theirs");
        part.push_to(&self.remote("part"));
        whole.git(&["update-index", "--cacheinfo", &format!("160000,{commit},part")]);
        whole.git(&["commit", "--quiet", "--message", "pin"]);
        whole.push_to(&self.remote("whole"));
        commit
    }

    fn remote(&self, name: &str) -> Repo {
        Repo::open(self.sandbox.path().join("served").join(format!("{name}.git")))
    }
}

#[test]
fn the_token_pulls_and_pushes_and_what_it_does_not_open_is_skipped_by_name() {
    let private = Private::new();
    let pinned = private.they_push();
    // Without it, nothing is asked.
    let output = private.repo(&["pull"], None);
    output.assert_code(1).stderr_contains("could not be fetched");
    let output = private.repo(&["status", "--fetch"], None);
    output.assert_code(0).stderr_contains("part: not fetched");
    let output = private.repo(&["status", "--fetch"], Some("t0ken"));
    output.assert_code(0).stderr_lacks("not fetched").stdout_contains("secret");

    let output = private.repo(&["pull", "--json"], Some("t0ken"));
    output.assert_code(0);
    let rows = output.json();
    assert_eq!(super::repo::row(&rows, "part")["outcome"], "done", "{rows:#}");
    let secret = super::repo::row(&rows, "secret");
    assert_eq!(secret["outcome"], "skipped", "{rows:#}");
    assert!(secret["message"].as_str().unwrap().contains("not populated: "), "{rows:#}");
    let part = Repo::open(private.mine.join("part"));
    assert_eq!(part.git(&["rev-parse", "HEAD"]), pinned);

    part.git(&["switch", "--quiet", "--force-create", "main", "--track", "origin/main"]);
    let commit = part.write("c.txt", "mine").commit("mine");
    private.repo(&["push"], None).assert_code(1);
    private.repo(&["push"], Some("t0ken")).assert_code(0).stdout_contains("main -> origin/main (1 commits)");
    private.repo(&["pin"], None).assert_code(0);
    private.repo(&["push"], Some("t0ken")).assert_code(0);
    assert_eq!(private.remote("part").git(&["rev-parse", "main"]), commit);
    assert_eq!(private.remote("whole").git(&["rev-parse", "main"]), private.mine.git(&["rev-parse", "HEAD"]));
    for git_dir in [private.mine.join(".git"), private.mine.join(".git/modules/part")] {
        assert!(!std::fs::read_to_string(git_dir.join("config")).unwrap().contains("t0ken"));
    }
}

#[test]
fn repos_and_common_files_complete() {
    let sandbox = Sandbox::new();
    let repo = Repo::init(sandbox.path().join("w"));
    let owner = Repo::init(repo.join("libs/owner"));
    owner.write("shared.cfg", "x\n").commit("first");
    repo.write(".gitmodules", "[submodule \"libs/owner\"]\n\tpath = libs/owner\n\turl = ../owner\n");
    repo.write("wharf.toml", "[[files]]\nfrom = \"//libs/owner\"\npaths = [\"shared.cfg\"]\n");
    let complete = |words: &[&str]| {
        let command = sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path()).args(["--", "wharf"]).args(words);
        let command = command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", words.len().to_string());
        let output = command.run();
        output.assert_code(0);
        output.stdout.clone()
    };
    assert_eq!(complete(&["repo", "pull", "li"]), "libs/owner");
    assert_eq!(complete(&["repo", "foreach", "--repo", "//l"]), "//libs/owner");
    assert_eq!(complete(&["files", "status", "sh"]), "shared.cfg");
    assert_eq!(complete(&["files", "upstream", "x"]), "");
}

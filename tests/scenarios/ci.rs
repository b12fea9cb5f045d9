//! `wharf ci`: jobs, workflows that keep to their published schemas, and a job's steps run here.

use serde_json::Value;
use wharf_testkit::{EngineKind, Output, Repo, Sandbox, check_jsonschema, require, sample};

use crate::testing::{Report, wharf};

const GOOD: &str = "def test_one(): pass\n";
const INSTALL: &str = "[ci]\ninstall = \"curl -sSf https://example.org/wharf-{version} -o /usr/local/bin/wharf\"\n";
const GITHUB: &str = ".github/workflows/wharf.yml";

fn repo(sandbox: &Sandbox, toml: &str) -> Repo {
    sample::workspace(sandbox)
        .toml(toml)
        .dir("infra", |dir| dir.version("1.2.0").test("tests/test_a.py", GOOD))
        .dir("infra/nested", |dir| dir.test("test_n.py", GOOD))
        .dir("it's odd", |dir| dir.test("test_o.py", GOOD))
        .dir("empty", |dir| dir)
        .sub_repo("libs/helpers", |sub| sub.dir("ml", |dir| dir.test("test_m.py", "def test_m(): assert False\n")))
        .build()
}

#[track_caller]
fn ci(sandbox: &Sandbox, repo: &Repo, arguments: &[&str]) -> Output {
    wharf(sandbox, repo).arg("ci").args(arguments).run()
}

#[track_caller]
fn jobs(sandbox: &Sandbox, repo: &Repo, arguments: &[&str]) -> Vec<Value> {
    let output = ci(sandbox, repo, &[&["matrix", "--json"], arguments].concat());
    let value = output.assert_code(0).json();
    assert_eq!(value["schema"], 1);
    value["jobs"].as_array().expect("a list").clone()
}

fn lines(jobs: &[Value]) -> Vec<&str> {
    jobs.iter().filter_map(|job| job["run"].as_str()).collect()
}

/// Fails where a file is not what its published schema says.
#[track_caller]
fn validate(sandbox: &Sandbox, repo: &Repo, schema: &str, file: &str) {
    let check = sandbox.command(check_jsonschema()).args(["--builtin-schema", schema]).arg(repo.join(file));
    check.run().assert_code(0);
}

#[test]
fn each_dir_with_tests_has_a_job_with_a_line_that_anybody_can_type() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, "[ci]\nsuites = [\"fast\"]\nnightly = [\"slow\", \"superslow\"]\n");
    let main = jobs(&sandbox, &repo, &[]);
    let expected = [
        "wharf test --dir infra --suite fast",
        "wharf test --dir infra/nested --suite fast",
        "wharf test --dir \"it's odd\" --suite fast",
        "wharf test --dir libs/helpers/ml --suite fast",
    ];
    assert_eq!(lines(&main), expected);
    assert!(main.iter().all(|job| job["runner"] == "ubuntu-24.04" && job["emulated"] == false), "{main:?}");
    let ids: Vec<&str> = main.iter().filter_map(|job| job["id"].as_str()).collect();
    let plain = |id: &&str| id.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    assert!(ids.iter().all(plain), "{ids:?}");
    let nightly = jobs(&sandbox, &repo, &["--event", "schedule"]);
    assert_eq!(nightly[0]["run"], "wharf test --dir infra --suite slow --suite superslow --no-cache");
    ci(&sandbox, &repo, &["matrix"]).assert_code(0).stdout_contains("wharf test --dir infra/nested --suite fast");
    ci(&sandbox, &repo, &["matrix", "--event", "lunch"]).assert_code(2).stderr_contains("`pull-request`");
}

#[test]
fn a_pull_request_starts_only_what_it_reaches() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, "");
    repo.git(&["branch", "feature"]);
    repo.git(&["switch", "--quiet", "feature"]);
    repo.write("infra/nested/test_n.py", "def test_two(): pass\n").commit("one test");
    let base = [("GITHUB_BASE_REF", "main"), ("GITHUB_ACTIONS", "true")];
    let pull_request = || {
        let command = wharf(&sandbox, &repo).args(["ci", "matrix", "--json", "--event", "pull_request"]);
        let command = base.iter().fold(command, |command, (name, value)| command.env(name, value));
        command.env("WHARF_TEST_BASE", "main")
    };
    let value = pull_request().run().assert_code(0).json();
    assert_eq!(value["jobs"].as_array().expect("a list").len(), 4, "nobody has seen yet what tests read");
    require(EngineKind::Docker);
    wharf(&sandbox, &repo).args(["--engine", "docker", "test"]).run().assert_code(1);
    let value = pull_request().run().assert_code(0).json();
    assert_eq!(lines(value["jobs"].as_array().expect("a list")), ["wharf test --dir infra/nested --affected-or-all"]);
    assert_eq!(jobs(&sandbox, &repo, &["--event", "push"]).len(), 4);
}

#[test]
fn shards_and_platforms_multiply() {
    let sandbox = Sandbox::new();
    let toml = "[ci]\nshards = 2\nplatforms = [\"linux/amd64\", \"linux/arm64\"]\nrunner = \"big\"\n";
    let repo = repo(&sandbox, toml);
    let all = jobs(&sandbox, &repo, &[]);
    let expected = [
        "wharf test --shard 1/2 --platform linux/amd64",
        "wharf test --shard 2/2 --platform linux/amd64",
        "wharf test --shard 1/2 --platform linux/arm64",
        "wharf test --shard 2/2 --platform linux/arm64",
    ];
    assert_eq!(lines(&all), expected);
    assert_eq!(all[3]["id"], "shard-2-2-linux-arm64");
    assert_eq!((&all[3]["runner"], &all[3]["emulated"]), (&"big".into(), &true.into()));
    let root = repo.read("wharf.toml");
    repo.write("wharf.toml", format!("{root}runners = {{ \"linux/arm64\" = \"arm\" }}\n{}", &INSTALL[5..]));
    let all = jobs(&sandbox, &repo, &[]);
    assert_eq!((&all[3]["runner"], &all[3]["emulated"]), (&"arm".into(), &false.into()));
    for (provider, schema, file) in
        [("github", "vendor.github-workflows", GITHUB), ("gitlab", "vendor.gitlab-ci", ".gitlab-ci.yml")]
    {
        ci(&sandbox, &repo, &["generate", provider]).assert_code(0);
        validate(&sandbox, &repo, schema, file);
    }
    assert!(repo.read(".gitlab-ci.yml").contains("  tags: [\"arm\"]"));
}

#[test]
fn a_tag_releases_the_dir_that_it_names() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, "[ci]\nrelease = \"prod\"\n");
    let release = jobs(&sandbox, &repo, &["--tag", "sample-infra-1.2.0"]);
    assert_eq!(lines(&release), ["wharf image release infra --stage prod"]);
    let shown = ci(&sandbox, &repo, &["run", "release", "--tag", "sample-infra-1.2.0", "--dry-run"]);
    assert_eq!(shown.assert_code(0).stdout, "wharf image release infra --stage prod\n");
    assert!(jobs(&sandbox, &repo, &["--tag", "v1"]).is_empty());
    // A pipeline that has a job for tags runs it for any.
    let foreign = ci(&sandbox, &repo, &["run", "release", "--tag", "other-1.2.0"]);
    foreign.assert_code(0).stderr_contains("nothing is released");
    ci(&sandbox, &repo, &["matrix", "--tag", "sample-infra-1.3.0"]).assert_code(5).stderr_contains("has version 1.2.0");
}

#[test]
fn workflows_keep_to_the_published_schemas() {
    let sandbox = Sandbox::new();
    let toml = "[registry]\npull = \"ghcr.io/acme\"\npush = [\"ghcr.io/acme\"]\n";
    let more =
        "secrets = [\"API_KEY\"]\nschedule = \"30 1 * * 1-5\"\nbranch = \"trunk\"\nplatforms = [\"linux/arm64\"]\n";
    let repo = repo(&sandbox, &format!("{toml}{INSTALL}{more}"));
    let root = repo.read("wharf.toml");
    repo.write("wharf.toml", root.replace("[workspace]\n", "[workspace]\nrequires-wharf = \">=0.1, <1\"\n"));
    let written = ci(&sandbox, &repo, &["generate", "github"]);
    assert_eq!(written.assert_code(0).stdout, format!("{}\n", repo.join(GITHUB).display()));
    ci(&sandbox, &repo, &["generate", "gitlab"]).assert_code(0);
    validate(&sandbox, &repo, "vendor.github-workflows", GITHUB);
    validate(&sandbox, &repo, "vendor.gitlab-ci", ".gitlab-ci.yml");
    let github = repo.read(GITHUB);
    for part in [
        "run: \"curl -sSf https://example.org/wharf-0.1.0 -o /usr/local/bin/wharf\"",
        "cron: \"30 1 * * 1-5\"",
        "branches: [\"trunk\"]",
        "API_KEY: ${{ secrets.API_KEY }}",
        "include: ${{ fromJSON(needs.plan.outputs.matrix).jobs }}",
        "permissions: {}",
        "packages: write",
        "docker/setup-qemu-action@",
    ] {
        assert!(github.contains(part), "{part}\n{github}");
    }
    // What others wrote is named by a commit, with the version beside it.
    for line in github.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: ")) {
        let (name, rest) = line.split_once('@').expect("an action has a version");
        let (commit, version) = rest.split_once(" # v").expect("the version is in a comment");
        assert!(commit.len() == 40 && commit.chars().all(|c| c.is_ascii_hexdigit()), "{name}: {commit}");
        assert_eq!(version.split('.').count(), 3, "{name}: {version}");
    }
    // Where it is written is what runs.
    let gitlab = repo.read(".gitlab-ci.yml");
    for (event, title) in [("pull-request", "pull-request"), ("main", "main"), ("nightly", "nightly")] {
        for job in jobs(&sandbox, &repo, &["--event", event]) {
            let name = format!("{} {title}", job["name"].as_str().unwrap_or_default());
            assert!(gitlab.contains(&format!("\n{}:\n  extends: .{event}\n", Value::from(name))), "{job}\n{gitlab}");
            assert!(gitlab.contains(&format!("    - {}\n", job["run"])), "{job}\n{gitlab}");
        }
    }
}

#[test]
fn stale_is_told_from_changed_by_hand() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, INSTALL);
    let check = |code| ci(&sandbox, &repo, &["generate", "gitlab", "--check"]).assert_code(code).clone();
    check(1).stderr_contains("is missing");
    let dry = ci(&sandbox, &repo, &["generate", "gitlab", "--dry-run"]);
    assert!(!repo.join(".gitlab-ci.yml").exists());
    sandbox.command("sh").args(["-e", "-c", &dry.assert_code(0).stdout]).run().assert_code(0);
    check(0).stderr_contains("up to date");
    ci(&sandbox, &repo, &["generate", "gitlab"]).assert_code(0).stderr_contains("is there already");
    // A new dir makes it stale, and it is written anew.
    repo.write("new/devops/wharf.toml", "").write("new/test_new.py", GOOD);
    check(1).stderr_contains("is stale").stdout_contains("+    - \"wharf test --dir new\"\n");
    ci(&sandbox, &repo, &["generate", "gitlab"]).assert_code(0);
    check(0);
    // What somebody has changed is shown, and stays.
    let changed = format!("{}mine:\n  script: [make]\n", repo.read(".gitlab-ci.yml"));
    repo.write(".gitlab-ci.yml", &changed).write("more/devops/wharf.toml", "").write("more/test_more.py", GOOD);
    check(1).stderr_contains("was changed by hand").stdout_contains("-  script: [make]\n");
    let refused = ci(&sandbox, &repo, &["generate", "gitlab"]);
    refused.assert_code(5).stdout_contains("-  script: [make]\n").stderr_contains("--force");
    assert_eq!(repo.read(".gitlab-ci.yml"), changed);
    ci(&sandbox, &repo, &["generate", "gitlab", "--to", "ci/wharf.yml"]).assert_code(0);
    ci(&sandbox, &repo, &["generate", "gitlab", "--force"]).assert_code(0);
    assert_eq!(repo.read(".gitlab-ci.yml"), repo.read("ci/wharf.yml"));
    check(0);
}

#[test]
fn what_cannot_be_is_refused() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, "");
    ci(&sandbox, &repo, &["generate", "github"]).assert_code(3).stderr_contains("[ci] install = ");
    let root = repo.read("wharf.toml");
    for (line, said) in [
        ("suites = [\"fats\"]", "`fats`"),
        ("schedule = \"daily\"", "five fields"),
        ("branch = \"a b\"", "name of a branch"),
        ("platforms = [\"linux/amd46\"]", "linux/amd64"),
        ("runners = { \"linux/amd46\" = \"x\" }", "linux/amd64"),
        ("shards = 0", "1 or more"),
        ("secrets = [\"A-B\"]", "name of a variable"),
        ("install = \"a\\nb\"", "one line"),
        ("realease = \"dev\"", "ci.release"),
    ] {
        repo.write("wharf.toml", format!("{root}\n[ci]\n{line}\n"));
        ci(&sandbox, &repo, &["matrix"]).assert_code(3).stderr_contains(said);
    }
    repo.write("wharf.toml", root);
    ci(&sandbox, &repo, &["run", "infar"]).assert_code(2).stderr_contains("did you mean `infra`?");
    let bare = Repo::init(sandbox.path().join("bare"));
    bare.write("wharf.toml", INSTALL);
    wharf(&sandbox, &bare).args(["ci", "generate", "github"]).run().assert_code(4);
}

#[test]
fn a_jobs_steps_run_here() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, "");
    let shown = ci(&sandbox, &repo, &["run", "all", "--dry-run"]);
    assert_eq!(shown.assert_code(0).stdout.lines().count(), 4);
    require(EngineKind::Docker);
    let run =
        |arguments: &[&str]| wharf(&sandbox, &repo).args(["--engine", "docker", "ci", "run"]).args(arguments).run();
    run(&["infra"]).assert_code(0).stderr_contains("+ wharf test --dir infra\n");
    assert_eq!(Report::of_run(&repo, 1).dirs(), ["infra"]);
    // The first that fails ends it, with its code.
    run(&["libs/helpers/ml", "infra"]).assert_code(1).stderr_lacks("+ wharf test --dir infra\n");
}

/// A workflow as JSON.
#[track_caller]
fn parsed(sandbox: &Sandbox, repo: &Repo, file: &str) -> Value {
    let script =
        "import json, sys, ruamel.yaml; json.dump(ruamel.yaml.YAML(typ='safe').load(open(sys.argv[1])), sys.stdout)";
    let python = check_jsonschema().with_file_name("python");
    sandbox.command(python).args(["-c", script]).arg(repo.join(file)).run().assert_code(0).json()
}

/// A `docker` that has one image and says what it is asked.
const DOCKER: &str = "#!/bin/sh\ncase \"$1 $2\" in 'image ls') echo \"docker $*\" >&2; echo sample-infra:dev; echo '<none>:<none>';; *) echo \"docker $*\";; esac\n";

#[test]
fn what_the_workflow_says_runs_here() {
    require(EngineKind::Docker);
    let mut sandbox = Sandbox::new();
    let bin =
        std::path::Path::new(env!("CARGO_BIN_EXE_wharf")).parent().expect("a program lies in a folder").to_owned();
    let path = sandbox.variables().iter().find(|(name, _)| name == "PATH").expect("it is always set").1.clone();
    let all = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path))).expect("no colons");
    let fake = sandbox.path().join("fake");
    sandbox.set("PATH", &all);
    sandbox.set("WHARF_ENGINE", "docker");
    let repo = repo(&sandbox, "[ci]\ninstall = \"wharf --version | grep {version}\"\n");
    ci(&sandbox, &repo, &["generate", "github"]).assert_code(0);
    let workflow = parsed(&sandbox, &repo, GITHUB);
    let output = sandbox.path().join("output");
    let step = |text: &str| {
        // As a runner does it for `shell: bash`.
        let command = sandbox.command("bash").args(["--noprofile", "--norc", "-eo", "pipefail", "-c", text]);
        let command = command.cwd(repo.path()).env("GITHUB_OUTPUT", &output).env("RUNNER_TEMP", sandbox.path());
        command.env("GITHUB_WORKSPACE", repo.path()).env("EVENT", "push").env("TAG", "")
    };
    let steps = |job: &str| {
        let steps = workflow["jobs"][job]["steps"].as_array().expect("a job has steps").clone();
        steps.into_iter().filter_map(|step| step["run"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    for text in steps("plan") {
        step(&text).run().assert_code(0);
    }
    let said = fs_err::read_to_string(&output).expect("the plan writes it");
    let matrix = said.strip_prefix("matrix<<WHARF_END\n").and_then(|rest| rest.strip_suffix("WHARF_END\n"));
    let matrix: Value = serde_json::from_str(matrix.expect("one output")).expect("it is JSON");
    let line = matrix["jobs"][0]["run"].as_str().expect("a job has a line").to_owned();
    let texts = steps("test");
    let [install, load, run, save] = texts.as_slice() else { panic!("{texts:#?}") };
    for text in [install, load] {
        step(text).run().assert_code(0);
    }
    let run = run.replace("${{ matrix.run }}", &line);
    step(&run).run().assert_code(0);
    // Verdicts are where they are cached: a second machine that has them runs nothing.
    step(&run).run().assert_code(0).stderr_contains("cached");
    fs_err::create_dir(&fake).expect("a sandbox is writable");
    fs_err::write(fake.join("docker"), DOCKER).expect("a sandbox is writable");
    sandbox.command("chmod").arg("+x").arg(fake.join("docker")).run().assert_code(0);
    let with_fake = std::env::join_paths(std::iter::once(fake).chain(std::env::split_paths(&all))).expect("no colons");
    let saved = step(save).env("PATH", &with_fake).env("IMAGE", "infra").run();
    saved.assert_code(0).stderr_contains("--filter label=dev.wharf.dir=infra ");
    saved.stdout_contains("docker save --output .wharf/ci-images/images.tar sample-infra:dev\n");
    // Where there is no Docker there is nothing to save, and the job stays green.
    let lonely = sandbox.path().join("lonely");
    fs_err::create_dir(&lonely).expect("a sandbox is writable");
    for program in ["bash", "mkdir"] {
        let from = ["/bin", "/usr/bin"].map(|folder| std::path::Path::new(folder).join(program));
        let from = from.into_iter().find(|file| file.is_file()).expect("every system has it");
        std::os::unix::fs::symlink(from, lonely.join(program)).expect("a sandbox is writable");
    }
    step(save).env("PATH", &lonely).run().assert_code(0);
    repo.write(".wharf/ci-images/images.tar", "");
    step(load).env("PATH", &lonely).run().assert_code(0);
    step(load)
        .env("PATH", &with_fake)
        .run()
        .assert_code(0)
        .stdout_contains("docker load --input .wharf/ci-images/images.tar\n");
}

#[test]
fn the_one_job_to_require_is_good_only_where_all_are() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, INSTALL);
    ci(&sandbox, &repo, &["generate", "github"]).assert_code(0);
    let workflow = parsed(&sandbox, &repo, GITHUB);
    let text = workflow["jobs"]["done"]["steps"][0]["run"].as_str().expect("it runs a line").to_owned();
    for (plan, test, code) in [
        ("success", "success", 0),
        ("success", "skipped", 0),
        ("success", "failure", 1),
        ("success", "cancelled", 1),
        ("failure", "skipped", 1),
    ] {
        let command = sandbox.command("bash").args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &text]);
        command.env("PLAN", plan).env("TEST", test).run().assert_code(code);
    }
    // What is learned is kept though tests fail.
    for step in workflow["jobs"]["test"]["steps"].as_array().expect("a job has steps") {
        let uses = step["uses"].as_str().unwrap_or_default();
        assert!(!uses.starts_with("actions/cache@"), "that one keeps nothing after a failure");
        if uses.starts_with("actions/cache/save@") {
            assert!(step["if"].as_str().unwrap_or_default().contains("!cancelled()"), "{step}");
        }
    }
}

#[test]
fn private_sub_repos_come_with_the_token_that_is_a_secret() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, &format!("{INSTALL}secrets = [\"WHARF_GIT_TOKEN\"]\n"));
    ci(&sandbox, &repo, &["generate", "github"]).assert_code(0);
    validate(&sandbox, &repo, "vendor.github-workflows", GITHUB);
    let workflow = parsed(&sandbox, &repo, GITHUB);
    for job in ["plan", "test"] {
        let steps = &workflow["jobs"][job]["steps"];
        assert_eq!(steps[0]["with"]["submodules"], false, "{steps}");
        let token = "${{ secrets.WHARF_GIT_TOKEN || github.token }}";
        assert_eq!(steps[1]["env"], serde_json::json!({ "WHARF_GIT_TOKEN": token }));
        let text = steps[1]["run"].as_str().expect("it runs lines");
        // Git's own answer to what it would ask for, with the configuration of the step; the last word of it is another.
        let (head, rest) = text.split_once("submodule update").expect("it populates");
        assert_eq!(rest.trim_end(), " --init --recursive");
        let asked = |url: &str| {
            let script = format!(
                "host=\"${{GITHUB_SERVER_URL#https://}}\"\nprintf 'url=%s\\n\\n' {url} | git -c{}credential fill",
                head.split_once("git -c").map_or("", |(_, rest)| rest)
            );
            let command = sandbox.command("bash").args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script]);
            command
                .env("GITHUB_SERVER_URL", "https://git.example.org")
                .env("WHARF_GIT_TOKEN", "s3cret")
                .env("GIT_TERMINAL_PROMPT", "0")
                .run()
        };
        asked("https://git.example.org/a/b").assert_code(0).stdout_contains("password=s3cret\n");
        assert!(!asked("https://elsewhere.example.org/a").stdout.contains("s3cret"));
    }
}

#[test]
fn what_the_pipeline_of_gitlab_says_runs_here() {
    let mut sandbox = Sandbox::new();
    let bin = std::path::Path::new(env!("CARGO_BIN_EXE_wharf")).parent().expect("a program lies in a folder");
    let path = sandbox.variables().iter().find(|(name, _)| name == "PATH").expect("it is always set").1.clone();
    let fake = sandbox.path().join("fake");
    fs_err::create_dir(&fake).expect("a sandbox is writable");
    fs_err::write(fake.join("docker"), DOCKER).expect("a sandbox is writable");
    sandbox.command("chmod").arg("+x").arg(fake.join("docker")).run().assert_code(0);
    let all = [fake, bin.to_owned()].into_iter().chain(std::env::split_paths(&path));
    sandbox.set("PATH", std::env::join_paths(all).expect("no colons"));
    let repo = repo(&sandbox, "[ci]\ninstall = \"wharf --version | grep {version}\"\nrelease = \"prod\"\n");
    ci(&sandbox, &repo, &["generate", "gitlab"]).assert_code(0);
    let pipeline = parsed(&sandbox, &repo, ".gitlab-ci.yml");
    let lines = |job: &str, part: &str| {
        let lines = pipeline[job][part].as_array().expect("it has lines").clone();
        lines.into_iter().filter_map(|line| line.as_str().map(str::to_owned)).collect::<Vec<_>>().join("\n")
    };
    let run = |text: &str, tag: &str| {
        let command = sandbox.command("bash").args(["--noprofile", "--norc", "-eo", "pipefail", "-c", text]);
        command.cwd(repo.path()).env("CI_COMMIT_TAG", tag).run()
    };
    run(&lines(".wharf", "before_script"), "").assert_code(0);
    let script = lines("infra main", "script");
    assert!(script.ends_with("\nwharf test --dir infra"), "{script}");
    let load = script.replace("wharf test --dir infra", "wharf test --dir infra --plan");
    run(&load, "").assert_code(0).stdout_lacks("docker load");
    run(&lines(".test", "after_script"), "")
        .assert_code(0)
        .stdout_contains("docker save --output .wharf/ci-images/images.tar");
    repo.write(".wharf/ci-images/images.tar", "");
    run(&load, "").assert_code(0).stdout_contains("docker load --input .wharf/ci-images/images.tar\n");
    for cache in pipeline[".test"]["cache"].as_array().expect("there are two") {
        assert_eq!(cache["when"], "always", "{cache}");
    }
    // Somebody else's tag fails no pipeline; one of ours is released.
    let release = lines("release", "script");
    run(&release, "other-1.2.0").assert_code(0).stderr_contains("nothing is released");
    let shown = release.replace("wharf ci run release", "wharf ci run release --dry-run");
    run(&shown, "sample-infra-1.2.0").assert_code(0).stdout_contains("wharf image release infra --stage prod\n");
}

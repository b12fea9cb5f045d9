//! A test cache that machines share over the network: what another one learned, and what it costs where the store is not well.
//!
//! A store on the network needs the feature `remote-cache`, so most of it is tested only in builds that have it.

use wharf_testkit::{EngineKind, Repo, Sandbox, sample};

use crate::testing::{Report, wharf_test};

struct Case {
    sandbox: Sandbox,
    repo: Repo,
    runs: u32,
}

impl Case {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        let repo = sample::workspace(&sandbox)
            .dir("alpha", |dir| dir.test("test_a.py", "def test_a(): pass\n").test("test_b.py", "def test_b(): pass\n"))
            .build();
        Self { sandbox, repo, runs: 0 }
    }

    #[cfg(feature = "remote-cache")]
    /// From now on it is as on another machine that has the same images.
    fn machine(&mut self, name: &str) {
        let cache = self.sandbox.home().join(name);
        self.sandbox.set("XDG_CACHE_HOME", cache);
    }

    /// Runs the tests, and gives how many were known, how many ran, and what was said.
    #[track_caller]
    fn test(&mut self) -> (u64, u64, String) {
        self.runs += 1;
        let output = wharf_test(&self.sandbox, &self.repo, EngineKind::Docker, &[]).run();
        output.assert_code(0);
        let report = Report::of_run(&self.repo, self.runs);
        let tests = report.dir("alpha")["tests"].as_array().unwrap();
        let cached = tests.iter().filter(|test| test["cached"] == true).count() as u64;
        (cached, tests.len() as u64 - cached, format!("{}{}", output.stdout, output.stderr))
    }
}

#[cfg(not(feature = "remote-cache"))]
#[test]
fn a_build_without_stores_on_the_network_says_so_and_goes_on() {
    let mut case = Case::new();
    case.sandbox.set("WHARF_CACHE_REMOTE", "s3://bucket/prefix?region=nowhere");
    let (cached, ran, said) = case.test();
    assert_eq!((cached, ran), (0, 2));
    let line = "the shared test cache `s3://bucket/prefix` is not used: this wharf was built without stores on the network; \
                build it with `--features remote-cache`";
    assert_eq!(said.matches(line).count(), 1, "{said}");
    let (cached, ran, _) = case.test();
    assert_eq!((cached, ran), (2, 0), "its own is there");
}

#[test]
fn a_url_of_no_store_is_a_mistake_in_the_configuration() {
    let mut case = Case::new();
    for url in ["ftp://host/x", "s3://", "https://me:secret@host/x"] {
        case.sandbox.set("WHARF_CACHE_REMOTE", url);
        let output = wharf_test(&case.sandbox, &case.repo, EngineKind::Docker, &["--plan"]).run();
        output.assert_code(3);
        assert!(output.stderr.contains("webdav+https://"), "{}", output.stderr);
    }
}

#[cfg(feature = "remote-cache")]
mod on_the_network {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::{Duration, Instant};

    use wharf_testkit::{CacheServer, Lie, Mood, Running};

    use super::*;

    fn case(server: &CacheServer) -> Case {
        let mut case = Case::new();
        case.sandbox.set("WHARF_CACHE_REMOTE", format!("webdav+http://{}/team", server.host()));
        case.sandbox.set("WHARF_CACHE_USER", "ci");
        case.sandbox.set("WHARF_CACHE_PASSWORD", "hunter2");
        case
    }

    #[test]
    fn two_machines_share_over_webdav() {
        let server = CacheServer::for_whom(Some("Basic Y2k6aHVudGVyMg=="));
        let mut case = case(&server);
        case.machine("one");
        let (cached, ran, said) = case.test();
        assert_eq!((cached, ran), (0, 2), "{said}");
        assert_eq!(server.files().len(), 3, "two test files and their dir: {said}");
        case.machine("two");
        let (cached, ran, said) = case.test();
        assert_eq!((cached, ran), (2, 0), "{said}");
        // From then on it need not be asked.
        server.seen();
        case.test();
        assert_eq!(server.seen(), [] as [&str; 0]);
    }

    #[test]
    fn a_store_that_is_not_well_costs_one_line_and_a_few_seconds() {
        let server = CacheServer::start();
        let mut case = case(&server);
        case.machine("one");
        case.test();
        let moods = [
            Mood::Hangs,
            Mood::Refuses(401),
            Mood::Refuses(403),
            Mood::Refuses(500),
            Mood::Lies(Lie::Another),
            Mood::Lies(Lie::Half),
            Mood::Lies(Lie::Changed),
            Mood::Lies(Lie::Page),
        ];
        for mood in moods {
            server.set(mood);
            case.machine(&format!("{mood:?}").replace(['(', ')'], "-"));
            let (cached, ran, said) = case.test();
            assert_eq!((cached, ran), (0, 2), "{mood:?}: {said}");
            let lines = said.lines().filter(|line| line.contains("test cache")).count();
            assert_eq!(lines, 1, "{mood:?}: {said}");
            assert!(!said.contains("hunter2") && !said.contains("Y2k6"), "{said}");
            // What a lie was answered with is put in order again: by this run, which learned it anew.
            server.set(Mood::Well);
            let (cached, ran, said) = case.test();
            assert_eq!((cached, ran), (2, 0), "{mood:?}: {said}");
        }
    }

    #[test]
    fn jobs_for_forks_add_nothing() {
        let server = CacheServer::start();
        let mut case = case(&server);
        let event = case.sandbox.path().join("event.json");
        let pull = |head: &str| {
            format!(
                r#"{{"pull_request": {{"head": {{"repo": {{"full_name": "{head}"}}}}, "base": {{"repo": {{"full_name": "acme/harbor"}}}}}}}}"#
            )
        };
        case.sandbox.set("GITHUB_EVENT_NAME", "pull_request");
        case.sandbox.set("GITHUB_EVENT_PATH", &event);
        fs_err::write(&event, pull("mallory/harbor")).unwrap();
        case.machine("one");
        case.test();
        assert!(server.files().is_empty(), "{:?}", server.files());
        fs_err::write(&event, pull("acme/harbor")).unwrap();
        case.machine("two");
        case.test();
        assert_eq!(server.files().len(), 3);
        fs_err::write(&event, pull("mallory/harbor")).unwrap();
        case.machine("three");
        assert_eq!(case.test().0, 2, "it may read");
    }

    /// `moto`, which speaks as S3 does; its address, too.
    fn s3(sandbox: &Sandbox) -> (Running, String) {
        let uv = which("uv");
        let mut command = sandbox.command(uv).args(["tool", "run", "--quiet", "--from", "moto[server]>=5,<6"]);
        for name in ["SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy", "UV_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_INDEX_URL"]
        {
            if let Some(value) = std::env::var_os(name) {
                command = command.env(name, value);
            }
        }
        let running = command
            .args(["moto_server", "--host", "127.0.0.1", "--port", "0"])
            .env("PYTHONUNBUFFERED", "1")
            .deadline(Duration::from_secs(300))
            .spawn();
        running.wait_stderr_contains("Running on http://127.0.0.1:");
        let said = running.so_far().stderr;
        let address = said.split("Running on http://").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap();
        (running, address.trim_end_matches('/').to_owned())
    }

    fn which(name: &str) -> std::path::PathBuf {
        let path = std::env::var_os("PATH").unwrap();
        std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()).expect("uv is on PATH")
    }

    fn ask(address: &str, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        write!(stream, "{request} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn two_machines_share_over_s3() {
        let mut case = Case::new();
        let (_server, address) = s3(&case.sandbox);
        let made = ask(&address, "PUT /verdicts");
        assert!(made.starts_with("HTTP/1.1 200"), "{made}");
        let url = |bucket: &str| format!("s3://{bucket}/team/tests?region=us-east-1&endpoint=http://{address}");
        case.sandbox.set("WHARF_CACHE_REMOTE", url("verdicts"));
        case.sandbox.set("AWS_ACCESS_KEY_ID", "key-of-ci");
        case.sandbox.set("AWS_SECRET_ACCESS_KEY", "secret-of-ci");
        case.machine("one");
        let (cached, ran, said) = case.test();
        assert_eq!((cached, ran), (0, 2), "{said}");
        let listed = ask(&address, "GET /verdicts?list-type=2");
        assert_eq!(listed.matches("<Key>team/tests/").count(), 3, "{listed}");
        case.machine("two");
        let (cached, ran, said) = case.test();
        assert_eq!((cached, ran), (2, 0), "{said}");
        // A bucket that is not there: one line, and the tests run.
        case.sandbox.set("WHARF_CACHE_REMOTE", url("elsewhere"));
        case.machine("three");
        let began = Instant::now();
        let (cached, ran, said) = case.test();
        assert_eq!((cached, ran), (0, 2), "{said}");
        assert_eq!(said.matches("the shared test cache `s3://elsewhere/team/tests` is not used").count(), 1, "{said}");
        assert!(!said.contains("secret-of-ci") && !said.contains("key-of-ci"), "{said}");
        assert!(began.elapsed() < Duration::from_secs(120), "bounded");
    }
}

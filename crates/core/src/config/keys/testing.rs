//! The keys of `[test]` and the tables below it, and of `[cache]`.

use super::{FILES, ONCE, POSITIVE, USERS_OWN, key};
use crate::config::form::Form;
use crate::config::origin::LayerKind::{SuperRepo, User};
use crate::config::schema::{Key, Kind, Names};

/// All of them, in the order of the reference.
pub(super) const TEST_KEYS: &[Key] = &[
    key(
        "test.timeout",
        Kind::Text(Form::DurationOrNone),
        "How long one test may take before it is ended and reported as timed out",
    )
    .default(r#""none""#)
    .example(r#""60s""#),
    key(
        "test.retries",
        Kind::Integer { min: 0, max: 10 },
        "How often a failed test is tried again; passing then makes it flaky",
    )
    .default("0")
    .example("2"),
    key("test.jobs", POSITIVE, "How many containers run tests at once")
        .absent("by cores and memory")
        .example("4")
        .whole_workspace(ONCE),
    key("test.args", Kind::List(Form::Any), "Arguments for pytest, before those of the command line")
        .default("[]")
        .example(r#"["-p", "no:cacheprovider"]"#),
    key("test.services", Kind::List(Form::ServiceName), "Services that are ready before tests start, each dir's own")
        .absent("those of `run.services`")
        .example(r#"["postgres", "redis"]"#),
    key("test.base", Kind::Text(Form::Any), "What `wharf test --affected` compares with: a branch, tag or commit")
        .absent("what the default branch of the remote has")
        .example(r#""origin/develop""#)
        .whole_workspace(ONCE),
    key(
        "test.cache",
        Kind::Boolean,
        "Whether test files are not run again while all that they were seen to depend on is as it was",
    )
    .default("true")
    .example("false"),
    key("test.slow", Kind::Text(Form::Duration), "From when on a running test is marked as slow in the live view")
        .default(r#""5s""#)
        .example(r#""30s""#),
    key("test.suite", Kind::Text(Form::Name), "The suite that runs where `--suite` names none")
        .absent("all tests run")
        .example(r#""fast""#),
    key(
        "test.lists",
        Kind::NamedList(Names::Free, Form::TestEntry),
        "Lists of tests for `--list`: ids, files, folders and globs from the super-repo's root, `@other-list`, and with `!` in \
         front what is not in it",
    )
    .absent("no lists")
    .example(r#"{ smoke = ["infra/tests/test_a.py", "ml/**/test_train*.py::test_one", "!ml/old"] }"#)
    .whole_workspace(&[User, SuperRepo]),
    key(
        "test.requires",
        Kind::NamedText(Names::Free, Form::Capability),
        "What tests with a marker need of the place that they run in; where it is lacking they are skipped, with that reason",
    )
    .absent("no marker needs anything")
    .example(r#"{ requires_docker = "docker", postgres = "service:db:5432" }"#)
    .only(FILES),
    key(
        "test.record",
        Kind::Boolean,
        "Whether it is recorded, while tests run, which files each test file depends on, for later runs",
    )
    .default("true")
    .example("false"),
    key(
        "test.durations",
        Kind::Text(Form::RepoPath),
        "File of durations by which `wharf test --shard` shares out test files",
    )
    .absent("all test files count alike")
    .example(r#""test-durations.json""#)
    .whole_workspace(ONCE),
    key(
        "test.coverage-min",
        Kind::Integer { min: 0, max: 100 },
        "Percent of lines and branches below which `wharf test --coverage` fails: at the root of all code together, in a dir of its own",
    )
    .absent("no limit")
    .example("80"),
    key(
        "test.suites.NAME.markers",
        Kind::Text(Form::Any),
        "Which tests are in the suite, as an expression of markers for pytest's `-m`",
    )
    .absent("all")
    .example(r#""not slow and not superslow""#)
    .only(FILES),
    key("test.suites.NAME.timeout", Kind::Text(Form::DurationOrNone), "Limit of one test, in this suite")
        .absent("`test.timeout`")
        .example(r#""60s""#)
        .only(FILES),
    key(
        "test.suites.NAME.retries",
        Kind::Integer { min: 0, max: 10 },
        "How often a failed test is tried again, in this suite",
    )
    .absent("`test.retries`")
    .example("1")
    .only(FILES),
    key(
        "test.suites.NAME.budget",
        Kind::Text(Form::Duration),
        "How long all tests of one dir may take together, in this suite; more is a warning, with `--strict` exit code 5",
    )
    .absent("any time")
    .example(r#""5m""#)
    .only(FILES),
    key("test.history.keep", Kind::Text(Form::Duration), "How long verdicts and durations of tests are kept")
        .default(r#""180d""#)
        .example(r#""90d""#)
        .whole_workspace(ONCE),
    key(
        "cache.size",
        Kind::Text(Form::Size),
        "Size that the cache of verdicts stays below; what was used longest ago goes first",
    )
    .default(r#""2GB""#)
    .example(r#""500MB""#)
    .only(USERS_OWN),
    key(
        "cache.remote",
        Kind::Text(Form::CacheUrl),
        "A cache of verdicts that is shared: a folder that several machines mount, or a store on the network",
    )
    .absent("verdicts stay on this machine")
    .example(r#""s3://bucket/wharf?region=eu-west-1""#)
    .whole_workspace(ONCE),
    key(
        "cache.login-hosts",
        Kind::List(Form::Host),
        "Hosts that get a log-in where a repo states `cache.remote`; one that the user states gets it anyway",
    )
    .default("[]")
    .example(r#"["cache.example.org", "minio.example.org:9000"]"#)
    .only(USERS_OWN),
    key(
        "cache.mode",
        Kind::Text(Form::Choice(&["read-write", "read"])),
        "Whether verdicts are added to the shared cache; in CI jobs for pull and merge requests from forks they never are",
    )
    .default(r#""read-write""#)
    .example(r#""read""#)
    .whole_workspace(ONCE),
];

use std::collections::BTreeMap;
use std::ffi::OsStr;

use clap::Parser;
use semver::Version;

use super::line::{Call, Refusal, Translation};
use super::option::{Kind, flags};
use super::table::{self, Row, rows};
use super::words::{Asked, Question, Who, Words, WordsError, read};
use super::{Fate, LINKS, Program, Standing, pytest};
use crate::arguments::Arguments;

fn standing() -> Standing {
    Standing {
        here: Some("infra".into()),
        version: Some(Version::new(1, 2, 3)),
        below: vec!["helpers_root".into()],
        dirs: 5,
        versions: [("infra".into(), Version::new(1, 2, 3)), ("ml".into(), Version::new(1, 2, 3))].into(),
    }
}

fn words(text: &str) -> Result<Words, WordsError> {
    let words = shlex::split(text).unwrap();
    read(&words, &|name| match name {
        "mine" => Who::Own("mine".into(), flags(&[super::option::text("where"), super::option::off("loud")])),
        name => table::find(name).map_or(Who::Unknown, Who::Row),
    })
}

/// The lines of one or more tasks that Wharf knows, as one would paste them.
fn shown_at(text: &str, standing: &Standing) -> Result<Vec<String>, Refusal> {
    let mut lines = Vec::new();
    for task in words(text).unwrap().tasks {
        let Asked::Known(row, values) = task else { panic!("{task:?} is not known") };
        let made = Call { row, standing, values: &values }.translate()?;
        lines.extend(made.lines.iter().map(|line| line.shown()));
    }
    Ok(lines)
}

fn shown(text: &str) -> Vec<String> {
    shown_at(text, &standing()).unwrap()
}

fn translated(row: &'static Row, values: &BTreeMap<&'static str, String>) -> Result<Translation, Refusal> {
    Call { row, standing: &standing(), values }.translate()
}

fn check_parses(made: &Translation, what: &str) {
    for line in &made.lines {
        let words = ["wharf".to_owned()].into_iter().chain(line.words.iter().cloned());
        if let Err(error) = Arguments::try_parse_from(words) {
            panic!("{what}: {}\n{error}", line.shown());
        }
    }
}

/// A value that an option can have.
fn value(name: &str) -> &'static str {
    match name {
        "stage" => "dev",
        "version" => "1.2.3",
        "port" => "8889",
        "n_threads" => "4",
        "suite" => "fast",
        "poetry_mode" => "update",
        "multi_arch" => "linux/amd64,linux/arm64",
        "pytest_opts" => "-k 'a or b' -x tests/test_a.py --maxfail 2",
        "issue_id" => "0",
        "container_dir_name" => "ml",
        _ => "value",
    }
}

#[test]
fn each_row_makes_lines_that_wharf_understands() {
    for row in rows().chain(pytest::MAIN_ROWS) {
        let needed: BTreeMap<_, _> = row
            .options
            .iter()
            .filter(|option| option.kind == Kind::Needed || matches!(option.name, "cmd" | "branch_name"))
            .map(|option| (option.name, value(option.name).to_owned()))
            .collect();
        let made = translated(row, &needed).unwrap_or_else(|refusal| panic!("{}: {refusal}", row.name));
        check_parses(&made, row.name);
        assert_eq!(made.lines.is_empty(), row.name == "docker_login", "{}", row.name);
        // Each option on its own, and all together.
        let mut all = needed.clone();
        for option in row.options {
            let text = match option.kind {
                Kind::Text | Kind::Needed | Kind::Number => value(option.name),
                Kind::On => "false",
                Kind::Off => "true",
            };
            let mut values = needed.clone();
            values.insert(option.name, text.to_owned());
            let made = translated(row, &values);
            if let Fate::Refused(_) = option.fate {
                assert!(matches!(made, Err(Refusal::Option { .. })), "{} {}", row.name, option.name);
                continue;
            }
            let made = made.unwrap_or_else(|refusal| panic!("{} {}: {refusal}", row.name, option.name));
            check_parses(&made, &format!("{} {}", row.name, option.name));
            let is_needless = matches!(option.fate, Fate::Needless(_));
            assert!(!is_needless || made.notes[0].contains(&option.long()), "{} {}", row.name, option.name);
            all.insert(option.name, text.to_owned());
        }
        check_parses(&translated(row, &all).unwrap(), row.name);
    }
}

#[test]
fn no_two_rows_have_one_name() {
    let mut names: Vec<_> = rows().map(|row| row.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(names.iter().all(|name| table::find(&name.replace('_', "-")).is_some()));
}

/// All names of the page of facts.
#[test]
fn the_names_that_people_type_are_all_there() {
    let names = "docker_bash docker_cmd docker_jupyter docker_ps docker_stats docker_kill docker_pull docker_login docker_images_ls_repo \
        docker_remove_image docker_build_local_image docker_tag_local_image_as_dev docker_push_dev_image docker_release_dev_image \
        docker_build_prod_image docker_push_prod_image docker_release_prod_image docker_rollback_dev_image docker_rollback_prod_image \
        run_fast_tests run_slow_tests run_superslow_tests run_fast_slow_tests run_fast_slow_superslow_tests run_qa_tests run_coverage \
        pytest_repro pytest_failed git_pull git_branches git_branch_create git_roll_amp_forward print_setup print_tasks";
    for name in names.split_whitespace() {
        assert!(table::find(name).is_some(), "{name}");
    }
    for name in ["run_fast_tests", "run_slow_tests", "run_superslow_tests"] {
        assert!(table::find_main_pytest(name).is_some(), "{name}");
    }
}

#[test]
fn a_command_stays_one_word_for_the_shell_of_the_container() {
    let command = r#"echo "$HOME" | wc -l; echo 'x' > $(pwd)/f"#;
    let line = shown(&format!("docker_cmd --cmd {} --stage local", shlex::try_quote(command).unwrap()));
    let words = shlex::split(&line[0]).unwrap();
    assert_eq!(words, ["wharf", "run", "--stage", "local", "--", "bash", "-c", command]);
    assert_eq!(
        shown("docker-cmd --cmd=ls --no-as-user --container-dir-name ml"),
        ["wharf run --user root ml -- bash -c ls"]
    );
    assert_eq!(shown_at("docker_cmd", &standing()), Err(Refusal::Missing { task: "docker_cmd", option: "--cmd" }));
}

#[test]
fn options_are_read_as_invoke_reads_them() {
    let same = ["wharf bash --stage local --version 1.2.0"];
    for line in [
        "docker_bash --stage local --version 1.2.0",
        "docker-bash --version=1.2.0 --stage=local",
        "docker_bash -s local -v 1.2.0",
        "docker_bash --stage local --version 1.2.0 --skip-pull --no-skip-pull",
        "docker_bash -slocal -v=1.2.0 --skip_pull --use-entrypoint",
        "--echo docker_bash --stage local --version 1.2.0 --echo",
    ] {
        assert_eq!(shown(line), same, "{line}");
    }
    let bad = |line: &str| words(line).unwrap_err().to_string();
    assert_eq!(bad("docker_bash --stag local"), "task `docker_bash` has no option `--stag`");
    assert_eq!(bad("docker_bash --stage"), "option `--stage` of task `docker_bash` needs a value");
    assert_eq!(bad("docker_ps --sudo=yes"), "option `--sudo=yes` of task `docker_ps` takes no value");
    assert_eq!(bad("docker_ps -Z"), "task `docker_ps` has no option `-Z`");
    assert_eq!(bad("docker_ps -- x"), "task `docker_ps` has no option `--`");
}

#[test]
fn several_tasks_stand_in_one_line() {
    assert_eq!(
        shown("docker_pull run_fast_tests --pytest-opts=-v docker_ps"),
        ["wharf image pull infra", "wharf test --suite fast --dir infra --dir helpers_root -- -v", "wharf ps"]
    );
    let mixed = words("docker_ps mine --where x --loud docker_kill other docker_ps --x").unwrap();
    let names: Vec<String> = mixed
        .tasks
        .iter()
        .map(|task| match task {
            Asked::Known(row, _) => row.name.to_owned(),
            Asked::Other(name, words) | Asked::Task(name, words) => format!("{name}{words:?}"),
        })
        .collect();
    assert_eq!(
        names,
        ["docker_ps", r#"mine["--where", "x", "--loud"]"#, "docker_kill", r#"other["docker_ps", "--x"]"#]
    );
}

#[test]
fn questions_are_told_from_tasks() {
    let question = |line: &str| words(line).unwrap().question;
    assert_eq!(question("--list"), Some(Question::List));
    assert_eq!(question("--help docker_ps"), Some(Question::Help(Some("docker_ps".into()))));
    assert_eq!(question("docker_ps --help"), Some(Question::Help(Some("docker_ps".into()))));
    assert_eq!(question("--version"), Some(Question::Version));
    assert_eq!(question("--list part"), Some(Question::Other));
    assert_eq!(question("--search-root x docker_ps"), Some(Question::Other));
    assert!(words("--dry docker_ps").unwrap().dry);
    // Behind one of the team's own tasks, too.
    let behind = words("mine --loud --dry docker_kill").unwrap();
    assert!(behind.dry && behind.passed == ["--dry"] && behind.tasks.len() == 2, "{behind:?}");
    assert_eq!(question("mine --help docker_kill"), Some(Question::Help(Some("mine".into()))));
}

#[test]
fn tests_are_those_of_the_dir_and_of_its_sub_repos() {
    assert_eq!(shown("run_slow_tests --skip-submodules"), ["wharf test --suite slow --dir infra"]);
    let only = Standing { here: Some(".".into()), dirs: 1, ..Standing::default() };
    assert_eq!(shown_at("run_fast_tests", &only).unwrap(), ["wharf test --suite fast"]);
    let all = shown(
        "run_fast_slow_superslow_tests --stage dev --version 1.2.0 --coverage --abort-on-first-error --skip-submodules",
    );
    assert_eq!(
        all,
        [
            "wharf test --suite fast --suite slow --suite superslow --dir infra --stage dev --version 1.2.0 --coverage --fail-fast"
        ]
    );
    assert_eq!(shown("run_qa_tests --skip_submodules -s prod"), ["wharf test --dir infra --stage prod -m qa"]);
    assert_eq!(
        shown("run_fast_tests --n-threads 4 --skip-submodules"),
        ["wharf test --split 4 --suite fast --dir infra"]
    );
    assert_eq!(
        shown("run_fast_tests --collect-only -p '-k a -m \"b and c\" -x tests/test_a.py::T --maxfail 2 -q'"),
        ["wharf test --suite fast --collect --fail-fast -k a -m 'b and c' tests/test_a.py::T -- --maxfail 2 -q"]
    );
    assert_eq!(shown("run_qa_tests --skip-submodules -p '-m slow'"), ["wharf test --dir infra -m '(qa) and (slow)'"]);
    assert!(shown_at("run_fast_tests --pytest-opts \"-k 'a\"", &standing()).is_err());
    assert_eq!(
        shown("run_coverage --suite slow_tests --target-dir lib"),
        ["wharf test --suite slow '--coverage=term,xml' lib"]
    );
}

#[test]
fn images_have_the_version_of_the_changelog() {
    assert_eq!(
        shown("docker_build_local_image --version 1.2.0 --poetry-mode update --no-cache"),
        ["wharf image lock infra --upgrade", "wharf image build infra --stage local --no-cache"]
    );
    let refusal = shown_at("docker_build_local_image 1.3.0", &standing()).unwrap_err();
    assert!(refusal.to_string().contains("make version 1.3.0, but the top entry of the changelog of `infra` is 1.2.3"));
    // Also where another dir is named.
    let other = shown_at("docker_build_local_image 1.3.0 --container-dir-name ml", &standing()).unwrap_err();
    assert!(other.to_string().contains("of `ml` is 1.2.3"), "{other}");
    assert!(shown_at("docker_build_local_image 1.2.0 --container-dir-name ./ml/", &standing()).is_ok());
    let mode = shown_at("docker_release_prod_image --poetry-mode update", &standing()).unwrap_err();
    assert!(matches!(mode, Refusal::Option { .. }), "{mode}");
    // A prod image has the patch number too.
    assert!(shown_at("docker_build_prod_image --version 1.2.0", &standing()).is_err());
    // What is no number is the next task.
    assert_eq!(shown("docker_push_dev_image 1.2.0 docker_ps").len(), 2);
    assert_eq!(shown("docker_push_dev_image docker_ps").len(), 2);
    assert_eq!(shown("docker_build_prod_image --version 1.2.3"), ["wharf image build infra --stage prod"]);
    assert_eq!(shown("docker_release_dev_image --version 1.2.0"), ["wharf image release infra"]);
    assert_eq!(
        shown("docker_release_dev_image --version 1.2.0 --skip-tests"),
        [
            "wharf image build infra --stage local",
            "wharf image promote infra --untested",
            "wharf image push infra --stage dev"
        ]
    );
    assert_eq!(
        shown("docker_release_prod_image --version 1.2.3 --no-push-to-repo"),
        ["wharf image build infra --stage prod", "wharf test --dir infra --stage prod"]
    );
    assert_eq!(
        shown("docker_rollback_prod_image --version 1.1.0"),
        ["wharf image rollback infra --to 1.1.0 --stage prod"]
    );
    let nowhere = Standing::default();
    assert_eq!(shown_at("docker_push_dev_image", &nowhere), Err(Refusal::Nowhere { task: "docker_push_dev_image" }));
}

#[test]
fn what_only_their_task_can_do_is_left_to_it() {
    let made = |line: &str| match words(line).unwrap().tasks.remove(0) {
        Asked::Known(row, values) => translated(row, &values).unwrap().lines.len(),
        Asked::Other(..) | Asked::Task(..) => panic!("{line} is known"),
    };
    assert_eq!(made("git_branch_create --issue-id 17"), 0);
    assert_eq!(made("docker_login --target-registry ghcr"), 0);
    assert_eq!(shown("git_branch_create --branch-name Task1_x --suffix 2"), ["wharf repo switch --create Task1_x_2"]);
}

#[test]
fn a_program_is_known_by_its_name() {
    let of = |name: &str| Program::of(OsStr::new(name));
    assert!(LINKS.iter().all(|name| of(&format!("/some/where/{name}")).is_some()));
    assert_eq!((of("i"), of("main_pytest.py")), (Some(Program::Invoke), Some(Program::MainPytest)));
    assert_eq!((of("wharf"), of("/x/i/wharf"), of("")), (None, None, None));
}

/// The guide is what people look into: each task stands there with the command that it really becomes.
#[test]
fn each_row_stands_in_the_guide() {
    let guide = include_str!("../../../../docs/guides/from-helpers.md");
    for row in rows() {
        let line = guide.lines().find(|line| line.starts_with(&format!("| `{}", row.name)));
        let line = line.unwrap_or_else(|| panic!("the guide lacks `{}`", row.name));
        let needed = row
            .options
            .iter()
            .filter(|option| matches!(option.name, "cmd" | "branch_name") || option.kind == Kind::Needed);
        let values = needed.map(|option| (option.name, value(option.name).to_owned())).collect();
        for made in translated(row, &values).unwrap().lines {
            // The first words are the command.
            let words: Vec<&str> =
                made.words.iter().map(String::as_str).take_while(|word| !word.starts_with("infra")).collect();
            let command = words.iter().take_while(|word| !word.starts_with('-')).copied().collect::<Vec<_>>().join(" ");
            assert!(line.contains(&format!("`wharf {command}")), "{}: {command}\n{line}", row.name);
            for suite in made.words.windows(2).filter(|pair| pair[0] == "--suite" || pair[0] == "--stage") {
                assert!(line.contains(&suite.join(" ")), "{}: {suite:?}\n{line}", row.name);
            }
        }
    }
    for link in LINKS {
        assert!(guide.contains(&format!("`{link}`")), "{link}");
    }
}

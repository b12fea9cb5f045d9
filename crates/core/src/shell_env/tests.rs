//! Tests of plans and of what is written; the shells themselves are asked in tests/scenarios/setenv.rs.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::quote::{decoded, encoded, quoted};
use super::*;
use crate::config::{Config, Layer, LayerKind, resolve};

fn variables(pairs: &[(&str, &str)]) -> Variables {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn wanted(path: &[&str], values: &[(&str, &str)]) -> Wanted {
    Wanted {
        values: values.iter().map(|(name, value)| ((*name).to_owned(), Some(value.into()))).collect(),
        lists: BTreeMap::from([("PATH".to_owned(), path.iter().map(OsString::from).collect())]),
    }
}

/// What a shell would do.
fn apply(variables: &Variables, plan: &Plan) -> Variables {
    let mut now = variables.clone();
    for step in &plan.steps {
        match step {
            Step::Keep(name, keeper) => {
                now.insert(keeper.into(), now[OsStr::new(name)].clone());
            }
            Step::Restore(name, keeper) => {
                let kept = now.remove(OsStr::new(keeper)).expect("a plan restores what was kept");
                now.insert(name.into(), kept);
            }
            Step::Set(name, value) => {
                now.insert(name.into(), value.clone());
            }
            Step::Unset(name) => {
                now.remove(OsStr::new(name));
            }
            Step::Run(_) => {}
        }
    }
    now
}

fn set_up(variables: &Variables, wanted: &Wanted) -> Variables {
    apply(variables, &plan(variables, Some(wanted), HooksPlan::default()))
}

fn undo(variables: &Variables) -> Variables {
    apply(variables, &plan(variables, None, HooksPlan::default()))
}

fn value<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
    variables.get(OsStr::new(name)).and_then(|value| value.to_str())
}

#[test]
fn unset_and_empty_are_told_apart() {
    for before in [variables(&[]), variables(&[("A", ""), ("PATH", "")]), variables(&[("A", "x"), ("PATH", "/b::/c")])]
    {
        let during = set_up(&before, &wanted(&["/w"], &[("A", "new")]));
        assert_eq!(value(&during, "A"), Some("new"));
        assert_eq!(undo(&during), before);
        assert_eq!(undo(&before), before);
    }
}

#[test]
fn a_change_by_the_user_is_kept() {
    let before = variables(&[("A", "old"), ("B", "old"), ("PATH", "/usr/bin")]);
    let mut during = set_up(&before, &wanted(&["/w"], &[("A", "new"), ("B", "new")]));
    during.insert("A".into(), "mine".into());
    during.remove(OsStr::new("B"));
    during.insert("PATH".into(), "/mine:/w:/usr/bin:/w".into());
    let after = undo(&during);
    assert_eq!(after, variables(&[("A", "mine"), ("PATH", "/mine:/usr/bin")]));
    // Set up again in between, the user's part is what was there before.
    let again = set_up(&during, &wanted(&["/w"], &[("A", "new")]));
    assert_eq!(value(&again, "PATH"), Some("/w:/mine:/usr/bin"));
    assert_eq!(undo(&again), after);
}

#[test]
fn an_entry_that_was_there_is_moved_and_comes_back() {
    let before = variables(&[("PATH", "/a:/w:/b")]);
    let during = set_up(&before, &wanted(&["/w"], &[]));
    assert_eq!(value(&during, "PATH"), Some("/w:/a:/b"));
    assert_eq!(undo(&during), before);
}

#[test]
fn another_workspace_takes_the_place_of_the_first() {
    let before = variables(&[("A", "old"), ("PATH", "/usr/bin")]);
    let first = wanted(&["/one"], &[("A", "1"), ("ONLY", "1")]);
    let second = wanted(&["/two"], &[("A", "2")]);
    let during = set_up(&set_up(&before, &first), &second);
    assert_eq!(during, set_up(&before, &second));
    assert_eq!(undo(&during), before);
}

#[test]
fn a_variable_that_must_not_be_set_comes_back() {
    let before = variables(&[("PYTHONHOME", "/py")]);
    let wanted = Wanted { values: BTreeMap::from([("PYTHONHOME".into(), None)]), lists: BTreeMap::new() };
    let during = set_up(&before, &wanted);
    assert_eq!(value(&during, "PYTHONHOME"), None);
    assert_eq!(set_up(&during, &wanted), during);
    assert_eq!(undo(&during), before);
}

#[test]
fn what_is_no_state_is_not_believed() {
    for text in ["", "2;v,A,s,00", "1;v,A;rm -rf /,s,00", "1;v,A$(id),n,00", "1;l,A,s,%zz", "1;x,A,s", "1;v,A"] {
        assert!(State::read(Some(OsStr::new(text))).is_empty(), "{text}");
    }
    let during = set_up(&variables(&[("A", "s3cret")]), &wanted(&["/a b%:c;,"], &[("A", "tok3n")]));
    let text = value(&during, STATE).expect("it is set");
    assert_eq!(State::read(Some(OsStr::new(text))).text(), text);
    assert!(!text.contains("s3cret") && !text.contains("tok3n"), "{text}");
}

#[test]
fn no_value_from_before_is_printed() {
    let before = variables(&[("TOKEN", "s3cret"), ("PATH", "/usr/bin")]);
    let wanted = wanted(&["/w"], &[("TOKEN", "of the team")]);
    let during = set_up(&before, &wanted);
    for shell in Shell::ALL {
        for (from, to) in [(&before, Some(&wanted)), (&during, None)] {
            let plan = plan(from, to, HooksPlan::default());
            let text = String::from_utf8(script(shell, &plan, Completions::Leave)).expect("all values are UTF-8");
            assert!(text.contains("TOKEN") && !text.contains("s3cret"), "{text}");
        }
    }
}

#[test]
fn hooks_are_set_only_where_none_are() {
    let ours = Hooks { root: "/r".into(), folder: "hooks".into() };
    let ask = |before: &State, wanted: Option<&Hooks>, current: Option<&str>| {
        hooks(before, Some(Path::new("/r")), wanted.cloned(), &|_| current.map(str::to_owned))
    };
    let fresh = ask(&State::default(), Some(&ours), None).expect("nothing is in the way");
    assert_eq!((fresh.steps.len(), &fresh.after), (1, &Some(ours.clone())));
    assert!(matches!(ask(&State::default(), Some(&ours), Some("mine")), Err(ShellEnvError::HooksTaken { .. })));
    // Already so by somebody else: not ours to take back.
    assert_eq!(ask(&State::default(), Some(&ours), Some("hooks")).expect("it is right"), HooksPlan::default());
    let state = State { hooks: Some(ours.clone()), ..State::default() };
    assert_eq!(ask(&state, None, Some("hooks")).expect("it stays").after, Some(ours));
    let undone = hooks(&state, None, None, &|_| Some("hooks".into())).expect("it is ours");
    assert_eq!((undone.steps.len(), undone.after), (1, None));
    // Changed by the user since.
    assert_eq!(hooks(&state, None, None, &|_| Some("mine".into())).expect("it is theirs"), HooksPlan::default());
    assert_eq!(State::read(Some(OsStr::new(&state.text()))), state);
}

#[test]
fn references_are_worked_out_where_they_are_seen() {
    let text = "[setenv]\nA = \"${B}/$x/$${ROOT}\"\nB = \"${ROOT}\"\nH = \"${HOME}/x\"\nROOT = \"${ROOT}!\"\n";
    let layer = Layer::from_toml(LayerKind::SuperRepo, Path::new("wharf.toml"), text.as_bytes()).expect("it is good");
    let config = Config::from_resolved(&resolve(&[&layer])).expect("it is good").setenv;
    let seen = |root: &str, home: Option<&str>| {
        let standpoint =
            Standpoint { root: root.into(), dir: root.into(), home: home.map(Into::into), workspace: "w".into() };
        team_variables(&config, &standpoint)
    };
    let host = seen("/host", Some("/me"));
    assert_eq!(host["A"], "/host!/$x/${ROOT}");
    assert_eq!(host["H"], "/me/x");
    let container = seen("/src/w", None);
    assert_eq!(container["B"], "/src/w!");
    assert!(!container.contains_key("H"), "a container has no home of the host");
}

#[test]
fn folders_with_a_colon_stand_in_no_list() {
    let setenv = crate::config::SetenvConfig::default();
    let facts = Facts {
        root: Path::new("/a:b"),
        workspace: "w",
        repos: vec!["/a:b".into(), "/a:b/c".into()],
        dir: None,
        home: None,
        thin_env: Some(PathBuf::from("/env")),
        path: vec!["/bin".into(), "/bin".into()],
        setenv: &setenv,
    };
    let wanted = Wanted::of(&facts);
    assert_eq!(wanted.lists, BTreeMap::from([("PATH".into(), vec!["/env/bin".into(), "/bin".into()])]));
    assert_eq!(wanted.values["VIRTUAL_ENV"], Some("/env".into()));
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![1..=255u8, Just(b'\''), Just(b'\\'), Just(b':'), Just(b'%')], 0..12)
}

proptest! {
    #[test]
    fn undo_gives_back_what_was(
        before in proptest::collection::btree_map("[ABP]", bytes(), 0..3),
        entries in proptest::collection::vec(bytes(), 1..3),
        value in bytes(),
    ) {
        let before: Variables = before.into_iter().map(|(name, value)| (name.into(), OsString::from_vec(value))).collect();
        let entries = entries.into_iter().map(|entry| OsString::from_vec([b"/".as_slice(), &entry].concat()));
        let entries = entries.filter(|entry| !entry.as_bytes().contains(&b':')).collect();
        let wanted = Wanted {
            values: BTreeMap::from([("A".to_owned(), Some(OsString::from_vec(value)))]),
            lists: BTreeMap::from([("P".to_owned(), entries)]),
        };
        let during = set_up(&before, &wanted);
        prop_assert!(plan(&during, Some(&wanted), HooksPlan::default()).steps.is_empty());
        prop_assert_eq!(undo(&during), before);
    }

    #[test]
    fn encoded_bytes_come_back(bytes in bytes()) {
        let text = encoded(&bytes);
        prop_assert!(!text.contains([',', ';', '\'', ' ']));
        prop_assert_eq!(decoded(&text), Some(bytes));
    }

    #[test]
    fn posix_words_are_read_as_they_were(text in "[ -~\n]{0,20}") {
        let word = String::from_utf8(quoted(Shell::Bash, text.as_bytes())).expect("it was UTF-8");
        prop_assert_eq!(shlex::split(&word), Some(vec![text]));
    }
}

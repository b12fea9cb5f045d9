//! The law of syncing, on real repos: nothing is lost unsaid, and a second sync has nothing to do.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use wharf_testkit::{Repo, Sandbox};

use super::{Contents, Examined, OnConflict, Plan, RECORD, Scene, Selection, apply, examine, plan};

const NAMES: [&str; 3] = ["a.txt", "d/b.txt", "d/e/c.txt"];

/// What happens to a file on one side. Lines are told apart by side and number, so that each can be looked for afterwards.
#[derive(Debug, Clone)]
enum Edit {
    Keep,
    Delete,
    /// These lines of the base are replaced, and so many are added at the end.
    Change(Vec<usize>, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        2 => Just(Edit::Keep),
        1 => Just(Edit::Delete),
        4 => (proptest::collection::vec(0..9_usize, 0..3), 0..2_usize).prop_map(|(lines, more)| Edit::Change(lines, more)),
    ]
}

fn base(name: &str) -> Vec<String> {
    (0..9).map(|line| format!("{name} {line}")).collect()
}

fn edited(name: &str, side: &str, edit: &Edit) -> Option<String> {
    let mut lines = base(name);
    match edit {
        Edit::Keep => {}
        Edit::Delete => return None,
        Edit::Change(changed, more) => {
            for line in changed {
                lines[*line] = format!("{side} {name} {line}");
            }
            lines.extend((0..*more).map(|line| format!("{side} {name} more {line}")));
        }
    }
    Some(lines.iter().map(|line| format!("{line}\n")).collect())
}

fn put(repo: &Repo, name: &str, text: Option<&str>) {
    match text {
        Some(text) => {
            repo.write(name, text);
        }
        None => std::fs::remove_file(repo.join(name)).unwrap(),
    }
}

fn read(repo: &Repo) -> BTreeMap<&'static str, String> {
    NAMES.iter().filter_map(|name| Some((*name, std::fs::read_to_string(repo.join(name)).ok()?))).collect()
}

fn planned(root: &Path, cache: &Path, on_conflict: OnConflict) -> (Scene, Examined, Plan) {
    let scene = Scene::open(root, cache).unwrap();
    let selection = Selection::default();
    let examined = examine(&scene, &selection).unwrap();
    let contents = Contents::fetch(&scene, &examined).unwrap().with_merges(&scene, &examined).unwrap();
    let plan = plan(&scene, &examined, &contents, &selection, on_conflict);
    (scene, examined, plan)
}

/// A super-repo and its sub-repo, which owns three files that are synced.
fn synced(sandbox: &Sandbox) -> (Repo, Repo) {
    let repo = Repo::init(sandbox.path().join("w"));
    let owner = Repo::init(repo.join("o"));
    for name in NAMES {
        owner.write(name, edited(name, "", &Edit::Keep).unwrap());
    }
    owner.commit("first");
    repo.write(".gitmodules", "[submodule \"o\"]\n\tpath = o\n\turl = ../o\n");
    repo.write("wharf.toml", "[[files]]\nfrom = \"//o\"\npaths = [\"a.txt\", \"d/\"]\n");
    let cache = sandbox.path().join("cache");
    let (scene, _, plan) = planned(repo.path(), &cache, OnConflict::Refuse);
    apply(&scene, &plan).unwrap();
    (repo, owner)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn a_second_sync_does_nothing_and_nothing_is_lost_unsaid(
        here in proptest::collection::vec(edit(), 3),
        there in proptest::collection::vec(edit(), 3),
        mark: bool,
    ) {
        let sandbox = Sandbox::new();
        let (repo, owner) = synced(&sandbox);
        let cache = sandbox.path().join("cache");
        for (at, name) in NAMES.iter().enumerate() {
            put(&repo, name, edited(name, "here", &here[at]).as_deref());
            put(&owner, name, edited(name, "there", &there[at]).as_deref());
        }
        owner.commit("second");
        let before = read(&repo);
        let record = repo.read(RECORD);
        let on_conflict = if mark { OnConflict::Mark } else { OnConflict::Refuse };
        let (scene, _, first) = planned(repo.path(), &cache, on_conflict);
        if !first.conflicts.is_empty() {
            // Told, and nothing was touched.
            prop_assert_eq!((read(&repo), repo.read(RECORD)), (before, record));
            return Ok(());
        }
        apply(&scene, &first).unwrap();
        let after = read(&repo);
        for (at, name) in NAMES.iter().enumerate() {
            let removed = first.steps.iter().any(|step| step.path == *name && step.action == super::Action::Remove);
            let text = after.get(name).map(String::as_str).unwrap_or_default();
            for line in before.get(name).into_iter().flat_map(|text| text.lines()).filter(|line| line.starts_with("here")) {
                prop_assert!(text.contains(line), "an edit here is lost: {line}");
            }
            // What is deleted here stays so.
            if matches!(here[at], Edit::Delete) {
                prop_assert!(!after.contains_key(name));
                continue;
            }
            prop_assert_eq!(after.contains_key(name), !removed);
            prop_assert_eq!(removed, matches!(there[at], Edit::Delete));
            let theirs = edited(name, "there", &there[at]).unwrap_or_default();
            for line in theirs.lines().filter(|line| line.starts_with("there")) {
                prop_assert!(text.contains(line), "an edit there is lost: {line}");
            }
            for line in base(name).iter().filter(|line| !removed && theirs.lines().any(|known| known == *line)) {
                let kept_here = before.get(name).is_some_and(|text| text.lines().any(|known| known == line));
                prop_assert!(!kept_here || text.lines().any(|known| known == line), "a line that nobody changed is lost: {line}");
            }
        }
        let (_, _, second) = planned(repo.path(), &cache, OnConflict::Refuse);
        prop_assert!(second.steps.is_empty() && second.records.is_empty() && second.conflicts.is_empty(), "{second:?}");
        prop_assert_eq!(read(&repo), after);
    }
}

/// A text of few different lines: an edit at each of them is to keep it, to drop it, or to put another one before it.
fn repeated(base: &str, edits: &[u8]) -> String {
    let line = |(at, letter): (usize, char)| match edits[at] {
        0 => String::new(),
        1 => format!("x\n{letter}\n"),
        2 => format!("b\n{letter}\n"),
        _ => format!("{letter}\n"),
    };
    base.chars().enumerate().map(line).collect()
}

fn count(text: &str, wanted: &str) -> usize {
    text.lines().filter(|line| *line == wanted).count()
}

fn is_within(part: &str, whole: &str) -> bool {
    let mut lines = whole.lines();
    part.lines().all(|wanted| lines.any(|line| line == wanted))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn lines_that_repeat_are_not_lost_unsaid(
        base in "[abc]{8}",
        here in proptest::collection::vec(0..8_u8, 8),
        there in proptest::collection::vec(0..8_u8, 8),
        mark: bool,
    ) {
        let sandbox = Sandbox::new();
        let (repo, owner) = synced(&sandbox);
        let cache = sandbox.path().join("cache");
        let (first, mine, theirs) = (repeated(&base, &[9; 8]), repeated(&base, &here), repeated(&base, &there));
        owner.write("a.txt", &first).commit("repeated");
        let (scene, _, plan) = planned(repo.path(), &cache, OnConflict::Refuse);
        apply(&scene, &plan).unwrap();
        repo.write("a.txt", &mine);
        if theirs != first {
            owner.write("a.txt", &theirs).commit("changed");
        }
        let on_conflict = if mark { OnConflict::Mark } else { OnConflict::Refuse };
        let (scene, _, plan) = planned(repo.path(), &cache, on_conflict);
        if !plan.conflicts.is_empty() {
            prop_assert_eq!(repo.read("a.txt"), mine);
            return Ok(());
        }
        apply(&scene, &plan).unwrap();
        let merged = repo.read("a.txt");
        for line in ["a", "b", "c", "x"] {
            for side in [&mine, &theirs] {
                let added = count(side, line).saturating_sub(count(&first, line));
                prop_assert!(count(&merged, line) >= added, "{line} is lost: {merged}");
            }
        }
        // Where the other side removed nothing, all of one's own is there, in its order.
        prop_assert!(there.contains(&0) || is_within(&mine, &merged), "{mine} is lost: {merged}");
        prop_assert!(here.contains(&0) || is_within(&theirs, &merged), "{theirs} is lost: {merged}");
        let (_, _, second) = planned(repo.path(), &cache, OnConflict::Refuse);
        prop_assert!(second.steps.is_empty() && second.records.is_empty() && second.conflicts.is_empty(), "{second:?}");
    }
}

#[test]
fn a_sync_that_is_cut_off_anywhere_goes_on_from_there() {
    let sandbox = Sandbox::new();
    let (repo, owner) = synced(&sandbox);
    let cache = sandbox.path().join("cache");
    owner.git(&["mv", "d/b.txt", "d/renamed.txt"]);
    owner.write("a.txt", "new\n").write("d/more.txt", "more\n").commit("second");
    let (_, _, whole) = planned(repo.path(), &cache, OnConflict::Refuse);
    let count = whole.steps.len();
    assert_eq!(count, 4, "{whole:?}");
    for done in 1..=count {
        // Everything but the record, which is written last.
        let (scene, _, plan) = planned(repo.path(), &cache, OnConflict::Refuse);
        let part = Plan { steps: plan.steps.into_iter().take(1).collect(), ..Plan::default() };
        apply(&scene, &part).unwrap();
        let (_, _, rest) = planned(repo.path(), &cache, OnConflict::Refuse);
        assert!(rest.conflicts.is_empty(), "after {done}: {rest:?}");
    }
    let (scene, _, plan) = planned(repo.path(), &cache, OnConflict::Refuse);
    apply(&scene, &plan).unwrap();
    let (_, examined, last) = planned(repo.path(), &cache, OnConflict::Refuse);
    assert!(last.steps.is_empty() && last.records.is_empty(), "{last:?}");
    assert!(examined.files.iter().all(|file| file.state.is_settled()));
    assert!(!repo.join("d/b.txt").exists() && repo.join("d/renamed.txt").exists());
}

#[test]
fn an_edit_between_plan_and_apply_stops_it() {
    let sandbox = Sandbox::new();
    let (repo, owner) = synced(&sandbox);
    let cache = sandbox.path().join("cache");
    owner.write("a.txt", "new\n").commit("second");
    let (scene, _, plan) = planned(repo.path(), &cache, OnConflict::Refuse);
    repo.write("a.txt", "edited meanwhile\n");
    let error = apply(&scene, &plan).unwrap_err();
    assert_eq!(error.to_string(), "`a.txt` was edited meanwhile");
    assert_eq!(repo.read("a.txt"), "edited meanwhile\n");
}

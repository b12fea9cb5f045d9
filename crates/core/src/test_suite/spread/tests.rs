//! The laws of sharing out: the union is the whole, nothing twice, balanced, the same everywhere.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::test_suite::history::Expected;
use crate::test_suite::report::model::{DirReport, DirStatus};
use crate::test_suite::report::sample;
use crate::test_suite::{DirPlan, TestPlan};

fn files() -> impl Strategy<Value = BTreeMap<String, f64>> {
    proptest::collection::btree_map("[a-c]/test_[a-z]{1,3}\\.py", 0.0..1000.0_f64, 0..60)
}

fn weighed(files: &BTreeMap<String, f64>) -> impl Iterator<Item = (&str, f64)> {
    files.iter().map(|(file, seconds)| (file.as_str(), *seconds))
}

/// Every share of one dir.
fn shards(files: &BTreeMap<String, f64>, total: u32, rest: impl Fn(u32) -> Rest) -> Vec<DirShard> {
    let assigned = assign(weighed(files), total);
    (1..=total).map(|index| DirShard { index, total, files: assigned.clone(), rest: rest(index), part: None }).collect()
}

proptest! {
    #[test]
    fn each_file_known_or_not_belongs_to_exactly_one_share(
        files in files(),
        others in proptest::collection::btree_set("[a-d]/[a-z_]{1,8}\\.(py|yaml)", 0..20),
        total in 1..9_u32,
        home in 1..9_u32,
    ) {
        let home = home.min(total);
        let one = shards(&files, total, |index| if index == home { Rest::All } else { Rest::None });
        let hashed = shards(&files, total, |index| Rest::Hash { index, total });
        for file in files.keys().chain(&others) {
            prop_assert_eq!(one.iter().filter(|shard| shard.holds(file)).count(), 1, "{}", file);
            prop_assert_eq!(hashed.iter().filter(|shard| shard.holds(file)).count(), 1, "{}", file);
        }
    }

    #[test]
    fn no_share_takes_more_than_an_even_share_and_the_longest_file(files in files(), shares in 1..9_u32) {
        let assigned = assign(weighed(&files), shares);
        prop_assert_eq!(assigned.len(), files.len());
        let mut loads = vec![0.0; shares as usize];
        for (file, share) in &assigned {
            loads[*share as usize - 1] += files[file];
        }
        let all: f64 = files.values().sum();
        let longest = files.values().copied().fold(0.0, f64::max);
        let most = loads.iter().copied().fold(0.0, f64::max);
        prop_assert!(most <= all / f64::from(shares) + longest + 1e-3, "{most} of {all}, the longest {longest}");
    }

    #[test]
    fn the_order_of_the_files_does_not_matter(files in files(), shares in 1..9_u32, seed: u64) {
        let mut order: Vec<(&str, f64)> = weighed(&files).collect();
        order.sort_by_key(|(file, _)| blake3::hash(format!("{seed}{file}").as_bytes()).to_hex());
        prop_assert_eq!(assign(order, shares), assign(weighed(&files), shares));
    }

    #[test]
    fn each_file_belongs_to_exactly_one_part(files in files(), lanes in 1..5_u32, total in 1..4_u32) {
        let known: BTreeMap<String, String> = files.keys().map(|file| (file.clone(), "a".to_owned())).collect();
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for shard in shards(&files, total, |index| Rest::Hash { index, total }) {
            let mut dir = dir("a");
            dir.shard = Some(shard);
            for part in split(TestPlan { dirs: vec![dir], lists: None }, lanes, &known, &Expected::default()).dirs {
                let shard = part.shard.expect("it has one");
                for file in files.keys().chain([&"a/check_new.py".to_owned()]).filter(|file| shard.holds(file)) {
                    *found.entry(file.clone()).or_default() += 1;
                }
            }
        }
        prop_assert_eq!(found.len(), files.len() + 1);
        prop_assert!(found.values().all(|count| *count == 1), "{:?}", found);
    }
}

/// A dir that runs whole.
pub(in crate::test_suite) fn dir(path: &str) -> DirPlan {
    DirPlan {
        path: path.into(),
        image_of: path.into(),
        image: path.into(),
        test_files: 1,
        runs: true,
        arguments: Vec::new(),
        suite: None,
        only: None,
        leave_out: BTreeSet::new(),
        shard: None,
        expected_ms: None,
        nothing: None,
        named: false,
    }
}

#[test]
fn parts_grow_smaller() {
    let known: BTreeMap<String, String> = (0..32).map(|n| (format!("a/test_{n:02}.py"), "a".to_owned())).collect();
    let plan = split(TestPlan { dirs: vec![dir("a")], lists: None }, 2, &known, &Expected::default());
    let sizes: Vec<usize> = plan.dirs.iter().map(|dir| dir.test_files).collect();
    assert_eq!(sizes, [8, 6, 4, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(plan.dirs[0].shown(), "a 1/13");
    assert_eq!(plan.dirs[12].log("a"), "a.13.log");
}

#[test]
fn what_was_asked_for_by_name_stays_in_one_container() {
    let known: BTreeMap<String, String> = (0..8).map(|n| (format!("a/test_{n}.py"), "a".to_owned())).collect();
    let (mut by_id, mut by_path) = (dir("a"), dir("a"));
    by_id.only = Some(vec!["a/test_1.py::test_x".into()]);
    by_path.named = true;
    let dirs = vec![by_id, by_path];
    assert_eq!(split(TestPlan { dirs: dirs.clone(), lists: None }, 4, &known, &Expected::default()).dirs, dirs);
}

#[test]
fn shards_are_read_as_people_write_them() {
    assert_eq!("2/4".parse(), Ok(Shard { index: 2, total: 4 }));
    for (text, error) in [
        ("0/4", "there is no shard 0 of 4"),
        ("5/4", "there is no shard 5 of 4"),
        ("1/0", "there is no shard 1 of 0"),
        ("x", "`x` is no shard"),
        ("1", "`1` is no shard"),
        ("+1/4", "`+1/4` is no shard"),
        ("1/4/2", "`1/4/2` is no shard"),
        ("/4", "`/4` is no shard"),
        ("99999999999/4", "`99999999999/4` is no shard"),
    ] {
        assert_eq!(text.parse::<Shard>().map_err(|error| error.to_string()), Err(error.to_owned()));
    }
}

/// The plugin has the same: `test_hash` in pytest/tests/test_shard.py.
#[test]
fn paths_hash_as_in_the_plugin() {
    let shares = ["a/test_a.py", "infra/tests/check_ü.py", "x.yaml", ""].map(|path| by_hash(path, 7));
    assert_eq!(shares, [6, 7, 2, 4]);
}

#[test]
fn durations_change_where_it_matters() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["same.py", "slower.py", "new.py", "unseen.py"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let of = |files: &[(&str, f64)]| files.iter().map(|(file, seconds)| ((*file).to_owned(), *seconds)).collect();
    let known = Durations {
        version: 1,
        files: of(&[("same.py", 10.0), ("slower.py", 10.0), ("unseen.py", 3.0), ("gone.py", 5.0)]),
    };
    let renewed = known
        .renewed(&of(&[("same.py", 11.9), ("slower.py", 15.0), ("new.py", 0.12345), ("left.py", 1.0)]), folder.path());
    let expected = of(&[("same.py", 10.0), ("slower.py", 15.0), ("unseen.py", 3.0), ("new.py", 0.123)]);
    assert_eq!(renewed.files, expected);
    let file = folder.path().join("durations.json");
    renewed.write(&file).unwrap();
    assert_eq!(Durations::read(&file).unwrap(), renewed);
    std::fs::write(&file, "{\"version\":2,\"files\":{}}").unwrap();
    assert!(matches!(Durations::read(&file), Err(DurationsError::Version { version: 2, .. })));
    std::fs::write(&file, "[]").unwrap();
    assert!(matches!(Durations::read(&file), Err(DurationsError::Malformed { .. })));
}

#[test]
fn parts_make_one_report() {
    let part = |status, waited, duration, exit_code: Option<i32>| DirReport {
        status,
        waited,
        duration,
        exit_code,
        cause: (status == DirStatus::Crashed).then(|| "it fell".to_owned()),
        log: Some("a.log".into()),
        ..sample::dir("a")
    };
    let whole = merge(vec![
        part(DirStatus::Passed, 2.0, 3.0, Some(0)),
        part(DirStatus::NoTests, 1.0, 1.0, Some(5)),
        part(DirStatus::Crashed, 4.0, 6.0, Some(1)),
        part(DirStatus::Failed, 4.0, 1.0, Some(1)),
    ])
    .unwrap();
    assert_eq!((whole.status, whole.exit_code, whole.cause.as_deref()), (DirStatus::Crashed, Some(1), Some("it fell")));
    assert_eq!((whole.waited, whole.duration), (1.0, 9.0));
    let none =
        merge(vec![part(DirStatus::NoTests, 1.0, 1.0, Some(5)), part(DirStatus::Passed, 1.0, 1.0, Some(0))]).unwrap();
    assert_eq!((none.status, none.exit_code), (DirStatus::Passed, Some(0)));
}

#[test]
fn tests_of_one_part_stand_as_they_ended() {
    let mut part = sample::dir("a");
    // They ended one after the other, and their events were read at once.
    let durations = [0.5, 0.25, 0.125].into_iter().chain(std::iter::repeat(0.0));
    part.tests.iter_mut().zip(durations).for_each(|(test, duration)| test.duration = duration);
    let before: Vec<String> = part.tests.iter().map(|test| test.id.clone()).collect();
    let whole = merge(vec![part]).unwrap();
    assert_eq!(whole.tests.iter().map(|test| test.id.clone()).collect::<Vec<_>>(), before);
}

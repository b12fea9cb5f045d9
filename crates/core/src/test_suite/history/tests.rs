//! The file on disk, and what is asked of it.

use std::path::Path;

use super::*;

const DAY: i64 = 86_400;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn history(folder: &Path) -> History {
    History::in_folder(folder)
}

fn test(id: &str, verdict: Verdict, duration: f64) -> TestEntry {
    TestEntry { id: id.into(), verdict, attempts: 1, duration }
}

/// A run of dir `a`, begun on this day, with code 7.
fn run(number: u32, day: i64, tests: Vec<TestEntry>) -> RunEntry {
    let dir = DirEntry {
        path: "a".into(),
        image: "a:dev".into(),
        image_id: "sha256:1".into(),
        commit: "c0ffee".into(),
        dirty: false,
        tests,
    };
    RunEntry { run: number, started: day * DAY, code: Some(7), dirs: vec![dir] }
}

fn many(number: u32, day: i64, count: usize) -> RunEntry {
    let id = |n: usize| format!("a/tests/test_{:03}.py::TestThing::test_case_{n:05}", n / 50);
    run(number, day, (0..count).map(|n| test(&id(n), Verdict::Passed, n as f64 / 1e3)).collect())
}

#[test]
fn what_is_added_is_read() {
    let folder = folder();
    let history = history(folder.path());
    assert_eq!(history.read().unwrap(), Loaded::default());
    let first = run(1, 1, vec![test("a/t.py::x", Verdict::Passed, 0.25), test("a/t.py::y[ü]", Verdict::Failed, 1.5)]);
    let second = run(2, 2, vec![test("a/t.py::new", Verdict::TimedOut, 60.0), test("a/t.py::x", Verdict::Flaky, 0.5)]);
    for entry in [&first, &second] {
        assert_eq!(history.add(entry, 0).unwrap(), None);
    }
    let loaded = history.read().unwrap();
    assert_eq!(loaded.runs[0], first);
    assert_eq!(loaded.runs[1].dirs[0].tests.len(), 2);
    let ids: Vec<&str> = loaded.runs[1].dirs[0].tests.iter().map(|test| &*test.id).collect();
    assert_eq!(ids, ["a/t.py::x", "a/t.py::new"], "in the order of their numbers");
    assert_eq!(history.read_last(1).unwrap().runs, loaded.runs[1..]);
}

#[test]
fn what_is_too_old_goes_and_a_clock_that_was_set_back_loses_nothing() {
    let folder = folder();
    let history = history(folder.path());
    for day in [1, 100, 150, 200] {
        history.add(&many(u32::try_from(day).unwrap(), day, 10), (day - 180) * DAY).unwrap();
    }
    let days = || -> Vec<i64> { history.read().unwrap().runs.iter().map(|run| run.started / DAY).collect() };
    assert_eq!(days(), [100, 150, 200]);
    history.add(&many(9, 10, 10), -170 * DAY).unwrap();
    assert_eq!(days(), [100, 150, 200, 10]);
}

#[test]
fn the_file_does_not_grow_for_ever() {
    let folder = folder();
    let history = history(folder.path()).with_most(20_000);
    for number in 1..=50 {
        history.add(&many(number, 10, 200), 0).unwrap();
    }
    assert!(std::fs::metadata(history.path()).unwrap().len() < 25_000);
    let runs = history.read().unwrap().runs;
    assert_eq!(runs.last().map(|run| run.run), Some(50));
    assert!(runs.len() > 5, "{}", runs.len());
}

#[test]
fn a_damaged_file_is_moved_aside_and_what_is_right_of_it_kept() {
    for (name, harm) in [
        ("cut", (|bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 10)) as fn(&mut Vec<u8>)),
        ("no head", |bytes| bytes[0] = b'W'),
        ("names flipped", |bytes| bytes[40] ^= 1),
        ("a length flipped", |bytes| {
            let place = bytes.len() - 60;
            bytes.splice(place.., [0xff; 40]);
        }),
        ("empty", Vec::clear),
    ] {
        let folder = folder();
        let history = history(folder.path());
        history.add(&many(1, 1, 20), 0).unwrap();
        history.add(&many(2, 2, 20), 0).unwrap();
        let mut bytes = std::fs::read(history.path()).unwrap();
        harm(&mut bytes);
        std::fs::write(history.path(), &bytes).unwrap();
        assert!(history.read().unwrap().damaged, "{name}");
        let note = history.add(&many(3, 3, 20), 0).unwrap();
        assert!(note.as_ref().is_some_and(|note| note.contains("damaged")), "{name}: {note:?}");
        assert_eq!(std::fs::read(folder.path().join("history.damaged")).unwrap(), bytes, "{name}");
        assert_eq!(history.add(&many(4, 4, 20), 0).unwrap(), None, "{name}: noted once");
        let loaded = history.read().unwrap();
        assert!(!loaded.damaged, "{name}");
        let runs: Vec<u32> = loaded.runs.iter().map(|run| run.run).collect();
        assert!(runs.ends_with(&[3, 4]) && loaded.runs[runs.len() - 1] == many(4, 4, 20), "{name}: {runs:?}");
    }
}

#[test]
fn a_flipped_bit_of_a_run_costs_that_run() {
    let folder = folder();
    let history = history(folder.path());
    for number in 1..=3 {
        history.add(&many(number, 1, 20), 0).unwrap();
    }
    let mut bytes = std::fs::read(history.path()).unwrap();
    let last = bytes.len() - 5;
    bytes[last] ^= 0x10;
    std::fs::write(history.path(), &bytes).unwrap();
    let loaded = history.read().unwrap();
    assert!(loaded.damaged);
    assert_eq!(loaded.runs.iter().map(|run| run.run).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_file_of_a_later_wharf_is_left_alone() {
    let folder = folder();
    let history = history(folder.path());
    std::fs::write(history.path(), "wharf-history 2\nwho knows").unwrap();
    assert!(matches!(history.read(), Err(HistoryError::Newer { .. })));
    assert!(matches!(history.add(&many(1, 1, 1), 0), Err(HistoryError::Newer { .. })));
    assert_eq!(std::fs::read(history.path()).unwrap(), b"wharf-history 2\nwho knows");
}

#[test]
fn several_runs_at_once_lose_nothing() {
    let folder = folder();
    let path = folder.path();
    std::thread::scope(|scope| {
        for thread in 0..4_u32 {
            scope.spawn(move || {
                for number in 0..5 {
                    history(path).add(&many(thread * 5 + number, 1, 30), 0).unwrap();
                }
            });
        }
    });
    let loaded = history(path).read().unwrap();
    let mut runs: Vec<u32> = loaded.runs.iter().map(|run| run.run).collect();
    runs.sort_unstable();
    assert_eq!(runs, (0..20).collect::<Vec<_>>());
    assert!(loaded.runs.iter().all(|run| run.dirs == many(0, 1, 30).dirs));
}

#[test]
fn tests_that_pass_and_fail_with_the_same_code_are_flaky() {
    let verdict = |number, verdict| run(number, 1, vec![test("a/t.py::x", verdict, 0.1)]);
    let mut other_code = verdict(3, Verdict::Failed);
    other_code.code = Some(8);
    let mut other_image = verdict(4, Verdict::Failed);
    other_image.dirs[0].image_id = "sha256:2".into();
    let loaded = |runs: &[RunEntry]| Loaded { runs: runs.to_vec(), damaged: false };
    let changed = [verdict(1, Verdict::Passed), other_code, other_image];
    assert_eq!(flaky(&loaded(&changed)), []);
    let both = [
        verdict(1, Verdict::Passed),
        verdict(2, Verdict::Failed),
        verdict(3, Verdict::Passed),
        verdict(4, Verdict::Passed),
    ];
    let found = flaky(&loaded(&both));
    let expected = FlakyTest { id: "a/t.py::x".into(), runs: 4, retried: 0, both: 1, rate: 0.25, last: 2 };
    assert_eq!(found, [expected]);
    let retried = flaky(&loaded(&[verdict(5, Verdict::Flaky), verdict(6, Verdict::Skipped)]));
    assert_eq!((retried[0].retried, retried[0].rate, retried[0].last), (1, 1.0, 5));
    let mut unknown = [verdict(1, Verdict::Passed), verdict(2, Verdict::Failed)];
    unknown.iter_mut().for_each(|run| run.code = None);
    assert_eq!(flaky(&loaded(&unknown)), []);
}

#[test]
fn slow_is_what_is_slow_in_the_middle() {
    let times = |number, x: f64, y: f64| {
        run(
            number,
            1,
            vec![
                test("a/t.py::x", Verdict::Passed, x),
                test("a/u.py::y", Verdict::Passed, y),
                test("a/u.py::z", Verdict::Skipped, 9.0),
            ],
        )
    };
    let mut one = times(4, 50.0, 0.0);
    one.dirs[0].tests.truncate(1);
    let loaded =
        Loaded { runs: vec![times(1, 1.0, 2.0), times(2, 100.0, 2.5), times(3, 1.5, 3.0), one], damaged: false };
    let slowest = slowest(&loaded, 5);
    let shown = |slow: &[Slow]| {
        slow.iter().map(|slow| (slow.id.clone(), slow.median, slow.longest, slow.runs)).collect::<Vec<_>>()
    };
    let expected = |x: &str, y: &str| vec![(x.to_owned(), 25.75, 100.0, 4), (y.to_owned(), 2.5, 3.0, 3)];
    assert_eq!(shown(&slowest.tests), expected("a/t.py::x", "a/u.py::y"));
    assert_eq!(shown(&slowest.files), expected("a/t.py", "a/u.py"));
}

#[test]
fn limits_are_proposed_from_enough_runs() {
    let of = |number, seconds| {
        run(
            number,
            1,
            vec![test("a/t.py::x", Verdict::Passed, seconds), test("a/t.py::hangs", Verdict::TimedOut, 900.0)],
        )
    };
    let two = Loaded { runs: vec![of(1, 0.01), of(2, 0.01)], damaged: false };
    assert_eq!(proposals(&two), []);
    let quick = Loaded { runs: vec![of(1, 0.01), of(2, 0.02), of(3, 0.01)], damaged: false };
    assert_eq!(proposals(&quick)[0].timeout, 1);
    let slow = Loaded { runs: vec![of(1, 4.1), of(2, 4.2), of(3, 4.3)], damaged: false };
    let proposal = &proposals(&slow)[0];
    assert_eq!((proposal.timeout, proposal.longest_test.as_str(), proposal.runs), (45, "a/t.py::x", 3));
}

#[test]
fn a_dir_takes_what_its_tests_took() {
    let loaded = Loaded {
        runs: vec![run(
            1,
            1,
            vec![
                test("a/t.py::x", Verdict::Passed, 2.0),
                test("a/t.py::y", Verdict::Passed, 1.0),
                test("a/u.py::z", Verdict::Failed, 10.0),
            ],
        )],
        damaged: false,
    };
    let expected = Expected::of(&loaded);
    let mut plan = crate::test_suite::spread::plan_of("a");
    plan.test_files = 3;
    assert_eq!(expected.of_dir(&plan), 2.0 + 1.0 + 10.0 + 6.5, "the third file is like the others");
    plan.leave_out.insert("a/u.py".into());
    assert_eq!(expected.of_dir(&plan), 3.0 + 6.5);
    plan.only = Some(vec!["a/t.py::x".into()]);
    assert_eq!(expected.of_dir(&plan), 2.0);
    assert_eq!(Expected::default().of_dir(&crate::test_suite::spread::plan_of("b")), 1.0);
}

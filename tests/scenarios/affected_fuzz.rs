//! Random edits: after each, what `--affected` runs and what it leaves out have together the verdicts of a full run, and so has a run that
//! takes known verdicts.
//!
//! `WHARF_FUZZ_STEPS` sets how many edits, `WHARF_FUZZ_SEED` which; both are printed with the average share of test files run.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use wharf_testkit::{EngineKind, Repo, Sandbox, sample};

use crate::testing::{Report, wharf, wharf_test};

const STEPS: usize = 12;
const SEED: u64 = 20_261_122;

type Verdicts = BTreeMap<String, String>;

/// Numbers that look random (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let rolled = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(rolled).unwrap() % sides
    }
}

/// Each test file depends on something in another way; values are 0 to 3, and a test passes where its value is below 2.
fn sample(sandbox: &Sandbox) -> Repo {
    const SEVERAL: &str = "import pathlib\nHERE = pathlib.Path(__file__).parent.parent\n";
    sample::workspace(sandbox)
        .file("lib/__init__.py", "")
        .file("lib/a.py", "from lib import deep\nVALUE = 0\n")
        .file("lib/b.py", "VALUE = 0\n")
        .file("lib/deep.py", "VALUE = 0\n")
        .file("lib/late.py", "VALUE = 0\n")
        .file("lib/unused.py", "VALUE = 0\n")
        .dir("app", |dir| {
            dir.test("tests/test_a.py", "from lib import a\n\ndef test_a(): assert a.VALUE < 2\n\ndef test_deep(): assert a.deep.VALUE < 2\n")
                .test("tests/test_b.py", "from lib.b import VALUE\n\ndef test_b(): assert VALUE < 2\n\ndef test_late():\n    import lib.late\n    assert lib.late.VALUE < 2\n")
                .test("tests/test_data.py", &format!("{SEVERAL}\ndef test_data(): assert int((HERE / 'data/value.txt').read_text()) < 2\n\ndef test_maybe():\n    path = HERE / 'data/maybe.txt'\n    assert not path.exists() or int(path.read_text()) < 2\n"))
                .test("tests/test_list.py", &format!("{SEVERAL}\ndef test_list(): assert len(list((HERE / 'data').iterdir())) < 4\n"))
                .test("tests/test_fixture.py", "def test_fixture(value): assert value < 2\n")
                .test("tests/unit/test_near.py", "def test_near(near): assert near < 2\n")
                .test("tests/test_shadow.py", "import colorsys\n\ndef test_shadow(): assert getattr(colorsys, 'VALUE', 0) < 2\n\ndef test_optional():\n    try:\n        import optional\n    except ImportError:\n        return\n    assert optional.VALUE < 2\n")
                .test("tests/test_environment.py", "import os\n\ndef test_mode(): assert os.environ['MODE'] != 'bad'\n")
                .test("tests/test_script.py", &format!("import subprocess, sys\n{SEVERAL}\ndef test_script(): assert subprocess.run([sys.executable, str(HERE / 'script.py')]).returncode < 2\n"))
                .test("tests/test_named.py", &format!("import importlib\n{SEVERAL}\ndef test_named():\n    name = (HERE / 'data/name.txt').read_text()\n    assert importlib.import_module('lib.' + name).VALUE < 2\n"))
                .file("tests/conftest.py", "import pytest\n\n@pytest.fixture(scope='session')\ndef value(): return 0\n\n@pytest.fixture\ndef near(): return 0\n")
                .file("data/value.txt", "0")
                .file("data/name.txt", "b")
                .file("script.py", "import sys\nfrom lib import unused\nsys.exit(unused.VALUE)\n")
                .file("readme.md", "0")
                .toml("[run]\nenv = [\"MODE=good\"]\n")
        })
        .dir("tool", |dir| {
            dir.test("test_sub.py", "from helpers import one\n\ndef test_sub(): assert one.VALUE < 2\n")
                .test("test_lock.py", "def test_lock():\n    try:\n        import six\n    except ImportError:\n        return\n    assert False\n")
                .test("test_alone.py", "def test_alone(): pass\n")
        })
        .sub_repo("libs/helpers", |sub| sub.file("helpers/__init__.py", "").file("helpers/one.py", "VALUE = 0\n").file("helpers/two.py", ""))
        .build()
}

/// One edit; gives what it was, for a failure to say.
fn edit(repo: &Repo, dice: &mut Dice) -> String {
    let value = dice.roll(4);
    let code = format!("VALUE = {value}\n");
    let (path, content) = match dice.roll(18) {
        0 => ("lib/a.py", Some(format!("from lib import deep\n{code}"))),
        1 => ("lib/b.py", Some(code)),
        2 => ("lib/deep.py", Some(code)),
        3 => ("lib/late.py", Some(code)),
        4 => ("lib/unused.py", Some(code)),
        5 => ("app/data/value.txt", Some(value.to_string())),
        6 => ("app/data/maybe.txt", (value > 0).then(|| value.to_string())),
        7 => (["app/data/x.txt", "app/data/y.txt"][value % 2], (value > 1).then(String::new)),
        8 => (
            "app/tests/conftest.py",
            Some(format!(
                "import pytest\n\n@pytest.fixture(scope='session')\ndef value(): return {value}\n\n@pytest.fixture\ndef near(): return 0\n"
            )),
        ),
        9 => (
            "app/tests/unit/conftest.py",
            (value > 0).then(|| format!("import pytest\n\n@pytest.fixture\ndef near(): return {value}\n")),
        ),
        10 => {
            (["app/colorsys.py", "colorsys.py", "libs/helpers/colorsys.py"][dice.roll(3)], (value > 0).then_some(code))
        }
        11 => {
            (["app/optional.py", "optional/__init__.py", "lib/optional.py"][dice.roll(3)], (value > 0).then_some(code))
        }
        12 => (
            "app/devops/wharf.toml",
            Some(format!("[run]\nenv = [\"MODE={}\"]\n", if value > 1 { "bad" } else { "good" })),
        ),
        13 => (
            "tool/devops/requirements.txt",
            Some(format!("{}{}", sample::PYTEST, if value > 1 { "six==1.17.0\n" } else { "" })),
        ),
        14 => ("app/tests/test_new.py", (value > 0).then(|| format!("def test_new(): assert {value} < 2\n"))),
        15 => ("app/data/name.txt", Some(["b", "late", "gone", "deep"][value].to_owned())),
        16 => (["libs/helpers/helpers/one.py", "libs/helpers/helpers/two.py"][dice.roll(2)], Some(code)),
        _ => (["lib/renamed.py", "app/readme.md"][dice.roll(2)], None),
    };
    if path == "lib/renamed.py" {
        // There and back: a rename is a file gone and a file come.
        let (from, to) = if repo.join(path).exists() { (path, "lib/late.py") } else { ("lib/late.py", path) };
        if repo.join(from).exists() {
            fs_err::rename(repo.join(from), repo.join(to)).unwrap();
        }
        return format!("{from} -> {to}");
    }
    match content {
        Some(content) => {
            repo.write(path, &content);
            format!("{path}: {content:?}")
        }
        None => {
            let _ = std::fs::remove_file(repo.join(path));
            format!("{path} removed")
        }
    }
}

fn verdicts(report: &Report) -> Verdicts {
    let mut all = Verdicts::new();
    for dir in report.dirs() {
        all.extend(report.verdicts(dir).into_iter().map(|(id, verdict)| (format!("{dir}/{id}"), verdict)));
    }
    all
}

/// Commits everything, in the sub-repo too, so that the next edit is all that changed.
fn settle(repo: &Repo) {
    let sub = Repo::open(repo.join("libs/helpers"));
    if !sub.git(&["status", "--short"]).is_empty() {
        sub.commit("edit");
    }
    repo.commit("edit");
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn random_edits_never_change_a_verdict_that_was_left_out() {
    let steps = number("WHARF_FUZZ_STEPS").map_or(STEPS, |steps| usize::try_from(steps).unwrap());
    let seed = number("WHARF_FUZZ_SEED").unwrap_or(SEED);
    let sandbox = Sandbox::new();
    let repo = sample(&sandbox);
    let mut dice = Dice(seed);
    let mut run = 0;
    let mut test = |arguments: &[&str]| {
        let output = wharf_test(&sandbox, &repo, EngineKind::Host, arguments).deadline(Duration::from_secs(300)).run();
        assert!(matches!(output.code, Some(0 | 1)), "{}", output.told());
        run += 1;
        (Report::of_run(&repo, run), output)
    };
    let (report, _) = test(&["--no-cache"]);
    let mut known = verdicts(&report);
    assert!(known.len() >= 15 && known.values().all(|verdict| verdict == "passed"), "{known:#?}");
    let (mut ran, mut all) = (0, 0);
    let (mut fresh, mut tests) = (0, 0);
    for step in 0..steps {
        let edits: Vec<String> = (0..=dice.roll(2)).map(|_| edit(&repo, &mut dice)).collect();
        if dice.roll(3) == 0 {
            // Committed in the sub-repo: its pin is moved.
            let sub = Repo::open(repo.join("libs/helpers"));
            sub.git(&["add", "--all"]);
            sub.git(&["commit", "--quiet", "--allow-empty", "--message", "moved"]);
        }
        let plan = wharf(&sandbox, &repo).args(["test", "--affected", "--plan", "--json"]).run();
        plan.assert_code(0);
        let plan = plan.json();
        let left: BTreeSet<String> = plan["dirs"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|dir| dir["leave_out"].as_array().into_iter().flatten())
            .map(|file| file.as_str().unwrap().to_owned())
            .collect();
        let (report, output) = test(&["--affected", "--no-cache"]);
        let mut expected = verdicts(&report);
        let of_left = |id: &String| left.contains(id.split("::").next().unwrap_or(id));
        assert!(!expected.keys().any(of_left), "left out and run: {}", output.told());
        expected.extend(known.into_iter().filter(|(id, _)| of_left(id)));
        let (cached, said) = test(&[]);
        let (report, _) = test(&["--no-cache"]);
        let full = verdicts(&report);
        assert_eq!(expected, full, "step {step} of seed {seed}, after {edits:#?}\n{plan:#}\n{}", output.told());
        assert_eq!(verdicts(&cached), full, "cached, step {step} of seed {seed}, after {edits:#?}\n{}", said.told());
        tests += full.len();
        fresh += full.len() - usize::try_from(cached.0["summary"]["cached"].as_u64().unwrap()).unwrap();
        let files: usize = plan["affected"]["dirs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|dir| usize::try_from(dir["files"].as_u64().unwrap()).unwrap())
            .sum();
        all += files;
        ran += files - left.len();
        known = full;
        settle(&repo);
    }
    println!(
        "{steps} steps, seed {seed}: affected: {ran} of {all} test files run, {:.1} %; cached: {fresh} of {tests} tests run, {:.1} %",
        100.0 * ran as f64 / all.max(1) as f64,
        100.0 * fresh as f64 / tests.max(1) as f64
    );
    assert!(ran * 3 < all * 2, "most is left out: {ran} of {all}");
    assert!(fresh * 10 < tests * 9, "much is known: {fresh} of {tests}");
}

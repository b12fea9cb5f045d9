//! A published project: after an edit of one leaf module exactly the test files that reach it run.

use std::collections::BTreeSet;
use std::time::Duration;

use wharf_testkit::{EngineKind, Sandbox, real_repo};

use crate::testing::{Report, wharf, wharf_test};

#[test]
fn an_edit_of_a_leaf_module_runs_the_test_files_that_reach_it() {
    let sandbox = Sandbox::new();
    let (repo, _) = real_repo(&sandbox);
    let leaf = "click/src/click/_textwrap.py";
    let test = |arguments: &[&str]| {
        let command = wharf_test(&sandbox, &repo, EngineKind::Host, &["--dir", "click"]).args(arguments);
        let output = command.deadline(Duration::from_secs(300)).run();
        assert!(matches!(output.code, Some(0 | 1)), "{}", output.told());
        output
    };
    let affected = || wharf(&sandbox, &repo).args(["test", "--affected", "--plan", "--json", "--dir", "click"]).run();
    // By imports alone, before anything ran: those that import it at some remove.
    repo.write(leaf, format!("{}# edited\n", repo.read(leaf)));
    let needs = wharf(&sandbox, &repo).args(["deps", leaf, "--reverse", "--transitive", "--json"]).run().json();
    let importing: BTreeSet<String> = needs["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["path"].as_str().unwrap().to_owned())
        .filter(|path| path.rsplit('/').next().is_some_and(|name| name.starts_with("test_")))
        .collect();
    let planned = |plan: &serde_json::Value| -> BTreeSet<String> {
        plan["affected"]["dirs"][0]["affected"].as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(planned(&affected().json()), importing);
    // By what was seen: those in which it was loaded.
    test(&[]);
    let full = Report::of_run(&repo, 1);
    let found = planned(&affected().json());
    assert!(!found.is_empty() && found.is_subset(&importing), "{found:#?} of {importing:#?}");
    assert!(found.contains("click/tests/test_formatting.py"), "{found:#?}");
    test(&["--affected"]);
    let part = Report::of_run(&repo, 2);
    let expected = full
        .verdicts("click")
        .into_iter()
        .filter(|(id, _)| found.contains(&format!("click/{}", id.split("::").next().unwrap_or(id))));
    assert_eq!(part.verdicts("click"), expected.collect());
}

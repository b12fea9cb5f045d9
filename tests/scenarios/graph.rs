//! `wharf graph`.

use wharf_testkit::{Repo, Sandbox, WharfCommand, sample};

fn wharf(sandbox: &Sandbox, repo: &Repo) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path())
}

fn harbor(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox)
        .name("harbor")
        .dir("ml", |dir| dir.version("1.4.0"))
        .dir("etl", |dir| dir.toml("[image]\nfrom = \"//ml\"\n"))
        .sub_repo("helpers", |sub| sub.dir("geo", |dir| dir))
        .build()
}

#[test]
fn a_tree_shows_who_uses_whose_image() {
    let sandbox = Sandbox::new();
    let repo = harbor(&sandbox);
    let output = wharf(&sandbox, &repo).arg("graph").run();
    let expected = "\
harbor      super-repo
├─ etl      0.1.0  image of ml
├─ helpers  sub-repo
│  └─ geo   0.1.0  image helpers-geo
└─ ml       1.4.0  image harbor-ml
";
    assert_eq!(output.assert_code(0).stdout, expected);
}

#[test]
fn every_format_names_all() {
    let sandbox = Sandbox::new();
    let repo = harbor(&sandbox);
    let json = wharf(&sandbox, &repo).args(["graph", "--json"]).run().assert_code(0).json();
    assert_eq!(wharf(&sandbox, &repo).args(["repo", "graph", "--json"]).run().json(), json);
    let ids: Vec<&str> = json["nodes"].as_array().unwrap().iter().map(|node| node["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [".", "etl", "helpers", "helpers/geo", "ml"]);
    let reused = serde_json::json!({"from": "etl", "to": "ml", "kind": "image"});
    assert!(json["edges"].as_array().unwrap().contains(&reused), "{json}");
    assert_eq!(json["images"].as_array().unwrap().len(), 2);
    for format in ["mermaid", "dot", "svg"] {
        let output = wharf(&sandbox, &repo).args(["graph", "--format", format]).run();
        output.assert_code(0).stdout_contains("harbor").stdout_contains("geo").stdout_contains("ml");
    }
}

#[test]
fn a_picture_is_well_formed_and_follows_light_and_dark() {
    let sandbox = Sandbox::new();
    let repo = harbor(&sandbox);
    wharf(&sandbox, &repo).args(["graph", "--output", "graph.svg"]).run().assert_code(0).stdout_contains("graph.svg\n");
    assert!(repo.read("graph.svg").contains("prefers-color-scheme:dark"));
    let check = "import sys, xml.dom.minidom as m; print(len(m.parse(sys.argv[1]).getElementsByTagName('rect')))";
    let output = sandbox.command("python3").args(["-c", check, "graph.svg"]).cwd(repo.path()).run();
    assert_eq!(output.assert_code(0).stdout, "5\n");
}

#[test]
fn replaces_only_what_it_made() {
    let sandbox = Sandbox::new();
    let repo = harbor(&sandbox);
    for file in ["g.svg", "g.json", "g.dot", "g.mmd", "g.txt"] {
        for _ in 0..2 {
            wharf(&sandbox, &repo).args(["graph", "-o", file]).run().assert_code(0);
        }
    }
    repo.write("notes.txt", "mine\n");
    let output = wharf(&sandbox, &repo).args(["graph", "-o", "notes.txt"]).run();
    output.assert_code(5).stderr_contains("was not made by `wharf graph`");
    assert_eq!(repo.read("notes.txt"), "mine\n");
    wharf(&sandbox, &repo).args(["graph", "-o", "g.xlsx"]).run().assert_code(2).stderr_contains("`.xlsx`");
}

#[test]
fn a_sub_repo_that_is_not_here_is_shown() {
    let sandbox = Sandbox::new();
    let repo = harbor(&sandbox);
    repo.git(&["submodule", "--quiet", "deinit", "--force", "helpers"]);
    let output = wharf(&sandbox, &repo).arg("graph").run();
    output.assert_code(0).stdout_contains("helpers  sub-repo, not here\n");
}

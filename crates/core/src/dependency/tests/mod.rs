//! Tests of the whole module, on real files and against Python itself.

mod caching;
mod exact;
mod parsing;
mod resolving;

use std::collections::BTreeSet;

use wharf_testkit::{Repo, Sandbox};

use super::{Given, Graph, cache};
use crate::workspace::{Surroundings, Workspace, discover};

/// The workspace in `repo`.
fn workspace(sandbox: &Sandbox, repo: &Repo) -> Workspace {
    discover(Surroundings {
        here: repo.path().to_owned(),
        home: Some(sandbox.home()),
        user: "me".into(),
        cache: sandbox.home().join("cache"),
        ..Surroundings::default()
    })
    .unwrap()
}

/// Its graph, without a cache.
fn graph(sandbox: &Sandbox, repo: &Repo) -> Graph {
    Graph::build(&workspace(sandbox, repo), &Given::default())
}

/// Its graph, with a cache in the sandbox's home.
fn cached(sandbox: &Sandbox, repo: &Repo) -> Graph {
    let given = Given { cache: Some(cache::file(&sandbox.home())), ..Given::default() };
    Graph::build(&workspace(sandbox, repo), &given)
}

/// The files that `path` imports or names, less packages around them and what pytest loads.
fn named<'a>(graph: &'a Graph, path: &str) -> Vec<&'a str> {
    let links = graph.imports_of(graph.file(path).unwrap());
    let named: BTreeSet<&str> =
        links.iter().filter(|link| link.why.is_named()).map(|link| graph.path(link.to)).collect();
    named.into_iter().collect()
}

/// The files that tests in `path` reach.
fn reached<'a>(graph: &'a Graph, path: &str) -> Vec<&'a str> {
    graph.reach(graph.file(path).unwrap()).into_iter().map(|file| graph.path(file)).collect()
}

/// All links as text, to compare graphs.
fn whole(graph: &Graph) -> Vec<String> {
    let links = |file| {
        let links = graph.imports_of(file).iter();
        let links: Vec<String> =
            links.map(|link| format!("{}:{} {:?} {:?}", graph.path(link.to), link.line, link.why, link.when)).collect();
        format!("{}: {} {:?}", graph.path(file), links.join(", "), graph.fault(file))
    };
    graph.files().map(links).collect()
}

//! Builds the graph: examines files, puts them into the tree, resolves what they import.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::cache::Draft;
use super::examine::{Examined, examine};
use super::graph::{File, FileId, Files, Given, Graph, Link, Links, Why};
use super::imports::{How, When};
use super::resolve::Resolver;
use super::roots::Roots;
use super::tree::{Borders, Tree, split};
use super::walk::threads;
use crate::workspace::Workspace;

/// Files that are worth a sixteenth of a thread.
const SHARE: usize = 64;

impl Graph {
    /// The graph of all Python files of `workspace`. Files that cannot be read or parsed are in it with what could be read
    /// of them, and have a [`Graph::fault`].
    #[must_use]
    pub fn build(workspace: &Workspace, given: &Given) -> Self {
        let mut examined = examine(&workspace.root, given.cache.as_deref());
        let draft = examined.draft.take();
        let (mut graph, file_links) = Self::unlinked(workspace, given, examined);
        let done = &graph;
        let links = std::thread::scope(|scope| {
            if let Some(draft) = draft {
                // Without a thread for it, it is not kept, and the next run reads more.
                let _ = std::thread::Builder::new().spawn_scoped(scope, move || done.keep(draft));
            }
            done.link(&file_links)
        });
        graph.links = links;
        graph
    }

    fn keep(&self, draft: Draft) {
        draft.save(&self.strings, self.files.0.iter().map(|file| (file.path.as_str(), &file.record)));
    }

    /// The graph but for its links, with the files that are symbolic links to others.
    fn unlinked(workspace: &Workspace, given: &Given, examined: Examined) -> (Self, Vec<(FileId, String)>) {
        let Examined { mut strings, files: examined, dir_links, parsed, .. } = examined;
        let mut tree = Tree::new(borders(workspace));
        let mut roots = Roots::places(workspace, &given.packages, &mut tree, &mut strings);
        let mut files = Vec::with_capacity(examined.len());
        let mut file_links = Vec::new();
        for (place, (seen, record)) in examined.into_iter().enumerate() {
            let id = FileId(u32::try_from(place).expect("fewer files than a u32 counts"));
            let dir = tree.add_file(&seen.path, id, &mut strings);
            file_links.extend(seen.link.map(|target| (id, target)));
            files.push(File { path: seen.path, dir, record });
        }
        for (path, target) in &dir_links {
            tree.add_link(path, target, &mut strings);
        }
        let inserted: BTreeSet<_> = files
            .iter()
            .filter(|file| is_loaded_by_pytest(&file.path))
            .map(|file| (tree.dir(file.dir).holder, tree.base(file.dir)))
            .collect();
        roots.complete(&tree, inserted);
        let (links, reversed) = (Links::default(), OnceLock::new());
        (Self { files: Files(files), strings, tree, roots, links, reversed, parsed }, file_links)
    }

    /// All links; `file_links` are symbolic ones, by the file that is one.
    fn link(&self, file_links: &[(FileId, String)]) -> Links {
        let ids: Vec<FileId> = self.files().collect();
        // Each thread resolves for itself what it meets, so few files are not worth another one.
        let share = ids.len().div_ceil(threads(ids.len() / SHARE)).max(1);
        let mut shares = ids.chunks(share);
        let first = shares.next().unwrap_or_default();
        std::thread::scope(|scope| {
            let others: Vec<_> = shares
                .map(|ids| {
                    (ids, std::thread::Builder::new().spawn_scoped(scope, move || self.link_some(ids, file_links)))
                })
                .collect();
            let mut links = self.link_some(first, file_links);
            for (ids, other) in others {
                let other = other.ok().and_then(|other| other.join().ok());
                links.append(other.unwrap_or_else(|| self.link_some(ids, file_links)));
            }
            links
        })
    }

    /// The links of these files, one after the other in the graph.
    fn link_some(&self, ids: &[FileId], file_links: &[(FileId, String)]) -> Links {
        let imports = ids.iter().map(|id| self.get(*id).record.imports.len()).sum();
        let mut resolver = Resolver::new(self.known(), imports);
        let mut links = Links { starts: vec![0], links: Vec::new() };
        let mut own = Vec::new();
        for id in ids.iter().copied() {
            own.clear();
            let file = self.get(id);
            let standing = self.standing(id);
            for import in &file.record.imports {
                let named = match import.how {
                    How::Statement => Why::Import,
                    How::Call => Why::Call,
                    How::Plugin => Why::Plugin,
                };
                for target in resolver.resolve(import, standing) {
                    let why = if target.is_named { named } else { Why::Package };
                    own.push(Link { to: target.file, why, line: import.line, when: import.when });
                }
            }
            self.unnamed(id, &mut own);
            if let Ok(place) = file_links.binary_search_by_key(&id, |(from, _)| *from) {
                let target = &file_links[place].1;
                own.extend(self.file(target).map(|to| Link { to, why: Why::Link, line: 0, when: When::default() }));
            }
            own.retain(|link| link.to != id);
            own.sort_unstable_by_key(|link| (link.line, link.to, link.why, link.when));
            own.dedup();
            links.links.extend_from_slice(&own);
            links.starts.push(u32::try_from(links.links.len()).expect("fewer links than a u32 counts"));
        }
        links
    }

    /// What Python and pytest load without the file's saying so: the package around it, and `conftest.py`.
    fn unnamed(&self, id: FileId, links: &mut Vec<Link>) {
        let file = self.get(id);
        let link = |to, why| Link { to, why, line: 0, when: When::default() };
        let dir = self.tree.dir(file.dir);
        let around =
            if dir.init == Some(id) { dir.parent.and_then(|parent| self.tree.dir(parent).init) } else { dir.init };
        links.extend(around.map(|init| link(init, Why::Package)));
        if is_test_file(&file.path) {
            let conftests = self.tree.upwards(file.dir).filter_map(|dir| self.tree.dir(dir).conftest);
            links.extend(conftests.map(|conftest| link(conftest, Why::Conftest)));
        }
    }
}

fn borders(workspace: &Workspace) -> Borders {
    let mut borders: Borders = workspace.repos.iter().map(|repo| (repo.path.clone(), None)).collect();
    for (place, dir) in workspace.dirs.iter().enumerate() {
        let path = dir.path.strip_prefix(&workspace.root).ok().and_then(|path| path.to_str());
        borders.extend(path.map(|path| (path.to_owned(), u32::try_from(place).ok())));
    }
    borders
}

/// The names that pytest collects by default (`python_files`).
fn is_test_file(path: &str) -> bool {
    let name = split(path).1;
    name.strip_suffix(".py").is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test"))
}

fn is_loaded_by_pytest(path: &str) -> bool {
    is_test_file(path) || split(path).1 == "conftest.py"
}

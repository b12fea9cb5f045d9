//! Which groups the dev and the prod image take.
//!
//! The rule where `[python] groups` says nothing: prod takes none. Dev takes all groups named `test`, `tests` or
//! `testing`, wherever they are stated (dependency group, extra, Poetry group, requirements file); and `dev` too
//! if there is none of these, or if neither they nor the code itself ask for pytest.

use std::path::Path;

use super::Error;
use super::declared::{Group, Needed};
use super::names::{brings_pytest, normalize};

const TEST_NAMES: [&str; 3] = ["test", "tests", "testing"];

/// The groups for the dev image.
pub(super) fn for_dev<'g>(
    dir: &Path,
    groups: &'g [Group],
    configured: Option<&[String]>,
    main: &[Needed],
) -> Result<Vec<&'g Group>, Error> {
    if let Some(names) = configured {
        return named(dir, groups, names);
    }
    let mut chosen: Vec<&Group> =
        groups.iter().filter(|group| TEST_NAMES.contains(&normalize(&group.name).as_str())).collect();
    let covered = has_pytest(main) || chosen.iter().any(|group| has_pytest(&group.needs));
    if chosen.is_empty() || !covered {
        chosen.extend(groups.iter().filter(|group| normalize(&group.name) == "dev"));
    }
    Ok(chosen)
}

/// The groups for the prod image.
pub(super) fn for_prod<'g>(
    dir: &Path,
    groups: &'g [Group],
    configured: Option<&[String]>,
) -> Result<Vec<&'g Group>, Error> {
    configured.map_or_else(|| Ok(Vec::new()), |names| named(dir, groups, names))
}

/// Whether any of these is pytest or a plugin of it.
pub(super) fn has_pytest(needs: &[Needed]) -> bool {
    needs.iter().any(|need| matches!(need, Needed::Requirement(text) if brings_pytest(text)))
}

fn named<'g>(dir: &Path, groups: &'g [Group], names: &[String]) -> Result<Vec<&'g Group>, Error> {
    let mut chosen = Vec::new();
    for name in names {
        let wanted = normalize(name);
        // Poetry calls what the code itself needs the group `main`; it is always there.
        if wanted == "main" {
            continue;
        }
        let before = chosen.len();
        chosen.extend(groups.iter().filter(|group| normalize(&group.name) == wanted));
        if chosen.len() == before {
            return Err(unknown(dir, name, groups));
        }
    }
    Ok(chosen)
}

fn unknown(dir: &Path, name: &str, groups: &[Group]) -> Error {
    let mut known: Vec<String> = groups.iter().map(|group| group.name.clone()).collect();
    known.sort();
    known.dedup();
    let nearest = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.clone());
    Error::UnknownGroup { dir: dir.to_owned(), name: name.to_owned(), known, nearest }
}

#[cfg(test)]
mod tests {
    use super::super::declared::GroupKind;
    use super::super::group_tables::plain;
    use super::*;

    fn group(name: &str, needs: &[&str]) -> Group {
        Group { name: name.into(), kind: GroupKind::Group, needs: plain(needs) }
    }

    fn dev(groups: &[Group], main: &[&str]) -> Vec<String> {
        for_dev(Path::new("d"), groups, None, &plain(main))
            .unwrap()
            .into_iter()
            .map(|group| group.name.clone())
            .collect()
    }

    #[test]
    fn usual_names_are_taken() {
        let all =
            [group("docs", &["sphinx"]), group("test", &["pytest"]), group("Testing", &["x"]), group("dev", &["ruff"])];
        assert_eq!(dev(&all, &[]), ["test", "Testing"]);
        assert_eq!(dev(&[group("test", &["x"]), group("dev", &["pytest"])], &[]), ["test", "dev"]);
        assert_eq!(dev(&[group("test", &["x"]), group("dev", &["ruff"])], &["pytest-mock"]), ["test"]);
        assert_eq!(dev(&[group("dev", &["ruff"])], &[]), ["dev"]);
        assert_eq!(dev(&[group("docs", &[])], &[]), [""; 0]);
    }

    #[test]
    fn a_name_that_is_not_there_is_refused() {
        let all = [group("testing", &[]), group("docs", &[])];
        let error = named(Path::new("infra"), &all, &["testin".into()]).unwrap_err();
        assert_eq!(error.to_string(), "`infra` has no dependency group `testin`; it has `docs`, `testing`");
        assert_eq!(error.hint().as_deref(), Some("did you mean `testing`? see `groups` in `[python]`"));
        assert!(named(Path::new("infra"), &all, &["main".into()]).unwrap().is_empty());
    }
}

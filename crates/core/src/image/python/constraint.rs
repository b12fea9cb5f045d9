//! Poetry's version constraints (`^1.2`, `~1.2`, `1.*`, `>=1,<2 || ^3`) as PEP 440 specifiers and as markers
//! (<https://python-poetry.org/docs/dependency-specification/#version-constraints>).

use pep508_rs::pep440_rs::Version;

/// A constraint as PEP 440 specifiers, `""` for any version. Alternatives joined by `||` have no equal there: what
/// comes out is the span from the first one's lower bound to the last one's upper bound.
pub fn specifiers(constraint: &str) -> Option<String> {
    let alternatives = alternatives(constraint);
    let parts: Vec<Vec<String>> = alternatives.iter().map(|text| conjunction(text)).collect::<Option<_>>()?;
    match parts.as_slice() {
        [one] => Some(one.join(",")),
        [first, .., last] => {
            let lower = first
                .iter()
                .filter(|part| part.starts_with('>') || part.starts_with("=="))
                .map(|part| part.replacen("==", ">=", 1));
            let upper = last
                .iter()
                .filter(|part| part.starts_with('<') || part.starts_with("=="))
                .map(|part| part.replacen("==", "<=", 1));
            Some(lower.chain(upper).map(|part| part.replace(".*", "")).collect::<Vec<_>>().join(","))
        }
        [] => Some(String::new()),
    }
}

/// A constraint on Python itself as an environment marker, `""` for any.
pub fn python_marker(constraint: &str) -> Option<String> {
    let mut alternatives_out = Vec::new();
    for alternative in alternatives(constraint) {
        let mut terms = Vec::new();
        for specifier in conjunction(alternative)? {
            let (operator, version) = split_operator(&specifier);
            let version = version.trim_end_matches(".*");
            let variable = if version.matches('.').count() >= 2 { "python_full_version" } else { "python_version" };
            terms.push(format!("{variable} {operator} \"{version}\""));
        }
        if terms.is_empty() {
            return Some(String::new());
        }
        alternatives_out.push(terms.join(" and "));
    }
    Some(alternatives_out.join(" or "))
}

fn alternatives(constraint: &str) -> Vec<&str> {
    constraint.split('|').map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Terms joined by commas or, as Poetry allows, by spaces.
fn conjunction(text: &str) -> Option<Vec<String>> {
    let mut terms: Vec<String> = Vec::new();
    for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
        match terms.last_mut() {
            Some(last) if last.ends_with(['<', '>', '=', '^', '~', '!']) => last.push_str(word),
            _ => terms.push(word.to_owned()),
        }
    }
    let mut specifiers = Vec::new();
    for term in terms {
        specifiers.extend(single(&term)?);
    }
    Some(specifiers)
}

fn single(term: &str) -> Option<Vec<String>> {
    if term == "*" {
        return Some(Vec::new());
    }
    if let Some(version) = term.strip_prefix('^') {
        let parsed = parse(version)?;
        let release = parsed.release();
        let significant = release.iter().position(|number| *number != 0).unwrap_or(release.len() - 1);
        return Some(vec![
            format!(">={}", clean(version)),
            format!("<{}", bumped(release, significant, release.len())),
        ]);
    }
    if let Some(version) = term.strip_prefix("~=") {
        return Some(vec![format!("~={}", clean(version))]);
    }
    if let Some(version) = term.strip_prefix('~') {
        let parsed = parse(version)?;
        let index = usize::from(parsed.release().len() > 1);
        return Some(vec![
            format!(">={}", clean(version)),
            format!("<{}", bumped(parsed.release(), index, parsed.release().len())),
        ]);
    }
    let (operator, version) = split_operator(term);
    let operator = if operator.is_empty() || operator == "=" { "==" } else { operator };
    if let Some(stem) = version.strip_suffix(".*") {
        parse(stem)?;
        // `>=1.*` is not PEP 440, though Poetry takes it.
        let version = if matches!(operator, "==" | "!=") { version } else { stem };
        return Some(vec![format!("{operator}{version}")]);
    }
    parse(version)?;
    Some(vec![format!("{operator}{}", clean(version))])
}

/// `release` with the number at `index` one higher and zeros behind, `length` numbers long (at least two).
fn bumped(release: &[u64], index: usize, length: usize) -> String {
    let mut numbers: Vec<u64> = release.iter().copied().take(index + 1).collect();
    if let Some(last) = numbers.last_mut() {
        *last += 1;
    }
    numbers.resize(length.max(2).max(index + 1), 0);
    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(".")
}

fn split_operator(term: &str) -> (&str, &str) {
    let end = term.find(|c: char| !matches!(c, '<' | '>' | '=' | '!' | '~')).unwrap_or(term.len());
    (&term[..end], term[end..].trim())
}

fn parse(version: &str) -> Option<Version> {
    clean(version).parse().ok()
}

fn clean(version: &str) -> &str {
    version.trim().trim_start_matches('v')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_become_specifiers() {
        for (poetry, pep440) in [
            ("^1.2.3", ">=1.2.3,<2.0.0"),
            ("^1.2", ">=1.2,<2.0"),
            ("^1", ">=1,<2.0"),
            ("^0.2.3", ">=0.2.3,<0.3.0"),
            ("^0.0.3", ">=0.0.3,<0.0.4"),
            ("^0.0", ">=0.0,<0.1"),
            ("^0", ">=0,<1.0"),
            ("~1.2.3", ">=1.2.3,<1.3.0"),
            ("~1.2", ">=1.2,<1.3"),
            ("~1", ">=1,<2.0"),
            ("1.*", "==1.*"),
            ("1.2.3", "==1.2.3"),
            ("*", ""),
            (">= 1.2, < 2", ">=1.2,<2"),
            (">=1.2 <2", ">=1.2,<2"),
            ("~=1.4.2", "~=1.4.2"),
            ("^1.0 || ^2.0", ">=1.0,<3.0"),
            ("!=1.5", "!=1.5"),
        ] {
            assert_eq!(specifiers(poetry).as_deref(), Some(pep440), "{poetry}");
        }
        assert_eq!(specifiers("latest"), None);
    }

    #[test]
    fn python_constraints_become_markers() {
        assert_eq!(python_marker("^3.8").as_deref(), Some(r#"python_version >= "3.8" and python_version < "4.0""#));
        assert_eq!(
            python_marker("<3.9 || >=3.11.2").as_deref(),
            Some(r#"python_version < "3.9" or python_full_version >= "3.11.2""#)
        );
        assert_eq!(python_marker("*").as_deref(), Some(""));
    }
}

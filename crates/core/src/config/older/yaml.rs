//! Reads `repo_config.yaml`: mappings of mappings of plain values. Lists are carried and not used.

use std::collections::HashSet;
use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::super::error::ProblemKind;
use super::facts::Fact;

/// The paths that are read.
const USED: [&str; 6] = [
    "repo_info.repo_name",
    "docker_info.docker_image_name",
    "docker_info.use_sibling_container_in_unit_tests",
    "container_registry_info.ecr",
    "container_registry_info.ghcr",
    "runnable_dir_info.use_helpers_as_nested_module",
];

/// How deep sections may be nested; those that are read are two deep.
const DEEPEST: usize = 32;

/// What is wrong, and at which bytes.
type Wrong = (ProblemKind, Range<usize>);

/// The values of a file by path.
///
/// # Errors
/// Where it is not YAML, only that; else all keys that are there twice, and sections that are no mappings.
pub(super) fn read(text: &str) -> Result<Vec<Fact>, Vec<Wrong>> {
    let places = Places::new(text);
    let mut reader =
        Reader { places: &places, facts: Vec::new(), seen: HashSet::new(), wrong: Vec::new(), above: Vec::new() };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => {
                reader.take(&event, span);
                if reader.above.len() > DEEPEST {
                    let message = format!("it is nested more than {DEEPEST} deep");
                    return Err(vec![(ProblemKind::NotYaml { message }, places.span(span))]);
                }
            }
            Err(error) => {
                let start = places.byte(error.marker().index());
                let message = error.info().to_owned();
                return Err(vec![(ProblemKind::NotYaml { message }, start..start)]);
            }
        }
    }
    if reader.wrong.is_empty() { Ok(reader.facts) } else { Err(reader.wrong) }
}

/// Bytes of characters: the parser counts these.
struct Places(Vec<usize>);

impl Places {
    fn new(text: &str) -> Self {
        Self(text.char_indices().map(|(byte, _)| byte).chain([text.len()]).collect())
    }

    fn byte(&self, index: usize) -> usize {
        self.0.get(index).or(self.0.last()).copied().unwrap_or_default()
    }

    fn span(&self, span: Span) -> Range<usize> {
        self.byte(span.start.index())..self.byte(span.end.index())
    }
}

/// What an event is in: a mapping that waits for a key or for the value of one, or a list.
enum Above {
    Map { prefix: String, key: Option<(String, Range<usize>)> },
    List,
}

struct Reader<'p> {
    places: &'p Places,
    facts: Vec<Fact>,
    seen: HashSet<String>,
    wrong: Vec<Wrong>,
    above: Vec<Above>,
}

impl Reader<'_> {
    fn take(&mut self, event: &Event<'_>, span: Span) {
        let span = self.places.span(span);
        match event {
            Event::MappingStart(..) => {
                let prefix = match self.above.last_mut() {
                    Some(Above::Map { key, .. }) => key.take().map(|(path, _)| format!("{path}.")).unwrap_or_default(),
                    Some(Above::List) => "[].".to_owned(),
                    None => String::new(),
                };
                self.above.push(Above::Map { prefix, key: None });
            }
            Event::SequenceStart(..) => {
                if let Some(Above::Map { key, .. }) = self.above.last_mut() {
                    key.take();
                } else if self.above.is_empty() {
                    self.not_a_table(span);
                }
                self.above.push(Above::List);
            }
            Event::MappingEnd | Event::SequenceEnd => {
                self.above.pop();
            }
            Event::Scalar(text, style, ..) => self.scalar(text, *style, span),
            Event::Alias(_) => self.alias(span),
            _ => {}
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Range<usize>) {
        let in_list = self.above.iter().any(|above| matches!(above, Above::List));
        match self.above.last_mut() {
            Some(Above::Map { prefix, key }) => match key.take() {
                None => {
                    let path = format!("{prefix}{text}");
                    if !in_list && !self.seen.insert(path.clone()) {
                        self.wrong.push((ProblemKind::Twice { path: path.clone() }, span.clone()));
                    }
                    *key = Some((path, span));
                }
                Some((path, key)) => {
                    let is_nothing = style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL");
                    if !is_nothing && !in_list {
                        self.facts.push(Fact { path, text: text.to_owned(), key, value: span });
                    }
                }
            },
            Some(Above::List) => {}
            None if text.is_empty() => {}
            None => self.not_a_table(span),
        }
    }

    /// What an alias stands for is not looked up: where it is not needed, it does no harm.
    fn alias(&mut self, span: Range<usize>) {
        let in_list = self.above.iter().any(|above| matches!(above, Above::List));
        let Some(Above::Map { key, .. }) = self.above.last_mut() else { return };
        let Some((path, _)) = key.take().filter(|_| !in_list) else { return };
        // `<<: *x` puts all keys of `x` beside it.
        let section = path.strip_suffix("<<").map_or_else(|| format!("{path}."), str::to_owned);
        if USED.iter().any(|used| *used == path || used.starts_with(&section)) {
            let message = format!("`{path}` is an alias, which is not followed: write what it stands for");
            self.wrong.push((ProblemKind::NotYaml { message }, span));
        }
    }

    fn not_a_table(&mut self, span: Range<usize>) {
        let message = "expected a mapping such as `docker_info:`".to_owned();
        self.wrong.push((ProblemKind::NotYaml { message }, span));
    }
}

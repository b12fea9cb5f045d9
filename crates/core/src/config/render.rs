//! Problems as people like to read them: the line of the file with the place marked.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::error::{ConfigError, Place, Problem};

impl ConfigError {
    /// The problems with their lines of source, as text for a terminal, with or without ANSI colours.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let reports = self.problems().iter().map(|problem| {
            // Layout and padding of blank lines are the renderer's.
            let report = renderer.render(&[group(problem)]);
            report.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
        });
        reports.collect::<Vec<_>>().join("\n\n")
    }
}

fn group(problem: &Problem) -> Group<'_> {
    let detail = problem.kind.detail();
    let hint = match problem.kind.suggestion() {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None => problem.hint(),
    };
    let group = match &problem.place {
        Place::Line(at) => {
            let mark = AnnotationKind::Primary.span(at.span.clone());
            let mark = if detail.is_empty() { mark } else { mark.label(detail) };
            let snippet =
                Snippet::source(&at.text).line_start(at.line).path(at.path.to_string_lossy()).annotation(mark);
            Group::with_title(Level::ERROR.primary_title(problem.kind.summary())).element(snippet)
        }
        Place::File(_) | Place::Variable(_) | Place::Flag(_) | Place::Everywhere => {
            // The suggestion stands in the hint.
            let colon = if detail.is_empty() { "" } else { ": " };
            let title = format!("{}{}{colon}{detail}", problem.kind.summary(), problem.place);
            Group::with_title(Level::ERROR.primary_title(title))
        }
    };
    match hint {
        Some(hint) => group.element(Level::HELP.with_name("hint").message(hint)),
        None => group,
    }
}

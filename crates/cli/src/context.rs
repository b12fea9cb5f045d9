//! What every command starts from: the surroundings, how to talk, and the workspace where it needs one.

use wharf_core::image::place::{Place, pick};
use wharf_core::task::catalogue::check_names;
use wharf_core::workspace::{Outline, Problem, Surroundings, Workspace, WrongWharf, discover, outline};

use crate::arguments::{self, Global};
use crate::clock::SystemClock;
use crate::exit::Failure;
use crate::surroundings;
use crate::talk::Talk;

/// What a command means to do with the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// It only looks.
    Look,
    /// It makes, changes or runs something.
    Change,
}

/// What every command starts from.
#[derive(Debug)]
pub struct Context {
    /// The caller's surroundings.
    pub surroundings: Surroundings,
    /// How to talk.
    pub talk: Talk,
    /// The clock, started with the command.
    pub clock: SystemClock,
    intent: Intent,
}

impl Context {
    /// Reads the surroundings.
    ///
    /// # Errors
    /// When the current folder cannot be used.
    pub fn new(global: &Global, intent: Intent) -> Result<Self, Failure> {
        let clock = SystemClock::start();
        let surroundings = surroundings::read(global)?;
        let talk = Talk::new(global, &surroundings);
        Ok(Self { surroundings, talk, clock, intent })
    }

    /// Reads the workspace and says what is odd in it.
    ///
    /// # Errors
    /// When there is none or its configuration cannot be used.
    pub fn workspace(&self) -> Result<Workspace, Failure> {
        self.workspace_with(&[])
    }

    /// The same with further flags that state configuration: key, text, flag.
    ///
    /// # Errors
    /// When there is none or its configuration cannot be used.
    pub fn workspace_with(&self, flags: &[(&str, String, &str)]) -> Result<Workspace, Failure> {
        let mut surroundings = self.surroundings.clone();
        surroundings
            .flags
            .extend(flags.iter().map(|(key, text, flag)| ((*key).to_owned(), text.clone(), (*flag).to_owned())));
        let workspace = discover(surroundings)?;
        self.accept(workspace.wrong_wharf())?;
        check_names(&workspace, arguments::names)?;
        Ok(workspace)
    }

    /// Reads the root and configuration of the workspace, and nothing of what lies in it.
    ///
    /// # Errors
    /// When there is none or its configuration cannot be used.
    pub fn outline(&self) -> Result<Outline, Failure> {
        let outline = outline(self.surroundings.clone())?;
        self.accept(outline.wrong_wharf())?;
        Ok(outline)
    }

    /// A workspace that is made for another Wharf may be looked at, with a warning, and not changed.
    fn accept(&self, wrong: Option<WrongWharf>) -> Result<(), Failure> {
        match (wrong, self.intent) {
            (None, _) => Ok(()),
            (Some(wrong), Intent::Look) => {
                self.talk.warning(&format!("{wrong}; {}", wrong.hint()));
                Ok(())
            }
            (Some(wrong), Intent::Change) => Err(Failure::environment(wrong.to_string()).hint(wrong.hint())),
        }
    }

    /// Says what is odd in a workspace, a line each.
    pub fn say_problems(&self, workspace: &Workspace) {
        for problem in &workspace.problems {
            self.say_problem(problem);
        }
    }

    /// Says one odd thing.
    pub fn say_problem(&self, problem: &Problem) {
        match problem.hint() {
            Some(hint) => self.talk.warning(&format!("{problem} (`{hint}`)")),
            None => self.talk.warning(&problem.to_string()),
        }
    }

    /// Picks the engine and says in one line which and why.
    ///
    /// # Errors
    /// When the one that is asked for does not work.
    pub fn place(&self, workspace: &Workspace) -> Result<Place, Failure> {
        let picked = pick(workspace)?;
        self.talk.note(&picked.why);
        Ok(picked.place)
    }
}

//! Arguments of a command that are described only once the command is called.
//!
//! Describing the options of all commands costs more than many a command itself. So each command of the line stands in a
//! [`Deferred`], which clap asks for its options when its name was read. What shows all of them at once (help, completions,
//! the reference) asks [`crate::arguments::command`], which has them all.

use clap::{ArgMatches, Args, Command, Error, FromArgMatches};

/// The arguments `T` of a command, described to clap when the command is called.
#[derive(Debug, Clone)]
pub struct Deferred<T>(pub T);

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<T: Args> Args for Deferred<T> {
    fn augment_args(command: Command) -> Command {
        command.defer(T::augment_args)
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.defer(T::augment_args_for_update)
    }
}

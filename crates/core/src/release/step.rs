//! The steps of a release, in order.

use serde::{Deserialize, Serialize};

use crate::image::Stage;

/// A step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The version fits, the work tree is clean, the Git tag is free.
    Check,
    /// This user may push to every registry.
    Rights,
    /// Images for all platforms.
    Build,
    /// The dir's tests, in the image.
    Test,
    /// Tests marked `qa`, which see the image from outside.
    Qa,
    /// `local` becomes `dev`.
    Promote,
    /// The version's tag, at every registry.
    Push,
    /// All of it is read back.
    Verify,
    /// The floating tags move.
    Float,
    /// The Git tag, here and at `origin`.
    Tag,
}

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is done, and what it brought about is still there.
    Done,
    /// It is to be done, for this reason.
    Open(String),
}

impl Step {
    /// Those of a release to `stage`. A prod image is built as what it will be, so nothing is promoted.
    #[must_use]
    pub fn all(stage: Stage) -> Vec<Self> {
        let all = [
            Self::Check,
            Self::Rights,
            Self::Build,
            Self::Test,
            Self::Qa,
            Self::Promote,
            Self::Push,
            Self::Verify,
            Self::Float,
            Self::Tag,
        ];
        all.into_iter().filter(|step| stage != Stage::Prod || *step != Self::Promote).collect()
    }

    /// Its word in messages and records.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::Rights => "rights",
            Self::Build => "build",
            Self::Test => "test",
            Self::Qa => "qa",
            Self::Promote => "promote",
            Self::Push => "push",
            Self::Verify => "verify",
            Self::Float => "float",
            Self::Tag => "tag",
        }
    }

    /// What it does, in a few words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Check => "version, work tree and Git tag",
            Self::Rights => "the right to push, at every registry",
            Self::Build => "images for all platforms",
            Self::Test => "the tests, in the image",
            Self::Qa => "tests marked `qa`, from outside",
            Self::Promote => "local becomes dev",
            Self::Push => "the version's tag, at every registry",
            Self::Verify => "all of it read back by digest",
            Self::Float => "the floating tags",
            Self::Tag => "the Git tag, here and at origin",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_in_order_and_words_are_those_of_records() {
        for stage in [Stage::Dev, Stage::Prod] {
            let all = Step::all(stage);
            assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
            for step in all {
                assert_eq!(serde_json::to_value(step).unwrap(), step.word());
            }
        }
        assert!(!Step::all(Stage::Prod).contains(&Step::Promote));
    }
}

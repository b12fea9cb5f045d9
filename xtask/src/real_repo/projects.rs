//! The published projects that the real super-repo is made of.

/// How a project is part of the super-repo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Its files are the super-repo's own.
    Folder,
    /// It is a Git repo of its own, included as a submodule.
    SubRepo,
}

/// A pinned source distribution with what its own tests need.
pub struct Project {
    /// Its name on the package index.
    pub name: &'static str,
    /// The pinned version.
    pub version: &'static str,
    /// SHA-256 of the source distribution.
    pub sha256: &'static str,
    /// Where it goes, from the super-repo's root.
    pub path: &'static str,
    /// As what it goes there.
    pub place: Place,
    /// What its tests need, pinned.
    pub requirements: &'static [&'static str],
    /// Its `devops/wharf.toml`.
    pub wharf_toml: &'static str,
}

/// pytest 7 and pytest 8 are both needed: no one environment can hold all of these.
pub const PROJECTS: &[Project] = &[
    Project {
        name: "click",
        version: "8.1.7",
        sha256: "ca9853ad459e787e2192211578cc907e7594e294c7ccc834310722b41b9ca6de",
        path: "click",
        place: Place::Folder,
        requirements: &["pytest==7.4.4"],
        wharf_toml: "",
    },
    Project {
        name: "itsdangerous",
        version: "2.2.0",
        sha256: "e0050c0b7da1eea53ffaf149c0cfbb5c6e2e2b69c4bef22c81fa6eb73e5f6173",
        path: "libs/itsdangerous",
        place: Place::SubRepo,
        requirements: &["pytest==7.4.4", "freezegun==1.5.1"],
        wharf_toml: "",
    },
    Project {
        name: "pluggy",
        version: "1.5.0",
        sha256: "2cffa88e94fdc978c4c574f15f9e59b7f4201d439195c3715ca9e2486f1d0cf1",
        path: "pluggy",
        place: Place::SubRepo,
        requirements: &["pytest==8.3.4", "pytest-benchmark==5.1.0"],
        wharf_toml: "[python]\ngroups = { dev = [\"testing\"], prod = [] }\n",
    },
    Project {
        name: "attrs",
        version: "24.2.0",
        sha256: "5cfb1b9148b5b086569baec03f20d7b6bf3bcacc9a42bebf87ffaaca362f6346",
        path: "attrs",
        place: Place::Folder,
        requirements: &["pytest==8.3.4", "hypothesis==6.112.1", "cloudpickle==3.0.0"],
        // Its group `tests` would bring mypy and type-checking tests that take minutes.
        wharf_toml: "[python]\ngroups = { dev = [], prod = [] }\n",
    },
    Project {
        name: "markupsafe",
        version: "3.0.2",
        sha256: "ee55d3edf80167e48ea11a923c7386f4669df67d7994554387f84e7d8b0a2bf0",
        path: "libs/markupsafe",
        place: Place::Folder,
        requirements: &["pytest==8.3.4"],
        wharf_toml: "",
    },
];

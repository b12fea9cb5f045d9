//! A twin of an image, for programs that start containers and cannot be told whom to run as, with what, or in which group.

use std::process;

use crate::client::Client;
use crate::error::EngineError;
use crate::kind::Kind;
use crate::run::User;

/// Label of a twin: a hash of all that it was made from.
const MADE_FROM: &str = "dev.wharf.twin";

/// What a twin has that its image has not.
#[derive(Debug, Clone)]
pub struct Twin<'a> {
    /// The image that it is a twin of.
    pub image: &'a str,
    /// The name that it gets.
    pub reference: &'a str,
    /// A label that is empty in it, so that listings leave it out ([`Client::images`]).
    pub without: &'a str,
    /// Who runs in it.
    pub user: User,
    /// The command and its arguments; it has no entry point.
    pub command: Vec<String>,
    /// A further group: its name and number. Its members are those who are told so when the container is made (`--group-add`).
    pub group: Option<(&'a str, u32)>,
    /// What is added to `/etc/profile`.
    pub profile: Option<&'a str>,
    /// Further labels.
    pub labels: Vec<(&'a str, String)>,
}

impl Client {
    /// Makes a twin of an image: nothing in it is run or built. One that is there and was made from the same stays.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn make_twin(&self, twin: &Twin<'_>) -> Result<(), EngineError> {
        let user = match &twin.user {
            // Podman's image cannot say that the caller's id is kept.
            User::Caller if self.kind() == Kind::Podman => {
                Some(format!("{}:{}", self.environment().user.0, self.environment().user.1))
            }
            user => self.user_value(user),
        };
        let made_from = blake3::hash(format!("1 {user:?} {twin:?}").as_bytes()).to_hex()[..20].to_owned();
        let there = self.image(twin.reference)?;
        if there.as_ref().is_some_and(|image| image.labels.get(MADE_FROM) == Some(&made_from)) {
            return Ok(());
        }
        // An image's configuration is changed by way of a container, which never runs.
        let name = format!("wharf-editor-{}-{}", process::id(), &made_from[..12]);
        let mut create = self.command().args(["create", "--name", &name, "--entrypoint="]);
        // By way of `commit --change`, Podman takes quotes for a part of what they are around.
        let own = [(twin.without, ""), (MADE_FROM, made_from.as_str())];
        for (label, value) in own.into_iter().chain(twin.labels.iter().map(|(label, value)| (*label, value.as_str()))) {
            create = create.arg("--label").arg(format!("{label}={value}"));
        }
        let create = create.arg(twin.image).args(twin.command.iter().cloned());
        self.answer("make a container", &create)?;
        let committed = self.commit_twin(twin, &name, user.as_deref());
        let removed = self.ask("remove a container", &["rm", &name]);
        committed?;
        removed?;
        if let Some(earlier) = there.filter(|image| image.labels.contains_key(MADE_FROM)) {
            // It has no name any more; one that a container still has stays.
            let _ = self.ask("remove an image", &["image", "rm", &earlier.id]);
        }
        Ok(())
    }

    fn commit_twin(&self, twin: &Twin<'_>, container: &str, user: Option<&str>) -> Result<(), EngineError> {
        self.add_files(twin, container)?;
        let mut commit = self.command().arg("commit");
        if let Some(user) = user {
            commit = commit.arg("--change").arg(format!("USER {user}"));
        }
        self.answer("name an image", &commit.arg(container).arg(twin.reference)).map(drop)
    }

    /// Adds to files of a container that has not been started.
    fn add_files(&self, twin: &Twin<'_>, container: &str) -> Result<(), EngineError> {
        let group = twin.group.map(|(name, number)| ("group", format!("{name}:x:{number}:\n")));
        let profile = twin.profile.map(|text| ("profile", text.to_owned()));
        let added: Vec<(&str, String)> = group.into_iter().chain(profile).collect();
        if added.is_empty() {
            return Ok(());
        }
        let mut archive = tar::Builder::new(Vec::new());
        for (name, more) in added {
            let mut text = self.file_of(container, &format!("/etc/{name}"))?;
            if !text.is_empty() && !text.ends_with(b"\n") {
                text.push(b'\n');
            }
            text.extend(more.into_bytes());
            let mut header = tar::Header::new_gnu();
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            archive
                .append_data(&mut header, format!("etc/{name}"), text.as_slice())
                .map_err(|error| self.odd_archive(&error))?;
        }
        let bytes = archive.into_inner().map_err(|error| self.odd_archive(&error))?;
        let copy = self.command().args(["cp", "-", &format!("{container}:/")]).input(bytes);
        self.answer("copy files into a container", &copy).map(drop)
    }

    /// The content of a file of a container; nothing where there is none.
    fn file_of(&self, container: &str, path: &str) -> Result<Vec<u8>, EngineError> {
        let output = match self.ask("read a file of a container", &["cp", "-L", &format!("{container}:{path}"), "-"]) {
            Ok(output) => output,
            Err(EngineError::Refused { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut archive = tar::Archive::new(output.stdout.as_slice());
        let entry = archive.entries().and_then(|mut entries| entries.next().transpose());
        let Some(mut entry) = entry.map_err(|error| self.odd_archive(&error))? else { return Ok(Vec::new()) };
        let mut text = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut text).map_err(|error| self.odd_archive(&error))?;
        Ok(text)
    }

    fn odd_archive(&self, error: &std::io::Error) -> EngineError {
        EngineError::Answer { kind: self.kind(), verb: "copy a file".into(), detail: error.to_string() }
    }
}

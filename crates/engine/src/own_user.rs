//! An image that runs as another user, for programs that cannot be told whom to run as.

use std::process;

use crate::client::Client;
use crate::error::EngineError;
use crate::kind::Kind;

impl Client {
    /// Names `reference` an image with the content of `image` that runs as the caller, as `run` with [`User::Caller`] does; the label
    /// `without` is empty in it ([`Client::images`]).
    ///
    /// [`User::Caller`]: crate::User::Caller
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn tag_for_caller(&self, image: &str, reference: &str, without: &str) -> Result<(), EngineError> {
        let (uid, gid) = self.environment().user;
        let is_mapped = self.kind() == Kind::Docker && self.environment().docker_is_rootless();
        let user = if is_mapped { "USER 0:0".to_owned() } else { format!("USER {uid}:{gid}") };
        let label = format!("LABEL {without}=\"\"");
        // An image's configuration is changed by way of a container, which never runs.
        let name = format!(
            "wharf-editor-{}-{}",
            process::id(),
            image
                .trim_start_matches("sha256:")
                .chars()
                .filter(char::is_ascii_alphanumeric)
                .take(12)
                .collect::<String>()
        );
        let create = ["create", "--name", &name, "--entrypoint=", image, "true"];
        self.ask("make a container", &create)?;
        let commit = self.ask("name an image", &["commit", "--change", &user, "--change", &label, &name, reference]);
        let removed = self.ask("remove a container", &["rm", &name]);
        commit?;
        removed.map(|_| ())
    }
}

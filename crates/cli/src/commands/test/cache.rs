//! Which use `wharf test` makes of verdicts that are known: `--no-cache`, `--verify-cache`, `[test] cache`, `[cache]`.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use wharf_core::config::SharedCache;
use wharf_core::image::Stage;
use wharf_core::image::choice::StageWish;
use wharf_core::test_suite::cache::{Caching, Folder, Mode, Purpose, Shared, Store};
use wharf_core::workspace::Workspace;

use super::{Test, remote_cache};
use crate::context::Context;
use crate::exit::Failure;

/// Time in which a shared cache has to say something.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the command line says of the cache.
#[derive(Debug, clap::Args)]
pub struct Cache {
    /// Run all tests, also those whose verdict is known because nothing that they depend on has changed.
    #[arg(long, conflicts_with = "verify_cache")]
    pub no_cache: bool,
    /// Run all tests, and fail where a verdict differs from the one that is known.
    #[arg(long)]
    pub verify_cache: bool,
}

impl Cache {
    /// How this run uses the cache; `None`: not at all.
    ///
    /// # Errors
    /// When it is to be verified and cannot even be used.
    pub fn of(
        &self,
        context: &Context,
        test: &Test,
        stage: StageWish,
        workspace: &Workspace,
    ) -> Result<Option<Caching>, Failure> {
        let why_not = why_not(test, stage);
        if self.verify_cache
            && let Some(why) = why_not
        {
            return Err(Failure::usage(format!("`--verify-cache` has nothing to compare with: {why}")));
        }
        let wanted = self.verify_cache || (!self.no_cache && workspace.config.test.cache);
        if !wanted || why_not.is_some() {
            return Ok(None);
        }
        let purpose = if self.verify_cache { Purpose::Verify } else { Purpose::Take };
        Ok(Some(Caching { store: store(context, workspace), purpose }))
    }
}

/// The user's own store, and behind it the one that is shared, where there is one.
fn store(context: &Context, workspace: &Workspace) -> Arc<dyn Store> {
    let config = &workspace.config.cache;
    let own = Folder::of_user(&workspace.surroundings.cache, config.size);
    let shared = match &config.remote {
        None => return Arc::new(own),
        Some(SharedCache::Folder(folder)) => {
            Some((Arc::new(Folder::new(folder.clone(), None)) as Arc<dyn Store>, true))
        }
        Some(SharedCache::Url(url)) => match opened(url, workspace) {
            Ok(shared) => Some(shared),
            Err(why) => {
                context
                    .talk
                    .warning(&format!("the shared test cache `{}` is not used: {why}", remote_cache::shown(url)));
                None
            }
        },
    };
    let Some((shared, is_writable)) = shared else { return Arc::new(own) };
    let may_add = config.may_add && is_writable && !remote_cache::is_for_a_fork(&workspace.surroundings);
    let mode = if may_add { Mode::ReadWrite } else { Mode::Read };
    Arc::new(Shared::new(own, shared, mode, PATIENCE, clock))
}

/// The store at `url`, unless a log-in would go to where a repo wants it.
fn opened(url: &str, workspace: &Workspace) -> Result<(Arc<dyn Store>, bool), String> {
    let surroundings = &workspace.surroundings;
    if let Some(host) = remote_cache::chosen_by_repo(url, &workspace.config.cache, surroundings) {
        return Err(format!(
            "a repo named it, so `{host}` gets no log-in of yours; if it may have one, add it to `cache.login-hosts` in your own file \
             or set WHARF_CACHE_LOGIN_HOSTS={host}"
        ));
    }
    remote_cache::open(url, surroundings, PATIENCE)
}

/// Time since it was asked first.
fn clock() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

/// Runs whose verdicts are neither kept nor known.
fn why_not(test: &Test, stage: StageWish) -> Option<&'static str> {
    if stage == StageWish::Only(Stage::Prod) {
        Some("what a prod image is tested with is not in the work tree")
    } else if test.last_failed {
        Some("failures are not kept")
    } else if test.fail_fast {
        Some("a run that stops at the first failure does not run all")
    } else if test.paths.iter().any(|path| path.contains("::")) {
        Some("verdicts are kept by file")
    } else if test.reports.forms().is_some() {
        Some("coverage is measured while tests run")
    } else if !test.pytest.is_empty() {
        Some("arguments for pytest may ask for more than verdicts")
    } else {
        None
    }
}

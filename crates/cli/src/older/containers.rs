//! Tasks that start, list and end containers.

use super::line::{Call, Line, Refusal, Translation};
use super::option::{Opt, off, on, text};
use super::table::Row;

pub(super) const BASE_IMAGE: Opt =
    text("base_image").refused("set `CSFY_ECR_BASE_PATH`, or state `pull` in the table `[registry]` of `wharf.toml`");
pub(super) const SKIP_PULL: Opt =
    off("skip_pull").needless("only an image that fits the checkout is pulled, and `--stage local` pulls none");
pub(super) const DIR_NAME: Opt = text("container_dir_name");
pub(super) const SUDO: Opt = off("sudo").needless("who may use the engine uses it");
const COMPOSE: Opt = on("generate_docker_compose_file").needless("there is no compose file");
const ENTRY_POINT: Opt = on("use_entrypoint").refused("state `entrypoint = \"\"` in the table `[run]` of `wharf.toml`");
const COMPATIBILITY: Opt =
    off("skip_docker_image_compatibility_check").needless("an image that does not fit the checkout gives a warning");

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "docker_bash",
        help: "Starts a bash shell inside the container",
        options: &[
            BASE_IMAGE,
            text("stage"),
            text("version"),
            ENTRY_POINT,
            on("as_user"),
            COMPOSE,
            DIR_NAME,
            SKIP_PULL,
            COMPATIBILITY,
        ],
        make: |call| Ok(start("bash", call).into()),
    },
    Row {
        name: "docker_cmd",
        help: "Executes the command `cmd` inside the container",
        options: &[
            BASE_IMAGE,
            text("stage"),
            text("version"),
            text("cmd"),
            on("as_user"),
            COMPOSE,
            off("use_bash").needless("the container's bash reads the command anyway"),
            DIR_NAME,
            SKIP_PULL,
            COMPATIBILITY,
        ],
        make: command,
    },
    Row {
        name: "docker_jupyter",
        help: "Runs a Jupyter server inside the container",
        options: &[
            text("stage").refused("`wharf jupyter` takes the image that fits the checkout"),
            text("version").refused("`wharf jupyter` takes the image that fits the checkout"),
            BASE_IMAGE,
            on("auto_assign_port").needless("a port is free unless you name one"),
            ENTRY_POINT,
            text("port"),
            off("self_test").refused("start it, and open the address that it prints"),
            DIR_NAME,
            SKIP_PULL,
        ],
        make: jupyter,
    },
    Row {
        name: "docker_ps",
        help: "Lists running containers",
        options: &[SUDO],
        make: |_| Ok(Line::new(["ps"]).into()),
    },
    Row {
        name: "docker_stats",
        help: "Reports what running containers use",
        options: &[off("all"), off("verbose").needless("there is one table"), SUDO],
        make: |call| Ok(Line::new(["stats"]).flag("all-workspaces", call.given("all")).into()),
    },
    Row {
        name: "docker_kill",
        help: "Ends the containers of this workspace, and no others",
        options: &[off("all"), SUDO],
        make: |call| {
            let others = "containers of other workspaces stay; `wharf stop --all --all-workspaces` ends these too";
            let notes = if call.given("all") { vec![others.to_owned()] } else { Vec::new() };
            Ok(Translation { lines: vec![Line::new(["stop", "--all"])], notes })
        },
    },
    Row {
        name: "docker_login",
        help: "Logs in to the registry",
        options: &[text("target_registry")],
        // How one logs in to a registry is the business of the engine's own program and of its helpers.
        make: |_| Ok(Translation::default()),
    },
];

/// `wharf run` or `wharf bash` with what they have in common.
fn start(verb: &str, call: &Call<'_>) -> Line {
    let line = Line::new([verb]).option("stage", call.text("stage")).option("version", call.text("version"));
    let line = line.option("user", call.given("as_user").then_some("root"));
    match call.named_dir() {
        Some(dir) => line.word(dir),
        None => line,
    }
}

fn command(call: &Call<'_>) -> Result<Translation, Refusal> {
    let command = call.text("cmd").ok_or(Refusal::Missing { task: call.row.name, option: "--cmd" })?;
    // One word for the container's shell: quotes, pipes and variables are its own affair.
    Ok(start("run", call).word("--").word("bash").word("-c").word(command).into())
}

fn jupyter(call: &Call<'_>) -> Result<Translation, Refusal> {
    let port = call.text("port");
    if let Some(value) = port.filter(|port| port.parse::<u16>().is_err()) {
        let (task, value) = (call.row.name, value.to_owned());
        return Err(Refusal::Value { task, option: "--port", value, why: "it is no port" });
    }
    let line = Line::new(["jupyter"]).option("port", port);
    Ok(call.named_dir().into_iter().fold(line, Line::word).into())
}

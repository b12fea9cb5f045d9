//! What the proxy changes in requests that make something. Pure: a body goes in, a body comes out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What is changed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Rules {
    /// Labels that all gets, whatever it was to have.
    pub labels: BTreeMap<String, String>,
    /// Labels that it gets where it has none of that name.
    pub defaults: BTreeMap<String, String>,
    /// Folders and files in the container with what they are on the host.
    pub paths: Vec<(PathBuf, PathBuf)>,
}

/// Something that a request makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// As Docker's API has it.
    Docker,
    /// As Podman's own API has it.
    Podman,
}

/// What a request with this first line makes that has labels.
pub(super) fn made(line: &str) -> Option<Made> {
    let target = line.strip_prefix("POST ")?.split([' ', '?']).next()?;
    let makes = ["/containers/create", "/networks/create", "/volumes/create", "/pods/create"];
    if !makes.iter().any(|path| target.ends_with(path)) {
        return None;
    }
    Some(if target.contains("/libpod/") { Made::Podman } else { Made::Docker })
}

impl Rules {
    /// The changed body of a request; as it is where it is no JSON object.
    pub(super) fn apply(&self, made: Made, body: &[u8]) -> Vec<u8> {
        let Ok(Value::Object(mut body)) = serde_json::from_slice(body) else { return body.to_vec() };
        // Networks of Podman's own API are the exception: `labels` there, too, and `Labels` in volumes.
        let name = match made {
            Made::Podman if !body.contains_key("Labels") => "labels",
            _ => "Labels",
        };
        self.label(body.entry(name).or_insert(Value::Null));
        match made {
            Made::Docker => {
                if let Some(Value::Object(host)) = body.get_mut("HostConfig") {
                    self.binds(host);
                    self.mounts(host.get_mut("Mounts"), "Source");
                }
            }
            Made::Podman => self.mounts(body.get_mut("mounts"), "source"),
        }
        Value::Object(body).to_string().into_bytes()
    }

    /// Bodies of requests that make the volumes which a container to be made names: made with it they would have no labels.
    pub(super) fn volumes(&self, body: &[u8]) -> Vec<Value> {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let list = |path: &str| body.pointer(path).and_then(Value::as_array).cloned().unwrap_or_default();
        let driver = body.pointer("/HostConfig/VolumeDriver").and_then(Value::as_str).unwrap_or_default();
        let mut volumes = Vec::new();
        for bind in list("/HostConfig/Binds") {
            let source = bind.as_str().and_then(|text| text.split_once(':')).map(|(source, _)| source);
            if let Some(name) = source.filter(|source| !source.is_empty() && !source.starts_with(['/', '.', '~'])) {
                volumes.push(json!({ "Name": name, "Driver": driver }));
            }
        }
        for mount in list("/HostConfig/Mounts") {
            let is_volume = mount.get("Type").and_then(Value::as_str) == Some("volume");
            let name = mount.get("Source").and_then(Value::as_str).filter(|name| is_volume && !name.is_empty());
            let Some(name) = name else { continue };
            let option = |path: &str| mount.pointer(&format!("/VolumeOptions/{path}")).cloned().unwrap_or_default();
            volumes.push(json!({
                "Name": name, "Labels": option("Labels"), "Driver": option("DriverConfig/Name"),
                "DriverOpts": option("DriverConfig/Options"),
            }));
        }
        // Podman's own API.
        for volume in list("/volumes") {
            let name =
                ["Name", "name"].iter().find_map(|key| volume.get(*key)?.as_str().filter(|name| !name.is_empty()));
            volumes.extend(name.map(|name| json!({ "Name": name })));
        }
        for volume in &mut volumes {
            self.label(&mut volume["Labels"]);
        }
        volumes
    }

    fn label(&self, labels: &mut Value) {
        if !labels.is_object() {
            *labels = Value::Object(Map::new());
        }
        let Value::Object(labels) = labels else { return };
        for (name, value) in &self.defaults {
            labels.entry(name).or_insert_with(|| json!(value));
        }
        for (name, value) in &self.labels {
            labels.insert(name.clone(), json!(value));
        }
    }

    /// `source:target[:options]`; a source that is no path is the name of a volume.
    fn binds(&self, host: &mut Map<String, Value>) {
        for bind in host.get_mut("Binds").and_then(Value::as_array_mut).into_iter().flatten() {
            let Some((source, rest)) = bind.as_str().and_then(|text| text.split_once(':')) else { continue };
            if let Some(there) = self.translated(source) {
                *bind = json!(format!("{there}:{rest}"));
            }
        }
    }

    fn mounts(&self, mounts: Option<&mut Value>, name: &str) {
        for mount in mounts.and_then(Value::as_array_mut).into_iter().flatten() {
            let source = mount.get(name).and_then(Value::as_str);
            if let Some(there) = source.and_then(|source| self.translated(source)) {
                mount[name] = json!(there);
            }
        }
    }

    /// What a path of the container is on the host; `None` where it is not known there.
    fn translated(&self, path: &str) -> Option<String> {
        let path = Path::new(path);
        let below = |(inside, host): &(PathBuf, PathBuf)| {
            let rest = path.strip_prefix(inside).ok()?;
            let there = if rest.as_os_str().is_empty() { host.clone() } else { host.join(rest) };
            Some((inside.as_os_str().len(), there.to_string_lossy().into_owned()))
        };
        self.paths.iter().filter_map(below).max_by_key(|(length, _)| *length).map(|(_, there)| there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Rules {
            labels: BTreeMap::from([text("parent", "us")]),
            defaults: BTreeMap::from([text("verb", "sibling")]),
            paths: [("/src/w", "/home/me/w"), ("/src/w/data", "/big"), ("/run/docker.sock", "/x/s")]
                .map(|(inside, host)| (inside.into(), host.into()))
                .into(),
        }
    }

    fn applied(made: Made, body: &Value) -> Value {
        serde_json::from_slice(&rules().apply(made, body.to_string().as_bytes())).unwrap()
    }

    #[test]
    fn labels_and_paths_are_put_in() {
        let body = json!({
            "Image": "i", "Labels": { "verb": "own", "parent": "forged" },
            "HostConfig": {
                "Binds": ["/src/w:/a:ro", "/src/w/data/x:/b", "/src/wide:/c", "named:/d", "/run/docker.sock:/s"],
                "Mounts": [{ "Type": "bind", "Source": "/src/w/y" }, { "Type": "volume", "Source": "named" }],
            },
        });
        let expected = json!({
            "Image": "i", "Labels": { "verb": "own", "parent": "us" },
            "HostConfig": {
                "Binds": ["/home/me/w:/a:ro", "/big/x:/b", "/src/wide:/c", "named:/d", "/x/s:/s"],
                "Mounts": [{ "Type": "bind", "Source": "/home/me/w/y" }, { "Type": "volume", "Source": "named" }],
            },
        });
        assert_eq!(applied(Made::Docker, &body), expected);
    }

    #[test]
    fn volumes_that_a_container_names_are_made_with_labels() {
        let options =
            json!({ "Labels": { "verb": "own" }, "DriverConfig": { "Name": "nfs", "Options": { "o": "ro" } } });
        let body = json!({ "HostConfig": {
            "Binds": ["/a:/b", "named:/d:ro", "anonymous"],
            "Mounts": [
                { "Type": "bind", "Source": "/x" }, { "Type": "volume", "Target": "/without" },
                { "Type": "volume", "Source": "other", "VolumeOptions": options },
            ],
        } });
        let labels = json!({ "verb": "sibling", "parent": "us" });
        let expected = [
            json!({ "Name": "named", "Driver": "", "Labels": labels }),
            json!({ "Name": "other", "Driver": "nfs", "DriverOpts": { "o": "ro" }, "Labels": { "verb": "own", "parent": "us" } }),
        ];
        assert_eq!(rules().volumes(body.to_string().as_bytes()), expected);
        let podman = json!({ "volumes": [{ "Name": "named", "Dest": "/d" }, { "Dest": "/without" }] });
        assert_eq!(rules().volumes(podman.to_string().as_bytes()), [json!({ "Name": "named", "Labels": labels })]);
        assert_eq!(rules().volumes(b"no json"), [Value::Null; 0]);
    }

    #[test]
    fn podmans_own_api_has_other_names() {
        let body = json!({ "mounts": [{ "source": "/src/w", "destination": "/a" }] });
        let expected = json!({
            "labels": { "verb": "sibling", "parent": "us" },
            "mounts": [{ "source": "/home/me/w", "destination": "/a" }],
        });
        assert_eq!(applied(Made::Podman, &body), expected);
        assert_eq!(rules().apply(Made::Docker, b"no json"), b"no json");
    }

    #[test]
    fn only_what_makes_something_is_changed() {
        assert_eq!(made("POST /v1.41/containers/create?name=x HTTP/1.1"), Some(Made::Docker));
        assert_eq!(made("POST /v4.3.1/libpod/pods/create HTTP/1.1"), Some(Made::Podman));
        assert_eq!(made("POST /networks/create HTTP/1.1"), Some(Made::Docker));
        assert_eq!(made("POST /v1.41/containers/abc/start HTTP/1.1"), None);
        assert_eq!(made("GET /containers/create HTTP/1.1"), None);
    }
}

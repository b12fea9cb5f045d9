//! What a registry asks for before it answers: the `WWW-Authenticate` header (RFC 9110, 11.6.1) with the schemes that registries
//! use, and the token that its token service gives (distribution, "Token Authentication Specification").

use std::collections::BTreeMap;

use serde_json::Value;

/// What a registry asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with each request.
    Basic,
    /// A token of this service.
    Bearer {
        /// Where tokens are.
        realm: String,
        /// Whom they are for.
        service: Option<String>,
        /// Whether a token was there, but for less.
        is_insufficient: bool,
    },
}

impl Challenge {
    /// Reads a header; `None` for a scheme that registries do not use.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        let mut parameters = parameters(rest);
        match scheme.to_ascii_lowercase().as_str() {
            "basic" => Some(Self::Basic),
            "bearer" => Some(Self::Bearer {
                realm: parameters.remove("realm")?,
                service: parameters.remove("service"),
                is_insufficient: parameters.get("error").is_some_and(|error| error == "insufficient_scope"),
            }),
            _ => None,
        }
    }
}

fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text.trim();
    while let Some((name, after)) = rest.split_once('=') {
        let (value, left) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.insert(name.trim().to_ascii_lowercase(), value.to_owned());
        rest = left.trim_start_matches([',', ' ']);
    }
    found
}

/// The token in the answer of a token service.
pub(super) fn token(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    ["token", "access_token"].iter().find_map(|name| value.get(name)?.as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let header = r#"Bearer realm="https://auth.example/token",service="r, x",scope="repository:a:pull,push",error="insufficient_scope""#;
        let expected = Challenge::Bearer {
            realm: "https://auth.example/token".into(),
            service: Some("r, x".into()),
            is_insufficient: true,
        };
        assert_eq!(Challenge::parse(header), Some(expected));
        assert_eq!(Challenge::parse("Basic realm=\"basic-realm\""), Some(Challenge::Basic));
        assert_eq!(Challenge::parse("basic"), Some(Challenge::Basic));
        assert_eq!(Challenge::parse("Negotiate"), None);
        assert_eq!(Challenge::parse("Bearer service=\"x\""), None);
    }

    #[test]
    fn tokens_have_two_names() {
        assert_eq!(token(br#"{"access_token":"a"}"#), Some("a".into()));
        assert_eq!(token(br#"{"token":"t","access_token":"a"}"#), Some("t".into()));
        assert_eq!(token(b"no"), None);
    }
}

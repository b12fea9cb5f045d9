//! The store against a real server, well and unwell.

use std::io::ErrorKind;
use std::time::Duration;

use wharf_core::test_suite::cache::{Key, Store};
use wharf_remote_cache::{Login, Remote, RemoteError};
use wharf_testkit::{CacheServer, Lie, Mood};

const MINUTE: Duration = Duration::from_secs(60);

fn key(name: &str) -> Key {
    Key::of_dir(&[]).of_file(name)
}

#[track_caller]
fn open(server: &CacheServer, scheme: &str, login: &Login, patience: Duration) -> Remote {
    Remote::open(&format!("{scheme}://{}/team/wharf", server.host()), login, patience).expect("the URL is of a store")
}

#[test]
fn what_is_put_over_webdav_is_there() {
    let server = CacheServer::start();
    let store = open(&server, "webdav+http", &Login::default(), MINUTE);
    assert_eq!(store.get(&key("a")).unwrap(), None);
    store.put(&key("a"), b"first").unwrap();
    store.put(&key("a"), b"second").unwrap();
    std::thread::scope(|scope| {
        for name in ["b", "c", "d", "e", "f", "g", "h", "i"] {
            let store = &store;
            scope.spawn(move || store.put(&key(name), name.as_bytes()).unwrap());
        }
    });
    assert_eq!(store.get(&key("a")).unwrap().unwrap(), b"second");
    assert_eq!(store.get(&key("i")).unwrap().unwrap(), b"i");
    let hex = key("a").hex();
    assert!(server.files().contains(&format!("/team/wharf/{}/{}", &hex[..2], &hex[2..])), "{:?}", server.files());
    store.remove(&key("a")).unwrap();
    assert_eq!(store.get(&key("a")).unwrap(), None);
}

#[test]
fn over_plain_http_it_is_only_read() {
    let server = CacheServer::start();
    open(&server, "webdav+http", &Login::default(), MINUTE).put(&key("a"), b"first").unwrap();
    let store = open(&server, "http", &Login::default(), MINUTE);
    assert!(!store.is_writable());
    assert_eq!(store.get(&key("a")).unwrap().unwrap(), b"first");
    assert_eq!(store.get(&key("b")).unwrap(), None);
    assert_eq!(store.put(&key("b"), b"x").unwrap_err().to_string(), "it cannot be written to");
}

#[test]
fn a_log_in_is_sent_and_never_told() {
    let secret = "hunter2-token";
    let server = CacheServer::for_whom(Some(&format!("Bearer {secret}")));
    let right = Login { token: Some(secret.into()), ..Login::default() };
    let store = open(&server, "webdav+http", &right, MINUTE);
    store.put(&key("a"), b"first").unwrap();
    assert_eq!(store.get(&key("a")).unwrap().unwrap(), b"first");
    for status in [401, 403, 500, 503] {
        server.set(Mood::Refuses(status));
        for error in [store.get(&key("a")).unwrap_err(), store.put(&key("a"), b"x").unwrap_err()] {
            let told = format!("{error} {error:?} {store:?} {right:?}");
            assert!(!told.contains(secret), "{told}");
            let expected =
                if status < 500 { "it refuses".to_owned() } else { format!("it answers with status {status}") };
            assert!(error.to_string().starts_with(&expected), "{told}");
        }
    }
    server.set(Mood::Well);
    let nobody = open(&server, "webdav+http", &Login::default(), MINUTE);
    let refused = nobody.get(&key("a")).unwrap_err().to_string();
    assert!(refused.starts_with("it refuses"), "{refused}");
}

#[test]
fn a_server_that_hangs_is_not_waited_for() {
    let server = CacheServer::start();
    server.set(Mood::Hangs);
    let store = open(&server, "webdav+http", &Login::default(), Duration::from_millis(100));
    assert_eq!(store.get(&key("a")).unwrap_err().kind(), ErrorKind::TimedOut);
    assert_eq!(store.put(&key("a"), b"x").unwrap_err().to_string(), "it gave no answer within 0.1 s");
    let url = format!("webdav+http://{}", server.host());
    drop(server);
    let gone = Remote::open(&url, &Login::default(), MINUTE).unwrap();
    let error = gone.get(&key("a")).unwrap_err().to_string();
    assert!(error.starts_with("it cannot be reached: "), "{error}");
}

#[test]
fn bytes_are_given_as_they_come() {
    // Whoever asks checks them by their hash.
    let server = CacheServer::start();
    let store = open(&server, "webdav+http", &Login::default(), MINUTE);
    store.put(&key("a"), b"first").unwrap();
    server.set(Mood::Lies(Lie::Half));
    assert_eq!(store.get(&key("a")).unwrap().unwrap(), b"fi");
}

#[test]
fn urls_that_name_no_store_are_refused_without_their_options() {
    let open = |url: &str| Remote::open(url, &Login::default(), MINUTE);
    assert!(matches!(open("ftp://a/b"), Err(RemoteError::Url(_))));
    let store = open("s3://bucket/prefix?region=eu-west-1&endpoint=http://127.0.0.1:1").unwrap();
    assert_eq!(store.name(), "s3://bucket/prefix");
    assert!(open("gcs://bucket/prefix").unwrap().is_writable());
}

//! What a shared store brings, and what it costs where it is not well.

use super::*;

/// A store that is somewhere else, and not always well.
#[derive(Debug)]
struct Elsewhere {
    store: Folder,
    mood: Mood,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    Hangs,
    Refuses,
    Lies,
    Dawdles,
}

impl Store for Elsewhere {
    fn name(&self) -> String {
        "elsewhere".into()
    }

    fn get(&self, key: &Key) -> std::io::Result<Option<Vec<u8>>> {
        match self.mood {
            Mood::Well => self.store.get(key),
            Mood::Hangs => loop {
                thread::park();
            },
            Mood::Refuses => Err(std::io::Error::other("403 Forbidden")),
            Mood::Dawdles => {
                thread::sleep(std::time::Duration::from_millis(20));
                Ok(None)
            }
            // Another's entry, whole and well.
            Mood::Lies => self.store.get(&Key::of_dir(&[("lies".into(), String::new())])),
        }
    }

    fn put(&self, key: &Key, bytes: &[u8]) -> std::io::Result<()> {
        match self.mood {
            Mood::Refuses => Err(std::io::Error::other("403 Forbidden")),
            _ => self.store.put(key, bytes),
        }
    }

    fn remove(&self, key: &Key) -> std::io::Result<()> {
        self.store.remove(key)
    }
}

fn clock() -> std::time::Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}

/// A cache with one of its own in `own`, and one that is shared.
fn sharing(case: &Case, own: &str, mood: Mood, mode: Mode) -> Caching {
    let own = Folder::new(case.folder.path().join(own), Some(1_000_000));
    let shared = Elsewhere { store: Folder::new(case.folder.path().join("cache"), None), mood };
    let patience = std::time::Duration::from_millis(if mood == Mood::Hangs { 50 } else { 60_000 });
    Caching { store: Arc::new(Shared::new(own, Arc::new(shared), mode, patience, clock)), purpose: Purpose::Take }
}

fn look_with(case: &Case, caching: Caching) -> (Recalled, Vec<String>, Cache) {
    let mut cache = Cache::start(caching, &case.root(), &case.root().join(".wharf"));
    let known = case.look(&mut cache);
    let notes = cache.notes();
    (known, notes, cache)
}

fn keep_all(case: &Case, mut cache: Cache) -> Vec<String> {
    let report = report(&PASSED, Vec::new());
    let ran = BTreeMap::from([(0, Ran { report: &report, is_complete: true, is_whole: true, shard: None })]);
    cache.keep(&ran, &case.learned);
    cache.notes()
}

#[test]
fn what_one_learned_another_knows() {
    let case = Case::new();
    let (known, _, cache) = look_with(&case, sharing(&case, "one", Mood::Well, Mode::ReadWrite));
    assert!(known.files.is_empty());
    assert!(keep_all(&case, cache).is_empty());
    let (known, notes, _) = look_with(&case, sharing(&case, "two", Mood::Well, Mode::Read));
    assert_eq!((known.files, known.whole.is_some(), notes.len()), (set(&[A, B]), true, 0));
    // From then on it is its own.
    let (known, notes, _) = look_with(&case, sharing(&case, "two", Mood::Refuses, Mode::Read));
    assert_eq!((known.files, known.whole.is_some(), notes.len()), (set(&[A, B]), true, 0));
}

#[test]
fn another_state_of_a_known_file_is_asked_for_as_well() {
    let case = Case::new();
    let (_, _, cache) = look_with(&case, sharing(&case, "one", Mood::Well, Mode::ReadWrite));
    keep_all(&case, cache);
    case.write("lib/a.py", "x = 2\n");
    let (_, _, cache) = look_with(&case, sharing(&case, "two", Mood::Well, Mode::ReadWrite));
    keep_all(&case, cache);
    let (known, ..) = look_with(&case, sharing(&case, "one", Mood::Well, Mode::Read));
    assert_eq!(known.files, set(&[A, B]), "learned by `two`");
    case.write("lib/a.py", "x = 1\n");
    let (known, ..) = look_with(&case, sharing(&case, "one", Mood::Refuses, Mode::Read));
    assert_eq!(known.files, set(&[A, B]), "not forgotten over it");
}

#[test]
fn who_may_only_read_adds_nothing() {
    let case = Case::new();
    let (_, _, cache) = look_with(&case, sharing(&case, "one", Mood::Well, Mode::Read));
    keep_all(&case, cache);
    assert!(!case.folder.path().join("cache").exists());
    let (known, ..) = look_with(&case, sharing(&case, "one", Mood::Well, Mode::Read));
    assert_eq!(known.files, set(&[A, B]), "its own");
}

#[test]
fn a_shared_store_that_is_not_well_costs_a_note() {
    for (mood, note) in [
        (Mood::Hangs, "the shared test cache `elsewhere` is not used: it said nothing for 0.05 s"),
        (Mood::Refuses, "the shared test cache `elsewhere` is not used: 403 Forbidden"),
        (Mood::Lies, "3 entries of the test cache could not be read and will be made anew"),
    ] {
        let case = Case::new();
        let (_, _, cache) = look_with(&case, sharing(&case, "one", Mood::Well, Mode::ReadWrite));
        keep_all(&case, cache);
        let lies = Key::of_dir(&[("lies".into(), String::new())]);
        let folder = Folder::new(case.folder.path().join("cache"), None);
        folder.put(&lies, &encode(&entry::FileEntry::new(&lies))).unwrap();
        let (known, notes, cache) = look_with(&case, sharing(&case, "two", mood, Mode::ReadWrite));
        assert_eq!((known.files.len(), notes), (0, vec![note.to_owned()]), "{mood:?}");
        keep_all(&case, cache);
        let (known, ..) = look_with(&case, sharing(&case, "two", mood, Mode::ReadWrite));
        assert_eq!(known.files, set(&[A, B]), "{mood:?}: its own store is whole");
    }
}

#[test]
fn a_shared_store_that_dawdles_gets_so_much_time_in_all() {
    let case = Case::new();
    let store = Arc::new(Elsewhere { store: Folder::new(case.folder.path().join("cache"), None), mood: Mood::Dawdles });
    let own = Folder::new(case.folder.path().join("own"), None);
    let limit = std::time::Duration::from_millis(50);
    let minute = std::time::Duration::from_secs(60);
    let shared = Shared::new(own, store, Mode::Read, minute, clock).within(Limits { reading: limit, writing: minute });
    let keys: Vec<Key> = (0..1000).map(|number| Key::of_dir(&[(number.to_string(), String::new())])).collect();
    assert!(shared.fetch(&keys).is_empty());
    assert_eq!(shared.notes(), ["the shared test cache `elsewhere` is not used: all of it took longer than 0.05 s"]);
    assert!(shared.fetch(&keys).is_empty());
    assert!(shared.notes().is_empty(), "said once");
}

#[test]
fn what_is_found_wrong_is_forgotten_by_all() {
    let case = Case::new();
    let (_, _, cache) = look_with(&case, sharing(&case, "one", Mood::Well, Mode::ReadWrite));
    keep_all(&case, cache);
    let verify = |own: &str, mode: Mode| {
        let caching = Caching { purpose: Purpose::Verify, ..sharing(&case, own, Mood::Well, mode) };
        let (_, _, mut cache) = look_with(&case, caching);
        let mut verdicts = PASSED;
        verdicts[0].1 = Verdict::Failed;
        let report = report(&verdicts, Vec::new());
        let ran = BTreeMap::from([(0, Ran { report: &report, is_complete: true, is_whole: true, shard: None })]);
        assert_eq!(cache.verify(&ran, &case.learned).len(), 1);
        cache.notes()
    };
    let known_to = |own: &str| look_with(&case, sharing(&case, own, Mood::Well, Mode::Read)).0.files;
    let notes = verify("two", Mode::Read);
    assert!(
        matches!(notes.as_slice(), [note] if note.contains("still in the shared test cache `elsewhere`")),
        "{notes:?}"
    );
    assert_eq!(known_to("three"), set(&[A, B]), "it may not be written to");
    assert_eq!(verify("four", Mode::ReadWrite), [""; 0]);
    assert_eq!(known_to("five"), set(&[B]));
}

use super::arguments::{Argument, ArgumentError, ArgumentKind, Bound, bind};
use super::script::script;

fn argument(name: &str, kind: ArgumentKind) -> Argument {
    Argument {
        name: name.into(),
        kind,
        default: None,
        help: String::new(),
        choices: Vec::new(),
        required: true,
        positional: true,
        variadic: false,
    }
}

fn words(text: &str) -> Vec<String> {
    shlex::split(text).unwrap()
}

fn sample() -> Vec<Argument> {
    let jobs = Argument {
        default: Some(vec!["4".into()]),
        required: false,
        positional: false,
        ..argument("jobs", ArgumentKind::Int)
    };
    let dry = Argument { required: false, positional: false, ..argument("dry_run", ArgumentKind::Bool) };
    let files = Argument { required: false, variadic: true, ..argument("files", ArgumentKind::Path) };
    vec![argument("who", ArgumentKind::String), jobs, dry, files]
}

fn bound(text: &str) -> Result<Bound, ArgumentError> {
    bind("greet", &sample(), &words(text))
}

#[test]
fn words_are_bound_by_name_and_by_place() {
    let get = |text: &str, name: &str| bound(text).unwrap().0[name].join(",");
    assert_eq!(get("you", "who"), "you");
    assert_eq!(get("--who=you", "who"), "you");
    assert_eq!(get("you", "jobs"), "4");
    assert_eq!(get("you --jobs 7", "jobs"), "7");
    assert_eq!(get("you", "dry_run"), "false");
    assert_eq!(get("you --dry-run", "dry_run"), "true");
    assert_eq!(get("you --dry-run --no-dry-run", "dry_run"), "false");
    assert_eq!(get("you a 'b c'", "files"), "a,b c");
    assert_eq!(get("you -- --jobs", "files"), "--jobs");
    assert_eq!(get("-x", "who"), "-x");
}

#[test]
fn words_that_do_not_fit_are_refused() {
    assert!(matches!(bound(""), Err(ArgumentError::Missing { name, .. }) if name == "who"));
    assert!(matches!(bound("you --jobs many"), Err(ArgumentError::WrongType { value, .. }) if value == "many"));
    assert!(matches!(bound("you --jobs"), Err(ArgumentError::NoValue { .. })));
    assert!(matches!(bound("you --job 1"), Err(ArgumentError::Unknown { .. })));
    let one = [argument("who", ArgumentKind::String)];
    assert!(matches!(bind("x", &one, &words("a b")), Err(ArgumentError::TooMany { word, .. }) if word == "b"));
    let choice = [Argument { choices: vec!["a".into(), "b".into()], ..argument("mode", ArgumentKind::Choice) }];
    let error = bind("x", &choice, &words("c")).unwrap_err();
    assert_eq!(error.to_string(), "argument `mode` of task `x` is one of `a`, `b`, not `c`");
    assert_eq!(
        bound("").unwrap_err().hint().unwrap(),
        "it is called as `wharf task greet WHO [--jobs JOBS] [--dry-run] [FILES...]`"
    );
}

/// What a real shell makes of a command with this value in it.
fn said(command: &str, value: &str) -> String {
    let arguments = [argument("who", ArgumentKind::String)];
    let bound = bind("x", &arguments, &["--".to_owned(), value.to_owned()]).unwrap();
    let script = script(command, &arguments, &bound);
    let mut shell = wharf_process::Command::new("sh").args(["-c", &script.text]);
    for (name, value) in script.env {
        shell = shell.env(name, value);
    }
    shell.run_checked().unwrap().text()
}

#[test]
fn a_value_is_never_code() {
    for value in ["a  b", "$HOME", "`id`", "$(id)", "it's", "a\"b", "a\\b", "*", "; exit 7", "-n", "\n x", "{who}", "ü"]
    {
        let cases = [
            "printf %s {who}",
            "printf %s \"{who}\"",
            "printf %s '{who}'",
            "printf %s \"$who\"",
            "printf %s \"${who}\"",
            "printf %s \"$(printf %s {who})\"",
        ];
        for command in cases {
            assert_eq!(said(command, value), value, "{command}");
        }
    }
    assert_eq!(said("printf '%s-%s' {who}x 'a {who} b'", "1 2"), "1 2x-a 1 2 b");
    assert_eq!(said("echo {who}{other} \\{who} ${who}", "v"), "v{other} {who} v\n");
    assert_eq!(said("case {who} in a) echo one;; *) echo {who};; esac", "b c"), "b c\n");
}

mod python {
    use crate::task::tasks_py::{Found, PythonTask, read};

    fn files(files: &[(&str, &str)]) -> Found {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        read(folder.path(), folder.path()).unwrap()
    }

    fn named<'f>(found: &'f Found, name: &str) -> &'f PythonTask {
        found.tasks.iter().find(|task| task.name == name).unwrap_or_else(|| panic!("{name} in {found:#?}"))
    }

    fn names(found: &Found) -> Vec<&str> {
        found.tasks.iter().map(|task| task.name.as_str()).collect()
    }

    #[test]
    fn decorators_and_arguments_are_read() {
        let found = files(&[(
            "tasks.py",
            "from invoke import task, Collection\nimport invoke as inv\n\n\
             @task\ndef plain_one(c):\n    '''Does one.\n\n    More.\n    '''\n    c.run('make one')\n    c.run('make two', pty=True)\n\n\
             @task(plain_one, name='other', aliases=['o'], help={'where': 'A place'}, post=[plain_one])\n\
             def second(ctx, name, where='.', count=3, fast=False, items=[]):\n    ctx.run(f'echo {name}')\n\n\
             @inv.task(iterable=['many'], default=True)\ndef third(c, many=None):\n    pass\n\n\
             def helper(c):\n    pass\n",
        )]);
        assert_eq!(names(&found), ["other", "plain-one", "third"]);
        assert!(found.unread.is_empty(), "{found:?}");
        let plain = named(&found, "plain-one");
        assert_eq!((plain.help.as_str(), plain.line), ("Does one.", 5));
        assert_eq!(plain.commands.as_deref().unwrap(), ["make one", "make two"]);
        let other = named(&found, "other");
        assert_eq!(
            (other.aliases.as_slice(), other.pre.as_slice()),
            (&["o".to_owned()][..], &["plain-one".to_owned()][..])
        );
        assert_eq!(other.post, ["plain-one"]);
        assert_eq!(other.commands, None);
        let [name, place, count, fast, items] = other.arguments.as_slice() else { panic!("{other:?}") };
        assert!(name.required && name.positional && !place.positional);
        assert_eq!((place.default.as_deref().unwrap(), place.help.as_str()), (&[".".to_owned()][..], "A place"));
        assert_eq!((count.kind.word(), fast.kind.word(), items.variadic), ("int", "bool", true));
        assert!(named(&found, "third").arguments[0].variadic);
    }

    #[test]
    fn collections_and_imports_are_followed() {
        let found = files(&[
            (
                "tasks.py",
                "from invoke import Collection, task\nfrom helpers.extra import outer as renamed\nfrom helpers import docker_tools\n\
                 import helpers.deep as deep\n\n@task\ndef top(c):\n    pass\n\n@task\ndef not_added(c):\n    pass\n\n\
                 ns = Collection(top, renamed)\nns.add_collection(docker_tools)\nns.add_collection(Collection.from_module(deep), name='low_level')\n\
                 ns.add_task(not_added, name='added', default=True)\n",
            ),
            ("helpers/__init__.py", ""),
            ("helpers/extra.py", "from invoke import task\n@task\ndef outer(c):\n    pass\n"),
            ("helpers/docker_tools.py", "from invoke import task\n@task(default=True)\ndef build_all(c):\n    pass\n"),
            ("helpers/deep.py", "from .extra import *\nfrom invoke import task\n@task\ndef own(c):\n    pass\n"),
        ]);
        let expected = ["added", "docker-tools.build-all", "low-level.outer", "low-level.own", "outer", "top"];
        assert_eq!(names(&found), expected);
        assert_eq!(named(&found, "docker-tools.build-all").aliases, ["docker-tools"]);
        assert!(found.unread.is_empty(), "{found:?}");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let found = files(&[(
            "tasks.py",
            "from invoke import Collection, task\nfrom elsewhere import *\n@task\ndef a(c):\n    pass\n\nns = Collection(a, make())\nfor x in range(3):\n    ns.add_task(x)\n",
        )]);
        assert_eq!(names(&found), ["a"]);
        let lines: Vec<String> = found.unread.iter().map(ToString::to_string).collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(
            lines[0].starts_with("tasks.py:2: all of `elsewhere`")
                && lines[1].starts_with("tasks.py:7:")
                && lines[2].starts_with("tasks.py:8:")
        );
        let found = files(&[("tasks.py", "from invoke import task\n\n@task\ndef a(c)\n    pass\n")]);
        assert!(found.tasks.is_empty());
        let [unread] = found.unread.as_slice() else { panic!("{found:?}") };
        assert_eq!(unread.line, 4);
        assert!(unread.to_string().starts_with("tasks.py:4: syntax error: "), "{unread}");
    }
}

mod fresh {
    use std::time::SystemTime;

    use crate::task::fresh::Fresh;

    #[test]
    fn globs_mean_what_they_say() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a.py", "b.txt", "src/c.py", "src/deep/d.py", "src/deep/e.txt", ".git/x.py", "s*r/y.py"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let fresh = Fresh::load(folder.path(), SystemTime::now());
        let found = |globs: &[&str]| {
            let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
            let found = fresh.files(folder.path(), &globs).unwrap();
            let names = found.iter().map(|seen| seen.path.strip_prefix(folder.path()).unwrap().display().to_string());
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(found(&["*.py"]), "a.py");
        assert_eq!(found(&["src/*.py"]), "src/c.py");
        assert_eq!(found(&["src/**/*.py"]), "src/c.py src/deep/d.py");
        assert_eq!(found(&["src/**"]), "src/c.py src/deep/d.py src/deep/e.txt");
        assert_eq!(found(&["src"]), "src/c.py src/deep/d.py src/deep/e.txt");
        assert_eq!(found(&["**/*.py", "!src/deep/**"]), "a.py s*r/y.py src/c.py");
        assert_eq!(found(&["./src/*"]), "src/c.py");
        assert_eq!(found(&["src/d*p/?.txt", "b.txt"]), "b.txt src/deep/e.txt");
        assert_eq!(found(&["gone/**", "gone.txt"]), "");
    }
}

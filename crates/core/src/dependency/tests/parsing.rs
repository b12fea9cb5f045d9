//! What is found in one file.

use super::super::{How, When, parse};

fn shown(source: impl AsRef<[u8]>) -> Vec<String> {
    let shown = |import: super::super::Import<String>| {
        let name = import.name.map(|name| format!(" {name}")).unwrap_or_default();
        let mut words = import.when.words();
        words.extend((import.how != How::Statement).then_some(if import.how == How::Call { "call" } else { "plugin" }));
        let words = if words.is_empty() { String::new() } else { format!(" [{}]", words.join(", ")) };
        format!("{} {}{}{name}{words}", import.line, ".".repeat(import.level as usize), import.module)
    };
    parse(source.as_ref()).imports.into_iter().map(shown).collect()
}

#[test]
fn all_kinds_of_statements() {
    let source = "\
import a, b.c as d
from e import (f,
    g as h)
from . import i
from ...j.k import *
def function():
    import l
    class Inner:
        async def method(self):
            from .m import n
if TYPE_CHECKING:
    import o
elif x:
    import p
else:
    import q
if not typing.TYPE_CHECKING:
    import r
else:
    import s
try:
    import t
except (ImportError, KeyError):
    import u
try:
    import v
except ValueError: pass
finally:
    import w
for x in y: import z
match x:
    case 1: import aa; import bb
";
    let expected = [
        "1 a",
        "1 b.c",
        "2 e f",
        "2 e g",
        "4 . i",
        "5 ...j.k *",
        "7 l [in function]",
        "10 .m n [in function]",
        "12 o [conditional, type checking]",
        "14 p [conditional]",
        "16 q [conditional]",
        "18 r [conditional]",
        "20 s [conditional, type checking]",
        "22 t [guarded]",
        "24 u [conditional]",
        "26 v",
        "29 w",
        "30 z [conditional]",
        "32 aa [conditional]",
        "32 bb [conditional]",
    ];
    assert_eq!(shown(source), expected);
}

#[test]
fn calls_and_plugins_with_literal_names() {
    let source = "\
pytest_plugins = [\"a.b\", 'c']
pytest_plugins: str = 'd, e'
pytest_plugins += ('f',)
x = importlib.import_module('g.h')
import_module(name=\"i\")
import_module('.j', package=__package__)
import_module('..k', 'l.m.n')
import_module('...o', 'p')
import_module(computed); import_module(f'q{r}')
__import__('s')
__import__('t', fromlist=['u'], level=1)
def f(y=[pytest.importorskip('v') for _ in z]): pass
'import_module(\"w\")'  # __import__('x')
";
    let expected = [
        "1 a.b [plugin]",
        "1 c [plugin]",
        "2 d [plugin]",
        "2 e [plugin]",
        "3 f [plugin]",
        "4 g.h [call]",
        "5 i [call]",
        "6 .j [call]",
        "7 l.m.k [call]",
        "10 s [call]",
        "11 .t u [call]",
    ];
    let found = shown(source);
    assert_eq!(found[..11], expected);
    assert_eq!(found[11], "12 v [in function, call]");
    assert_eq!(found.len(), 12);
}

#[test]
fn exports_are_literal_names() {
    let exports = parse(b"__all__ = ['a', \"b\"] + c.__all__\n__all__ += ('d',)\n").exports;
    assert_eq!(exports, ["a", "b", "d"]);
}

#[test]
fn faulty_files_give_what_can_be_read() {
    let python_2 = parse(b"import a\nprint 'hello'\nexec code in scope\ntry:\n    import b\nexcept E, e:\n    raise E, 'x'\nfrom c import d\n");
    let modules: Vec<&str> = python_2.imports.iter().map(|import| import.module.as_str()).collect();
    assert_eq!(modules, ["a", "b", "c"]);
    assert_eq!(python_2.fault.map(|fault| fault.line), Some(2));
    let unclosed = parse(b"import a\nx = (1,\nimport b\n");
    assert_eq!(unclosed.imports[0].module, "a");
    assert!(unclosed.fault.is_some());
    assert_eq!(shown("\u{feff}import a\r\nimport b\rimport c"), ["1 a", "2 b", "3 c"]);
    assert_eq!(shown(b"# coding: latin-1\nx = '\xe9'\nimport a"), ["3 a"]);
    let nulls = parse(b"import a\n\0\nimport b\n");
    assert_eq!((nulls.imports.len(), nulls.fault.map(|fault| fault.line)), (2, Some(2)));
    assert!(parse(b"\xff\xfe\x00i").fault.is_some());
    assert_eq!(parse(b"").imports, []);
}

#[test]
fn deep_and_large_files_do_no_harm() {
    let deep =
        |open: &str, close: &str| format!("import a\nx = {}1{}\nimport b\n", open.repeat(5_000), close.repeat(5_000));
    let sum = format!("import a\nx = import_module('b'){}\nimport c\n", " + 'text'".repeat(20_000));
    let table: String =
        (0..60_000).map(|n| format!("    'key {n}': [{n}, \"import not.this\", ({n}, None), {n}.5],\n")).collect();
    let large = format!("import a\nDATA = {{\n{table}}}\nimport b\n");
    assert!(large.len() > 3_000_000);
    let inputs = [deep("(", ")"), deep("[", "]"), deep("-", ""), sum, large];
    let work = move || inputs.map(|input| parse(input.as_bytes()).imports.len());
    let stack = super::super::examine::STACK;
    let found = std::thread::Builder::new().stack_size(stack).spawn(work).unwrap().join().unwrap();
    assert!(found.iter().all(|count| *count >= 1), "{found:?}");
    assert_eq!(found[4], 2);
}

#[test]
fn a_file_is_read_as_far_as_imports_can_be() {
    // Names at the first column inside of brackets and texts are no end of a statement.
    for source in [
        "from a import (\nb,\nc)\nx = 1\n",
        "from a import (\nb,\nc\n)\nprint(x)\n",
        "x = '''import\nnothing\n'''\nfrom a import b, c\nclass d: pass\n",
        "from a import b, \\\nc\ny = 2\n",
        "from a import b, c",
    ] {
        let found: Vec<_> = parse(source.as_bytes()).imports.into_iter().filter_map(|import| import.name).collect();
        assert_eq!(found, ["b", "c"], "{source}");
    }
    let guarded = parse(b"try:\n    import a\nexcept ImportError:\n    a = None\nx = 1\n");
    assert_eq!(guarded.imports[0].when, When::GUARDED);
    assert_eq!(shown("importance = éimport\nreimport(x)\n"), Vec::<String>::new());
    // A fault behind all imports hides none; one before may, and is told.
    assert_eq!(parse(b"import a\nprint 'x'\n").fault, None);
    assert!(parse(b"print 'x'\nimport a\n").fault.is_some());
}

#[test]
fn when_is_a_set() {
    let both = When::IN_FUNCTION.and(When::GUARDED);
    assert!(both.is(When::GUARDED) && !both.is(When::TYPING) && !both.at_import());
    assert!(When::CONDITIONAL.at_import() && !When::TYPING.at_import());
}

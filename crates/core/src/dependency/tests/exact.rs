//! The imports found are those that Python's own `ast` finds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use wharf_testkit::{Sandbox, real_repo};

use super::super::{How, When, parse};

/// Prints the imports of every file that Python can parse: path, then per import level, module, name, line, in function, how.
const SCRIPT: &str = r"
import ast, importlib.util, json, os, sys, sysconfig, warnings
warnings.simplefilter('ignore')
root = sys.argv[1] if len(sys.argv) > 1 else sysconfig.get_paths()['stdlib']
CALLS = {'import_module', '__import__', 'importorskip'}
def text(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
def argument(call, place, name):
    if len(call.args) > place and not any(isinstance(a, ast.Starred) for a in call.args[:place + 1]):
        return call.args[place]
    return next((k.value for k in call.keywords if k.arg == name), None)
STATEMENTS = (ast.stmt, ast.excepthandler, getattr(ast, 'match_case', ast.stmt))
def walk(node, inside, out, calls):
    if isinstance(node, ast.Import):
        out.extend([0, a.name, None, node.lineno, inside, 'statement'] for a in node.names)
    elif isinstance(node, ast.ImportFrom):
        out.extend([node.level, node.module or '', a.name, node.lineno, inside, 'statement'] for a in node.names)
    elif isinstance(node, ast.Call):
        callee = getattr(node.func, 'id', getattr(node.func, 'attr', None))
        module = text(argument(node, 0, 'modname' if callee == 'importorskip' else 'name'))
        package = argument(node, 1, 'package')
        if callee in CALLS and callee == 'import_module' and (module or '').startswith('.'):
            name = module.lstrip('.')
            if getattr(package, 'id', None) in ('__package__', '__name__'):
                out.append([len(module) - len(name), name, None, node.lineno, inside, 'call'])
            elif text(package) is not None and len(module) - len(name) <= len(text(package).split('.')):
                out.append([0, importlib.util.resolve_name(module, text(package)).rstrip('.'), None, node.lineno, inside, 'call'])
        elif callee in CALLS and module is not None:
            level = argument(node, 4, 'level') if callee == '__import__' else None
            level = level.value if isinstance(level, ast.Constant) and isinstance(level.value, int) else 0
            out.append([level, module, None, node.lineno, inside, 'call'])
    inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    for child in ast.iter_child_nodes(node):
        # Without a word that makes a call an import, expressions say nothing.
        if calls or isinstance(child, STATEMENTS):
            walk(child, inside, out, calls)
sys.setrecursionlimit(20000)
result = {}
for folder, dirs, files in os.walk(root):
    dirs[:] = [d for d in dirs if d not in ('site-packages', 'dist-packages', '__pycache__', '.git', 'node_modules')]
    for file in files:
        path = os.path.join(folder, file)
        if not file.endswith('.py') or os.path.islink(path):
            continue
        with open(path, 'rb') as stream:
            source = stream.read()
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            result[path] = None
            continue
        out = []
        walk(tree, False, out, any(word.encode() in source for word in CALLS))
        result[path] = out
json.dump(result, sys.stdout)
";

type Found = BTreeSet<(u64, String, Option<String>, u64, bool, String)>;

fn of_ast(imports: &Value) -> Found {
    let imports = imports.as_array().unwrap().iter();
    let one = |import: &Value| {
        let text = |place: usize| import[place].as_str().map(str::to_owned);
        let (level, line) = (import[0].as_u64().unwrap(), import[3].as_u64().unwrap());
        (level, text(1).unwrap(), text(2), line, import[4].as_bool().unwrap(), text(5).unwrap())
    };
    imports.map(one).collect()
}

fn of_wharf(path: &str) -> (Found, bool) {
    let file = parse(&std::fs::read(path).unwrap());
    let one = |import: &super::super::Import<String>| {
        let is_call = import.how == How::Call;
        // The script says what is called, not which names are taken.
        let name = import.name.clone().filter(|_| !is_call);
        let inside = import.when.is(When::IN_FUNCTION);
        let how = if is_call { "call" } else { "statement" };
        (u64::from(import.level), import.module.clone(), name, u64::from(import.line), inside, how.to_owned())
    };
    let imports = file.imports.iter().filter(|import| import.how != How::Plugin);
    (imports.map(one).collect(), file.fault.is_some())
}

/// Compares all files below a folder; the standard library without one. Gives numbers of files and imports.
fn compare(sandbox: &Sandbox, root: Option<&Path>) -> (usize, usize) {
    let output = sandbox.command("python3").args(["-c", SCRIPT]).args(root).run();
    output.assert_code(0);
    let found: BTreeMap<String, Value> = serde_json::from_str(&output.stdout).unwrap();
    let mut count = 0;
    for (path, imports) in &found {
        let (mine, faulty) = of_wharf(path);
        if imports.is_null() {
            continue;
        }
        let theirs = of_ast(imports);
        assert_eq!(mine, theirs, "{path}");
        assert!(!faulty, "{path}");
        count += theirs.len();
    }
    (found.len(), count)
}

#[test]
fn the_standard_library_is_read_as_ast_reads_it() {
    let (files, imports) = compare(&Sandbox::new(), None);
    assert!(files > 400 && imports > 3_000, "{files} files, {imports} imports");
}

#[test]
fn the_real_repo_is_read_as_ast_reads_it() {
    let sandbox = Sandbox::new();
    let (repo, _) = real_repo(&sandbox);
    let (files, imports) = compare(&sandbox, Some(repo.path()));
    assert!(files > 150 && imports > 1_000, "{files} files, {imports} imports");
}

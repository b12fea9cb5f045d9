//! What names mean in a module, followed through the imports of files in the repo.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Unread;
use super::python::{Call, Function, Item, Value, parse};

/// A module that was read, by its place in the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ModuleId(usize);

/// A collection, by its place in the scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CollectionId(usize);

/// What a name means.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Meaning {
    /// A task.
    Task(Box<TaskDef>),
    /// A module of the repo.
    Module(ModuleId),
    /// A collection of tasks.
    Collection(CollectionId),
    /// Something of invoke itself: `task`, `Collection`, `invoke`.
    Invoke(&'static str),
    /// Something else.
    Other,
}

/// A function that is a task.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TaskDef {
    pub(super) function: Function,
    /// The call of the decorator, where it is one.
    pub(super) decorator: Option<Call>,
    pub(super) file: PathBuf,
    pub(super) module: ModuleId,
}

/// One `add_task`, in whatever form.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) meaning: Meaning,
    pub(super) name: Option<String>,
    pub(super) aliases: Vec<String>,
    pub(super) is_default: Option<bool>,
}

/// A `Collection`.
#[derive(Debug, Clone, Default)]
pub(super) struct Collection {
    pub(super) name: Option<String>,
    pub(super) members: Vec<Member>,
}

#[derive(Debug, Default)]
struct Module {
    file: PathBuf,
    /// The folder that relative imports start from.
    package: PathBuf,
    names: BTreeMap<String, Meaning>,
    /// In the order in which they were given: `from_module` goes by it.
    order: Vec<String>,
}

/// All that was read.
#[derive(Debug)]
pub(super) struct Scope<'a> {
    root: &'a Path,
    folder: &'a Path,
    modules: Vec<Module>,
    by_file: BTreeMap<PathBuf, ModuleId>,
    collections: Vec<Collection>,
    unread: Vec<Unread>,
    /// Whether tasks keep the `_` of their names.
    pub(super) keeps_names: bool,
}

impl<'a> Scope<'a> {
    pub(super) fn new(root: &'a Path, folder: &'a Path) -> Self {
        Self {
            root,
            folder,
            modules: Vec::new(),
            by_file: BTreeMap::new(),
            collections: Vec::new(),
            unread: Vec::new(),
            keeps_names: false,
        }
    }

    pub(super) fn into_unread(self) -> Vec<Unread> {
        self.unread
    }

    pub(super) fn get(&self, module: ModuleId, name: &str) -> Option<&Meaning> {
        self.modules[module.0].names.get(name)
    }

    /// All that a module names, in the order of the source.
    pub(super) fn all(&self, module: ModuleId) -> Vec<(String, Meaning)> {
        let module = &self.modules[module.0];
        module.order.iter().filter_map(|name| Some((name.clone(), module.names.get(name)?.clone()))).collect()
    }

    pub(super) fn collection(&self, id: CollectionId) -> &Collection {
        &self.collections[id.0]
    }

    pub(super) fn module_name(&self, module: ModuleId) -> String {
        let file = &self.modules[module.0].file;
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if stem != "__init__" {
            return stem;
        }
        let folder = file.parent().and_then(Path::file_name);
        folder.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// A file, from the super-repo's root.
    pub(super) fn shown(&self, file: &Path) -> PathBuf {
        file.strip_prefix(self.root).unwrap_or(file).to_path_buf()
    }

    /// Notes what cannot be read, once for each line.
    pub(super) fn note(&mut self, module: ModuleId, line: usize, why: impl Into<String>) {
        let file = self.shown(&self.modules[module.0].file);
        if !self.unread.iter().any(|known| known.file == file && known.line == line) {
            self.unread.push(Unread { file, line, why: why.into() });
        }
    }

    /// Reads a module, once.
    pub(super) fn module(&mut self, file: &Path) -> ModuleId {
        if let Some(known) = self.by_file.get(file) {
            return *known;
        }
        let id = ModuleId(self.modules.len());
        let package = file.parent().unwrap_or(self.root).to_path_buf();
        self.modules.push(Module { file: file.to_path_buf(), package, ..Module::default() });
        // Before it is read: modules that import each other end.
        self.by_file.insert(file.to_path_buf(), id);
        let source = match std::fs::read_to_string(file) {
            Ok(source) => source,
            Err(error) => {
                self.note(id, 1, format!("it cannot be read: {error}"));
                return id;
            }
        };
        match parse(&source) {
            Ok(items) => items.into_iter().for_each(|item| self.item(id, item)),
            Err((line, why)) => self.note(id, line, format!("syntax error: {why}")),
        }
        id
    }

    fn set(&mut self, module: ModuleId, name: String, meaning: Meaning) {
        let module = &mut self.modules[module.0];
        if module.names.insert(name.clone(), meaning).is_none() {
            module.order.push(name);
        }
    }

    fn item(&mut self, module: ModuleId, item: Item) {
        match item {
            Item::Function(function) => self.function(module, *function),
            Item::Import { name, module: target, attribute, level, .. } => {
                let meaning = self.imported(module, &target, attribute.as_deref(), level);
                self.set(module, name, meaning);
            }
            Item::Star { module: target, level, line } => match self.find(module, &target, level) {
                Some(found) => {
                    let names = self.all(found).into_iter().filter(|(name, _)| !name.starts_with('_'));
                    names.for_each(|(name, meaning)| self.set(module, name, meaning));
                }
                None if target == "invoke" => {
                    for name in ["task", "Collection"] {
                        self.set(module, name.to_owned(), Meaning::Invoke(name));
                    }
                }
                None => self.note(module, line, format!("all of `{target}` is imported, which is not in the repo")),
            },
            Item::Assign { name, value, line } => {
                let meaning = self.meaning(module, &value, line);
                self.set(module, name, meaning);
            }
            Item::Call { value, line } => self.call(module, &value, line),
            Item::Unclear { line, mentions } if !mentions.is_empty() => {
                self.note(module, line, "tasks are made in a loop or a `with`");
            }
            Item::Unclear { .. } => {}
        }
    }

    fn function(&mut self, module: ModuleId, function: Function) {
        let mut decorator = None;
        for value in &function.decorators {
            let (called, call) = match value {
                Value::Call(call) => (&call.function, Some((**call).clone())),
                plain => (plain, None),
            };
            if self.resolve(module, called) == Some(Meaning::Invoke("task")) {
                decorator = Some(call);
            }
        }
        let name = function.name.clone();
        let file = self.modules[module.0].file.clone();
        let meaning = match decorator {
            Some(decorator) => Meaning::Task(Box::new(TaskDef { function, decorator, file, module })),
            None => Meaning::Other,
        };
        self.set(module, name, meaning);
    }

    fn imported(&mut self, from: ModuleId, target: &str, attribute: Option<&str>, level: u32) -> Meaning {
        if level == 0 && (target == "invoke" || target.starts_with("invoke.")) {
            return match attribute {
                Some("task") => Meaning::Invoke("task"),
                Some("Collection") => Meaning::Invoke("Collection"),
                None => Meaning::Invoke("invoke"),
                Some(_) => Meaning::Other,
            };
        }
        let found = self.find(from, target, level);
        let Some(attribute) = attribute else { return found.map_or(Meaning::Other, Meaning::Module) };
        if let Some(meaning) = found.and_then(|module| self.get(module, attribute)).cloned() {
            return meaning;
        }
        let below = if target.is_empty() { attribute.to_owned() } else { format!("{target}.{attribute}") };
        self.find(from, &below, level).map_or(Meaning::Other, Meaning::Module)
    }

    /// The module of the repo that an import means.
    fn find(&mut self, from: ModuleId, target: &str, level: u32) -> Option<ModuleId> {
        let bases: Vec<PathBuf> = if level == 0 {
            // invoke puts the folder of `tasks.py` on the path; setups put the root there.
            vec![self.folder.to_path_buf(), self.root.to_path_buf()]
        } else {
            let package = &self.modules[from.0].package;
            vec![package.ancestors().nth(level as usize - 1)?.to_path_buf()]
        };
        let parts: Vec<&str> = target.split('.').filter(|part| !part.is_empty()).collect();
        let file = bases.into_iter().find_map(|base| {
            let path = parts.iter().fold(base, |path, part| path.join(part));
            let file = path.with_extension("py");
            [path.join("__init__.py"), file].into_iter().find(|file| file.is_file())
        })?;
        Some(self.module(&file))
    }

    /// What a plain name or `a.b` means.
    pub(super) fn resolve(&mut self, module: ModuleId, value: &Value) -> Option<Meaning> {
        match value {
            Value::Name(name) => self.get(module, name).cloned(),
            Value::Attribute(value, name) => match self.resolve(module, value)? {
                Meaning::Module(inner) => {
                    let known = self.get(inner, name).cloned();
                    known.or_else(|| {
                        let file = self.modules[inner.0].file.clone();
                        let folder = file.parent()?.join(name);
                        let is_package = file.file_name().is_some_and(|name| name == "__init__.py");
                        let found = [folder.join("__init__.py"), folder.with_extension("py")];
                        let found = found.into_iter().find(|file| is_package && file.is_file())?;
                        Some(Meaning::Module(self.module(&found)))
                    })
                }
                Meaning::Invoke("invoke") if name == "task" => Some(Meaning::Invoke("task")),
                Meaning::Invoke("invoke") if name == "Collection" => Some(Meaning::Invoke("Collection")),
                _ => None,
            },
            _ => None,
        }
    }

    /// What an expression means, collections and `task(function)` made.
    fn meaning(&mut self, module: ModuleId, value: &Value, line: usize) -> Meaning {
        if let Some(meaning) = self.resolve(module, value) {
            return meaning;
        }
        let Value::Call(call) = value else { return Meaning::Other };
        if self.resolve(module, &call.function) == Some(Meaning::Invoke("Collection")) {
            return self.new_collection(module, call, line);
        }
        if let Value::Attribute(of, name) = &call.function
            && name == "from_module"
            && self.resolve(module, of) == Some(Meaning::Invoke("Collection"))
        {
            return self.called_module(module, call, line);
        }
        Meaning::Other
    }

    fn new_collection(&mut self, module: ModuleId, call: &Call, line: usize) -> Meaning {
        let mut collection = Collection::default();
        for (index, argument) in call.arguments.iter().enumerate() {
            match argument {
                Value::Text(name) if index == 0 => collection.name = Some(name.clone()),
                other => {
                    let meaning = self.meaning(module, other, line);
                    self.check(module, &meaning, line);
                    collection.members.push(Member { meaning, name: None, aliases: Vec::new(), is_default: None });
                }
            }
        }
        let settings = ["loaded_from", "auto_dash_names"];
        for (name, value) in call.named.iter().filter(|(name, _)| !settings.contains(&name.as_str())) {
            let meaning = self.meaning(module, value, line);
            self.check(module, &meaning, line);
            let name = Some(name.clone());
            collection.members.push(Member { meaning, name, aliases: Vec::new(), is_default: None });
        }
        self.collections.push(collection);
        Meaning::Collection(CollectionId(self.collections.len() - 1))
    }

    fn check(&mut self, module: ModuleId, meaning: &Meaning, line: usize) {
        if *meaning == Meaning::Other {
            self.note(module, line, "a collection takes something that cannot be followed");
        }
    }

    fn called_module(&mut self, module: ModuleId, call: &Call, line: usize) -> Meaning {
        let target = call.arguments.first().and_then(|value| self.resolve(module, value));
        let Some(Meaning::Module(target)) = target else {
            self.note(module, line, "`from_module` takes a module that is not in the repo");
            return Meaning::Other;
        };
        let name = call.named("name").or(call.arguments.get(1)).and_then(Value::as_text).map(str::to_owned);
        let id = self.of_module(target, name);
        Meaning::Collection(id)
    }

    /// The collection of a module: its own `ns`, else all of its tasks.
    pub(super) fn of_module(&mut self, module: ModuleId, name: Option<String>) -> CollectionId {
        let own = ["ns", "namespace"].into_iter().find_map(|own| match self.get(module, own) {
            Some(Meaning::Collection(id)) => Some(*id),
            _ => None,
        });
        let members = match own {
            Some(id) => self.collections[id.0].members.clone(),
            None => {
                let tasks = self.all(module).into_iter().filter(|(_, meaning)| matches!(meaning, Meaning::Task(_)));
                let member = |(_, meaning)| Member { meaning, name: None, aliases: Vec::new(), is_default: None };
                tasks.map(member).collect()
            }
        };
        let own_name = own.and_then(|id| self.collections[id.0].name.clone());
        let name = name.or(own_name).or_else(|| Some(self.module_name(module)));
        self.collections.push(Collection { name, members });
        CollectionId(self.collections.len() - 1)
    }

    fn call(&mut self, module: ModuleId, value: &Value, line: usize) {
        let Value::Call(call) = value else { return };
        let Value::Attribute(of, method) = &call.function else { return };
        let Some(Meaning::Collection(id)) = self.resolve(module, of) else { return };
        if method != "add_task" && method != "add_collection" {
            return;
        }
        let argument = call.arguments.first().or_else(|| call.named("task")).or_else(|| call.named("coll"));
        let Some(argument) = argument else { return };
        let mut meaning = self.meaning(module, argument, line);
        if let Meaning::Module(inner) = meaning {
            meaning = Meaning::Collection(self.of_module(inner, None));
        }
        self.check(module, &meaning, line);
        let name = call.named("name").or(call.arguments.get(1)).and_then(Value::as_text).map(str::to_owned);
        let is_default = match call.named("default") {
            Some(Value::Bool(is_default)) => Some(*is_default),
            _ => None,
        };
        let aliases = call.named("aliases").map(Value::texts).unwrap_or_default();
        self.collections[id.0].members.push(Member { meaning, name, aliases, is_default });
    }
}

//! Joins the modules of a page into one file, because on a slow tablet the number of requests dominates the first load. Each
//! module becomes a function that returns an object with its exports, and an import becomes a constant that reads that
//! object. So modules must not import each other in a cycle, and an exported variable must not change.

use std::collections::BTreeMap;

use super::comments;

/// Modules by their paths.
type Sources = BTreeMap<String, String>;

/// The module `entry` with everything that it imports.
pub(super) fn bundle(entry: &str, sources: &Sources) -> String {
    let mut modules = Vec::new();
    collect(entry, sources, &mut modules);
    let text = |Module { path, body, exports, .. }: &Module| {
        if path == entry {
            // At the top level, where it can await.
            return body.clone();
        }
        format!("const {} = (() => {{\n{body}return {{ {} }};\n}})();\n", name(path), exports.join(", "))
    };
    modules.iter().map(text).collect()
}

/// Adds a module after those that it imports.
fn collect(path: &str, sources: &Sources, modules: &mut Vec<Module>) {
    if modules.iter().any(|module| module.path == path) {
        return;
    }
    let Some(source) = sources.get(path) else { return };
    let module = Module::read(path, &comments::strip(source));
    for import in &module.imports {
        collect(import, sources, modules);
    }
    modules.push(module);
}

/// A module whose imports and exports are replaced.
struct Module {
    path: String,
    imports: Vec<String>,
    body: String,
    /// The properties of the object that the function returns.
    exports: Vec<String>,
}

impl Module {
    fn read(path: &str, source: &str) -> Self {
        let mut module = Self { path: path.to_owned(), imports: Vec::new(), body: String::new(), exports: Vec::new() };
        let mut rest = source;
        while let Some((before, keyword, after)) = next_statement(rest) {
            module.body.push_str(before);
            rest = if keyword == "import" { module.import(after) } else { module.export(after.trim_start()) };
        }
        module.body.push_str(rest);
        module
    }

    /// `{ a, b as c } from './d.js'`, `* as a from './b.js'`, `a from './b.js'` or `'./a.js'`; returns what follows.
    fn import<'a>(&mut self, statement: &'a str) -> &'a str {
        let (clause, from, rest) = split_at_specifier(statement);
        let module = self.require(from);
        let clause = clause.trim().trim_end_matches("from").trim();
        let constant = if let Some(all) = clause.strip_prefix("* as ") {
            format!("const {all} = {module}")
        } else if clause.starts_with('{') {
            format!("const {} = {module}", clause.replace(" as ", ": "))
        } else if clause.is_empty() {
            String::new()
        } else {
            format!("const {clause} = {module}.default")
        };
        self.body.push_str(&constant);
        rest
    }

    /// `{ a, b as c }`, `{ a } from './b.js'`, `default …` or a declaration; returns what follows.
    fn export<'a>(&mut self, statement: &'a str) -> &'a str {
        if let Some(value) = statement.strip_prefix("default ") {
            self.exports.push("default: $default".to_owned());
            self.body.push_str("const $default = ");
            return value;
        }
        let Some((list, rest)) = statement.strip_prefix('{').and_then(|list| list.split_once('}')) else {
            self.exports.push(declared(statement).to_owned());
            return statement;
        };
        let (module, rest) = match rest.trim_start().strip_prefix("from") {
            Some(specifier) => {
                let (_, from, rest) = split_at_specifier(specifier);
                (format!("{}.", self.require(from)), rest)
            }
            None => (String::new(), rest),
        };
        for item in list.split(',').map(str::trim) {
            let (own, exported) = item.split_once(" as ").unwrap_or((item, item));
            self.exports.push(format!("{exported}: {module}{own}"));
        }
        rest
    }

    /// The name of an imported module.
    fn require(&mut self, specifier: &str) -> String {
        let path = resolve(&self.path, specifier);
        let name = name(&path);
        self.imports.push(path);
        name
    }
}

/// The next `import` or `export` that is a statement, with what is before and after it.
fn next_statement(text: &str) -> Option<(&str, &str, &str)> {
    let is_statement = |at: &usize| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        let after = text.get(at + "import".len()..).and_then(|after| after.chars().next());
        matches!(before, None | Some('\n' | ';' | '}')) && matches!(after, Some(' ' | '{'))
    };
    let first = |keyword| text.match_indices(keyword).map(|(at, _)| at).find(is_statement);
    let at = ["import", "export"].into_iter().filter_map(first).min()?;
    let (before, statement) = text.split_at(at);
    let (keyword, after) = statement.split_at("import".len());
    Some((before, keyword, after))
}

/// Splits a statement into the text before its quoted path, the path, and the text after it.
fn split_at_specifier(statement: &str) -> (&str, &str, &str) {
    let mut parts = statement.splitn(3, ['\'', '"']);
    let mut next = || parts.next().unwrap_or_default();
    (next(), next(), next())
}

/// The name that a declaration gives, or the names of a pattern.
fn declared(declaration: &str) -> &str {
    let mut rest = declaration;
    for keyword in ["async ", "function ", "class ", "const "] {
        rest = rest.strip_prefix(keyword).unwrap_or(rest);
    }
    match rest.strip_prefix("{ ").and_then(|pattern| pattern.split_once(" }")) {
        Some((names, _)) => names,
        None => rest.split(|next: char| !next.is_alphanumeric() && next != '_').next().unwrap_or_default(),
    }
}

/// The constant that has what the module at `path` exports.
fn name(path: &str) -> String {
    let part = |next: char| if next.is_alphanumeric() { next } else { '_' };
    format!("${}", path.chars().map(part).collect::<String>())
}

/// The path that a relative `specifier` in the module `from` means.
fn resolve(from: &str, specifier: &str) -> String {
    let mut path: Vec<&str> = from.split('/').collect();
    path.pop();
    for part in specifier.split('/') {
        match part {
            "." => {}
            ".." => {
                path.pop();
            }
            name => path.push(name),
        }
    }
    path.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_module_becomes_a_function_after_those_that_it_imports() {
        let sources = BTreeMap::from(
            [
                (
                    "guest/main.js",
                    "// The page.\nimport { a, e as b } from '../lib/a.js';\nimport * as all from './state/all.js';\n\
                     await all.start(a, b);\n",
                ),
                (
                    "guest/state/all.js",
                    "import '../../lib/a.js';\nexport async function start() {}\nexport const { c, d } = start();\n",
                ),
                (
                    "lib/a.js",
                    "import h from '../vendor/h.mjs';\nexport { e } from '../vendor/e.mjs';\nexport const a = h('import ');\n",
                ),
                ("vendor/e.mjs", "import{default as t}from\"./h.mjs\";var n=t;export{n as e};\n"),
                ("vendor/h.mjs", "var s;export default function(t){}"),
            ]
            .map(|(path, source)| (path.to_owned(), source.to_owned())),
        );
        let expected = "\
const $vendor_h_mjs = (() => {
var s;const $default = function(t){}
return { default: $default };
})();
const $vendor_e_mjs = (() => {
const {default: t} = $vendor_h_mjs;var n=t;;
return { e: n };
})();
const $lib_a_js = (() => {
const h = $vendor_h_mjs.default;
;
const a = h('import ');
return { e: $vendor_e_mjs.e, a };
})();
const $guest_state_all_js = (() => {
;
async function start() {}
const { c, d } = start();
return { start, c, d };
})();
const { a, e: b } = $lib_a_js;
const all = $guest_state_all_js;
await all.start(a, b);
";
        assert_eq!(bundle("guest/main.js", &sources), expected);
    }
}

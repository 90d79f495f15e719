//! Whether an expression can be read at all, told when the configuration is loaded.

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, data};
use jaq_json::Val;

use super::LONGEST;

/// A compiled expression.
pub(super) type Filter = jaq_core::Filter<data::JustLut<Val>>;

/// Reading nests as deep as the expression does; enough for [`LONGEST`] characters of brackets.
const STACK: usize = 64 * 1024 * 1024;

/// Definitions that are left out: they reach outside the answer (environment, clock, log) or end the
/// process.
const LEFT_OUT: [&str; 12] = [
    "env",
    "now",
    "debug",
    "stderr",
    "debug_empty",
    "stderr_empty",
    "halt",
    "halt_error",
    "localtime",
    "strflocaltime",
    "input",
    "inputs",
];

/// That `code` is an expression which this program knows how to apply.
///
/// # Errors
/// What is wrong, in words.
pub fn check(code: &str) -> Result<(), String> {
    if code.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    if code.chars().count() > LONGEST {
        return Err(format!("it is longer than {LONGEST} characters"));
    }
    let code = code.to_owned();
    // Deep brackets need stack: on a thread that has some, and whose end is not ours.
    let thread = std::thread::Builder::new().stack_size(STACK);
    let read = thread.spawn(move || compile(&code).map(drop)).map_err(|e| e.to_string())?;
    read.join().unwrap_or_else(|_| Err("it cannot be read".to_owned()))
}

/// The compiled expression.
pub(super) fn compile(code: &str) -> Result<Filter, String> {
    let known = |name: &str| !LEFT_OUT.contains(&name);
    let defs = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let funs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let arena = Arena::default();
    let loader = Loader::new(defs.filter(|def| known(def.name)));
    let modules = loader
        .load(&arena, File { code, path: () })
        .map_err(|errors| told(errors.iter().map(|(_, e)| load_error(code, e))))?;
    Compiler::default().with_funs(funs.filter(|(name, ..)| known(name))).compile(modules).map_err(
        |errors| {
            let each = errors.iter().flat_map(|(_, errors)| errors.iter());
            told(each.map(|(name, what)| format!("there is no {} `{name}`", what.as_str())))
        },
    )
}

fn told(mut each: impl Iterator<Item = String>) -> String {
    each.next().unwrap_or_else(|| "it cannot be read".to_owned())
}

fn load_error(code: &str, error: &jaq_core::load::Error<&str>) -> String {
    use jaq_core::load::Error;
    match error {
        Error::Io(_) => "modules cannot be loaded".to_owned(),
        Error::Lex(errors) => told(errors.iter().map(|(expected, found)| {
            format!("{} is expected at `{}`", expected.as_str(), from(code, found))
        })),
        Error::Parse(errors) => told(errors.iter().map(|(expected, found)| {
            format!("{} is expected at `{}`", expected.as_str(), from(code, found))
        })),
    }
}

/// A few characters from where reading stopped.
fn from(code: &str, found: &str) -> String {
    let rest: String = found.chars().take(12).collect();
    if rest.is_empty() || code.is_empty() { "its end".to_owned() } else { rest }
}

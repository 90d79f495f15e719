//! `caretaker completions` and `caretaker man`.

use std::path::Path;

use crate::app::failed::Failed;
use crate::cli::args::{CompletionsArgs, ManArgs};
use crate::cli::{self, Code, teach};

/// Prints a completion script.
pub fn completions(args: &CompletionsArgs) -> u8 {
    cli::say_raw(&String::from_utf8_lossy(&teach::completions(args.shell)));
    Code::Done as u8
}

/// Prints the program's page, or writes a page for each command into a folder.
///
/// # Errors
/// When the folder is not there or cannot be written.
pub fn man(args: &ManArgs) -> Result<u8, Failed> {
    let Some(folder) = &args.folder else {
        let page = teach::man_page().map_err(Failed::software)?;
        cli::say_raw(&String::from_utf8_lossy(&page));
        return Ok(Code::Done as u8);
    };
    if !folder.is_dir() {
        let text = format!("{}: is no folder; make it first, or name another", folder.display());
        return Err(Failed { code: Code::Usage, text });
    }
    let pages = teach::man_pages().map_err(Failed::software)?;
    for (name, page) in &pages {
        write(&folder.join(name), page)?;
    }
    cli::say(&format!("{} pages in {}", pages.len(), folder.display()));
    Ok(Code::Done as u8)
}

fn write(path: &Path, page: &[u8]) -> Result<(), Failed> {
    std::fs::write(path, page).map_err(|error| {
        let place = path.display();
        Failed::software(format!("{place}: {error}; name a folder that you may write to"))
    })
}

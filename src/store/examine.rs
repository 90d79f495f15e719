//! A look at a database beside whoever writes it: nothing is changed.

use std::path::Path;

use crate::ports::store::StoreError;
use crate::store::schema;

/// What a database is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// The format that it was written in.
    pub format: u32,
    /// The newest format of the board's file that this program knows.
    pub known: u32,
    /// What SQLite finds wrong with it; none if it is sound.
    pub damage: Option<String>,
}

/// Examines the database at `path`. Blocking; reads all of it.
///
/// # Errors
/// When it cannot be opened or read.
pub fn examine(path: &Path) -> Result<Examined, StoreError> {
    let failed = |e: rusqlite::Error| schema::failed(path, &e);
    let db = schema::open_reader(path).map_err(failed)?;
    let format = db.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    let said: String =
        db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    let known = schema::newest();
    Ok(Examined { format, known, damage: (said != "ok").then_some(said) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::store::Store;
    use crate::store::SqliteStore;

    #[test]
    fn a_sound_file_is_examined_while_it_is_written_and_a_damaged_one_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("board.db");
        let store = SqliteStore::open(&path).unwrap();
        let sound = examine(&path).unwrap();
        assert_eq!((sound.format, sound.damage), (sound.known, None));
        store.flush().unwrap();
        drop(store);
        let mut bytes = std::fs::read(&path).unwrap();
        for byte in bytes.iter_mut().skip(4_096).step_by(7) {
            *byte ^= 0x5a;
        }
        std::fs::write(&path, bytes).unwrap();
        match examine(&path) {
            Ok(seen) => assert!(seen.damage.is_some(), "{seen:?}"),
            Err(StoreError::Unusable { why, .. }) => assert!(why.contains("damaged"), "{why}"),
            Err(other) => panic!("{other:?}"),
        }
        std::fs::write(&path, "no database at all, only text that is long enough to be one")
            .unwrap();
        assert!(examine(&path).is_err());
        assert!(examine(&dir.path().join("none.db")).is_err());
    }
}

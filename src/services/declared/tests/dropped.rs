//! Dropped files: what is read, what waits, what is refused.

use std::path::PathBuf;

use super::dropping::Drop;
use super::stage::now;
use crate::model::observation::Zone;
use crate::model::span::Span;
use crate::services::declared::dropped::{DropError, DropSettings, Folder, decode};

fn folder(drop: &Drop) -> Folder {
    let settings = DropSettings {
        folder: PathBuf::from("."),
        pattern: None,
        settle: Span::from_secs(10),
        max_bytes: 100,
    };
    Folder::new(drop.path(), &settings, "list-*.CSV")
}

#[tokio::test]
async fn the_newest_by_the_time_in_its_name_wins_else_by_when_it_changed() {
    let drop = Drop::new();
    drop.file("list-20270201T0700Z.csv", "old\n", "2027-02-02T09:00:00Z");
    drop.file("List-20270202T0700Z.csv", "new\n", "2027-02-02T08:00:00Z");
    drop.file("other-20270202T0900Z.csv", "not ours\n", "2027-02-02T09:00:00Z");
    let found = folder(&drop).newest(now()).await.unwrap();
    assert_eq!((found.text.as_str(), found.zone), ("new\n", Zone::Given));
    assert_eq!(found.at.to_string(), "2027-02-02T07:00:00Z");
    drop.file("list-undated.csv", "later\n", "2027-02-02T09:30:00Z");
    let found = folder(&drop).newest(now()).await.unwrap();
    assert_eq!((found.text.as_str(), found.zone), ("later\n", Zone::Ours));
    assert_eq!(found.at.to_string(), "2027-02-02T09:30:00Z");
}

#[tokio::test]
async fn a_file_that_is_still_being_written_gives_way_to_the_one_before() {
    let drop = Drop::new();
    drop.file("list-20270201T0700Z.csv", "whole\n", "2027-02-01T07:00:00Z");
    for (content, changed) in
        [("young\n", "2027-02-02T10:39:55Z"), ("no end", "2027-02-02T10:00:00Z")]
    {
        drop.file("list-20270202T1000Z.csv", content, changed);
        let found = folder(&drop).newest(now()).await.unwrap();
        assert_eq!(found.text, "whole\n");
        assert_eq!(found.waiting.unwrap().as_str(), "list-20270202T1000Z.csv");
    }
    drop.remove("list-20270201T0700Z.csv");
    let error = folder(&drop).newest(now()).await.unwrap_err();
    assert!(matches!(error, DropError::HalfWritten { .. }), "{error}");
}

#[tokio::test]
async fn a_file_that_is_written_over_counts_as_it_last_was() {
    let drop = Drop::new();
    let folder = folder(&drop);
    drop.file("list-a.csv", "whole\n", "2027-02-02T10:00:00Z");
    folder.newest(now()).await.unwrap();
    drop.file("list-a.csv", "half", "2027-02-02T10:39:59Z");
    let found = folder.newest(now()).await.unwrap();
    assert_eq!(
        (found.text.as_str(), found.at.to_string().as_str()),
        ("whole\n", "2027-02-02T10:00:00Z")
    );
    assert!(found.waiting.is_some());
}

#[tokio::test]
async fn links_pipes_and_folders_are_refused() {
    let drop = Drop::new();
    let secret = drop.file("secret.txt", "not for reading\n", "2027-02-02T09:00:00Z");
    std::os::unix::fs::symlink(&secret, drop.path().join("list-link.csv")).unwrap();
    std::fs::create_dir(drop.path().join("list-folder.csv")).unwrap();
    let pipe = drop.path().join("list-pipe.csv");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let error = folder(&drop).newest(now()).await.unwrap_err();
    assert!(matches!(error, DropError::Nothing { refused: 3, .. }), "{error}");
    // A link that appears between listing and reading is refused by the opening itself.
    drop.file("list-real.csv", "real\n", "2027-02-02T09:00:00Z");
    let folder = folder(&drop);
    let listing = folder.list(now()).await.unwrap();
    drop.remove("list-real.csv");
    std::os::unix::fs::symlink(&secret, drop.path().join("list-real.csv")).unwrap();
    let error = folder.read(&listing.entries[0]).await.unwrap_err();
    assert!(matches!(error, DropError::Unreadable { .. }), "{error}");
    // So is a pipe, without waiting for its other end.
    drop.remove("list-real.csv");
    std::fs::rename(&pipe, drop.path().join("list-real.csv")).unwrap();
    let error = folder.read(&listing.entries[0]).await.unwrap_err();
    assert!(matches!(error, DropError::Unreadable { .. }), "{error}");
}

#[tokio::test]
async fn the_size_is_limited_and_a_missing_folder_is_named() {
    let drop = Drop::new();
    drop.file("list-20270201T0700Z.csv", "small\n", "2027-02-01T07:00:00Z");
    drop.file("list-20270202T0700Z.csv", "x".repeat(101), "2027-02-02T07:00:00Z");
    let error = folder(&drop).newest(now()).await.unwrap_err();
    assert!(matches!(error, DropError::TooLarge { limit: 100, .. }), "{error}");
    drop.file("list-20270202T0700Z.csv", "y".repeat(99) + "\n", "2027-02-02T07:00:00Z");
    assert_eq!(folder(&drop).newest(now()).await.unwrap().text.len(), 100);
    let gone = Folder::of_file(drop.path(), &PathBuf::from("nowhere/list-a.csv"));
    let error = gone.newest(now()).await.unwrap_err();
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn text_is_decoded_from_what_windows_writes() {
    let utf16 = |bom: bool, big: bool| {
        let units = "Zoë\r\n".encode_utf16().chain([]);
        let bom = bom.then_some(0xFEFF_u16);
        let bytes = |u: u16| if big { u.to_be_bytes() } else { u.to_le_bytes() };
        bom.into_iter().chain(units).flat_map(bytes).collect::<Vec<u8>>()
    };
    for bytes in [
        "Zoë\r\n".as_bytes().to_vec(),
        b"\xEF\xBB\xBFZo\xC3\xAB\r\n".to_vec(),
        b"Zo\xEB\r\n".to_vec(),
        utf16(true, false),
        utf16(true, true),
        utf16(false, false),
        utf16(false, true),
    ] {
        assert_eq!(decode(&bytes).as_deref(), Some("Zoë\r\n"), "{bytes:?}");
    }
    assert_eq!(decode(b"a\0b\n"), None, "a null is not text");
    assert_eq!(decode(b"\xFF\xFEa\0b"), None, "half a unit is not text");
}

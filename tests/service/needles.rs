//! Finds canaries in bytes, in whatever form they were written.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// What is looked for: every form of every canary, by its first four bytes.
pub struct Needles(HashMap<[u8; 4], Vec<(String, Vec<u8>)>>);

/// The forms in which a value could have been written.
fn forms(value: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = value.as_bytes();
    let hex = |upper: bool| {
        let digit = |b: &u8| if upper { format!("{b:02X}") } else { format!("{b:02x}") };
        bytes.iter().map(digit).collect::<String>().into_bytes()
    };
    let utf16: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let url: String = url::form_urlencoded::byte_serialize(bytes).collect();
    let json = serde_json::to_string(value).unwrap();
    let mut forms = vec![
        ("plain", bytes.to_vec()),
        ("hex", hex(false)),
        ("HEX", hex(true)),
        ("utf-16", utf16.clone()),
        ("json", json.trim_matches('"').as_bytes().to_vec()),
        ("form", url.clone().into_bytes()),
        ("url", url.replace('+', "%20").into_bytes()),
    ];
    // Base64 of a part of something longer begins at one of three places.
    for text in [bytes, &utf16[..]] {
        for before in 0..3 {
            let padded = [&vec![0; before][..], text].concat();
            for engine in [&STANDARD, &URL_SAFE] {
                let whole = engine.encode(&padded);
                // What the bytes before and after have a share in is not ours.
                let (from, until) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
                forms.push(("base64", whole.as_bytes()[from..until].to_vec()));
            }
        }
    }
    forms
}

impl Needles {
    /// `canaries`: what each is called, and its value.
    pub fn new<'a>(canaries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut all = HashMap::<[u8; 4], Vec<(String, Vec<u8>)>>::new();
        for (name, value) in canaries {
            assert!(value.len() >= 10, "{name} is too short to be told from chance: {value}");
            for (form, bytes) in forms(value) {
                let first = bytes[..4].try_into().unwrap();
                all.entry(first).or_default().push((format!("{name} ({form})"), bytes));
            }
        }
        Self(all)
    }

    /// Which of them are in `bytes`, each as often as it is.
    pub fn found(&self, bytes: &[u8]) -> Vec<&str> {
        let mut found = Vec::new();
        for (at, first) in bytes.windows(4).enumerate() {
            let first: [u8; 4] = first.try_into().unwrap();
            for (name, needle) in self.0.get(&first).into_iter().flatten() {
                if bytes[at..].starts_with(needle) {
                    found.push(name.as_str());
                }
            }
        }
        found
    }

    /// That none of them is in `bytes`.
    pub fn assert_none(&self, what: &str, bytes: &[u8]) {
        let found = self.found(bytes);
        assert!(found.is_empty(), "{what} holds {found:?}");
    }

    /// That none of them is in a file below `folder`, but for what `skip` names; how many were read.
    pub fn assert_none_below(&self, folder: &Path, skip: &[&str]) -> usize {
        let mut read = 0;
        for file in files(folder) {
            if skip.iter().any(|part| file.strip_prefix(folder).unwrap().starts_with(part)) {
                continue;
            }
            self.assert_none(&file.display().to_string(), &std::fs::read(&file).unwrap());
            read += 1;
        }
        read
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            out.extend(files(&entry.path()));
        } else if kind.is_file() {
            out.push(entry.path());
        }
    }
    out
}

#[test]
fn every_form_is_found_and_nothing_else() {
    let value = "cAnArY-07+/Zk=&%q";
    let needles = Needles::new([("it", value)]);
    let long = format!("user:{value}!");
    let utf16: Vec<u8> = format!("\"{value}\"").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (form, bytes) in [
        ("plain", value.as_bytes().to_vec()),
        ("base64", STANDARD.encode(&long).into_bytes()),
        ("base64", STANDARD.encode(&long.as_bytes()[1..]).into_bytes()),
        ("base64", URL_SAFE.encode(&long.as_bytes()[2..]).into_bytes()),
        ("base64", STANDARD.encode(&utf16).into_bytes()),
        ("utf-16", utf16),
        ("form", b"a=cAnArY-07%2B%2FZk%3D%26%25q&b".to_vec()),
        ("hex", long.bytes().map(|b| format!("{b:02x}")).collect::<String>().into_bytes()),
    ] {
        let found = needles.found(&bytes);
        assert!(found.iter().any(|f| f.contains(form)), "{form}: {found:?}");
    }
    assert!(needles.found(b"cAnArY-07+/Zk=&% q, and a long text without it").is_empty());
}

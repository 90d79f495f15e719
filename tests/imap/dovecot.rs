//! Against a real mail server, where one is installed: `dovecot` (Debian: `dovecot-imapd`).
//!
//! Without it these tests say so and pass, unless `CARETAKER_REQUIRE` names `imap`.

use caretaker::transport::{Failure, ImapSecurity, Part};

use crate::real::{Dovecot, lacking};
use crate::{password, refused, required, server};

fn installed() -> bool {
    required::here("imap", lacking())
}

fn letter(n: usize) -> String {
    format!(
        "From: filter@example.org\r\nDate: Tue, 02 Feb 2027 10:{:02}:30 +0000\r\n\
         Subject: letter {n} — schön\r\n\r\nText of letter {n}, 8-bit: ü\r\n.\r\n)\r\n{{3}}\r\n",
        n % 60
    )
}

#[tokio::test]
async fn a_real_server_is_understood_and_nothing_in_it_changes() {
    if !installed() {
        return;
    }
    let dovecot = Dovecot::start().await;
    for n in 0..230 {
        dovecot.deliver("", &format!("1800000{n:03}.M1P1.host"), &letter(n));
    }
    for security in [ImapSecurity::Tls, ImapSecurity::Starttls] {
        let reader = server(&dovecot.settings(security));
        let mut folder = reader.open(&password()).await.unwrap();
        assert_eq!(folder.exists(), 230);
        let numbers: Vec<u32> = folder.numbers(None).await.unwrap().into_iter().collect();
        assert_eq!(numbers.len(), 230);
        let mut texts = Vec::new();
        for batch in numbers.chunks(20) {
            let got = folder.fetch(batch, Part::Whole, 4_096).await.unwrap();
            assert_eq!(got.len(), batch.len());
            for fetched in got.into_values() {
                assert_eq!(fetched.size, Some(u64::try_from(fetched.bytes.len()).unwrap()));
                assert!(fetched.received_at.is_some());
                texts.push(String::from_utf8(fetched.bytes).unwrap());
            }
        }
        texts.sort();
        let mut expected: Vec<String> = (0..230).map(letter).collect();
        expected.sort();
        assert_eq!(texts, expected, "every byte of every letter");
        let head = folder.fetch(&numbers[..1], Part::Envelope, 4_096).await.unwrap();
        let head = String::from_utf8_lossy(&head[&numbers[0]].bytes).into_owned();
        assert!(head.contains("filter@example.org") && !head.contains("letter"), "{head}");
        let part = folder.fetch(&numbers[..1], Part::Whole, 10).await.unwrap();
        assert_eq!(part[&numbers[0]].bytes, b"From: filt");
        folder.close().await;
    }
    let names = dovecot.names();
    assert_eq!(names.len(), 230);
    let seen: Vec<_> =
        names.iter().filter(|n| n.split_once(":2,").is_some_and(|(_, f)| !f.is_empty())).collect();
    assert!(seen.is_empty(), "no flag may be set: {seen:?}");
}

#[tokio::test]
async fn a_real_server_refuses_what_is_wrong_and_we_say_so() {
    if !installed() {
        return;
    }
    let dovecot = Dovecot::start().await;
    let reader = server(&dovecot.settings(ImapSecurity::Tls));
    let wrong = reader.open(&"wrong".to_owned().into()).await.err().unwrap();
    assert!(matches!(&wrong, Failure::Unauthorised { .. }), "{wrong}");
    let mut settings = dovecot.settings(ImapSecurity::Tls);
    settings.folder = "Entwürfe".to_owned();
    let none = refused(&server(&settings)).await;
    assert!(none.to_string().contains("the folder `Entwürfe` cannot be opened"), "{none}");
    dovecot.deliver(".Entw&APw-rfe", "1800000001.M1P1.host", &letter(1));
    let folder = server(&settings).open(&password()).await.unwrap();
    assert_eq!(folder.exists(), 1, "names of folders travel in modified UTF-7");
    settings.ca_file = None;
    assert!(matches!(refused(&server(&settings)).await, Failure::Tls { .. }));
}

#[tokio::test]
async fn a_real_server_tells_what_the_account_may_do() {
    if !installed() {
        return;
    }
    let dovecot = Dovecot::start().await;
    let reader = server(&dovecot.settings(ImapSecurity::Tls));
    let told = async || {
        let mut folder = reader.open(&password()).await.unwrap();
        let told = folder.rights().await.unwrap().unwrap();
        folder.close().await;
        told
    };
    // Its own inbox: everything.
    let own = told().await;
    assert!("lrswit".chars().all(|right| own.contains(right)), "{own}");
    dovecot.allows("lr");
    assert_eq!(told().await, "lr");
}

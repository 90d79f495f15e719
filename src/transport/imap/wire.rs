//! What an IMAP server sends (RFC 3501 and RFC 9051), read with limits and believed in nothing.
//!
//! Only the answers that this program asks for are understood; every other one is skipped. Nothing
//! here recurses and nothing grows beyond the allowance of the command that is under way.

use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};

/// Bytes of one line: the numbers of some 20,000 messages in answer to a search.
const LINE_LIMIT: u64 = 256 * 1024;
/// Words, texts and brackets of one answer about a message.
const TOKEN_LIMIT: usize = 4_096;

/// Bytes of a folder's name in an answer.
const LONGEST_NAME: usize = 4_096;

/// Why an exchange cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Broken {
    /// The connection ended or failed; in the system's words.
    Lost(String),
    /// The server took its leave, in these words.
    Bye(String),
    /// A line, a literal or all of an answer is larger than so many bytes.
    TooLarge(usize),
    /// Not IMAP, or not what was asked for.
    Unreadable(&'static str),
}

/// The word of a status answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    No,
    Bad,
    Bye,
    PreAuth,
}

/// What stands behind a name in an answer about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// `NIL`, or a list that nobody asked for.
    Nothing,
    /// A word, a quoted string or a literal.
    Text(Vec<u8>),
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// `+`: the server waits for the rest of a command.
    Continue,
    /// Untagged `OK`, `NO`, `BAD`, `BYE` or `PREAUTH` and its text.
    Status(Status, String),
    /// The end of the command with this tag.
    Done(String, Status, String),
    /// The folder holds so many messages.
    Exists(u32),
    /// A message is gone.
    Expunge,
    /// Numbers that a search found.
    Search(Vec<u32>),
    /// Names in upper case, and what stands behind each.
    Fetch(Vec<(String, Item)>),
    /// What the server can do, in upper case.
    Capability(Vec<String>),
    /// The letters of what the account may do with a folder (RFC 4314).
    Rights(String),
    /// Something that nobody asked for.
    Other,
}

#[derive(Debug)]
enum Token {
    Open,
    Close,
    Word(Vec<u8>),
    Text(Vec<u8>),
}

/// A connection on which lines are exchanged.
pub(super) struct Wire<S> {
    stream: BufReader<S>,
    /// Bytes that the command under way may still bring.
    allowance: usize,
    allowed: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        let allowed = 64 * 1024;
        Self { stream: BufReader::new(stream), allowance: allowed, allowed }
    }

    /// From now on so many bytes may come.
    pub(super) fn allow(&mut self, bytes: usize) {
        self.allowance = bytes;
        self.allowed = bytes;
    }

    /// Sends one line.
    pub(super) async fn send(&mut self, line: &str) -> Result<(), Broken> {
        let stream = self.stream.get_mut();
        let sent = async {
            stream.write_all(line.as_bytes()).await?;
            stream.write_all(b"\r\n").await?;
            stream.flush().await
        };
        sent.await.map_err(|e| Broken::Lost(e.to_string()))
    }

    /// Reads one answer; a literal in it may hold `literal_limit` bytes.
    pub(super) async fn answer(&mut self, literal_limit: usize) -> Result<Answer, Broken> {
        let line = self.line().await?;
        if line.first() == Some(&b'+') {
            return Ok(Answer::Continue);
        }
        let Some(rest) = line.strip_prefix(b"* ") else { return tagged(&line) };
        let (word, text) = first_word(rest);
        if let Some(status) = status(word) {
            return Ok(Answer::Status(status, lossy(text)));
        }
        if word.eq_ignore_ascii_case(b"SEARCH") {
            return numbers(text).map(Answer::Search);
        }
        if word.eq_ignore_ascii_case(b"CAPABILITY") {
            let words = lossy(text).to_ascii_uppercase();
            return Ok(Answer::Capability(words.split(' ').map(str::to_owned).collect()));
        }
        if word.eq_ignore_ascii_case(b"MYRIGHTS") {
            // The folder's name may be a literal.
            return rights(self.tokens(text.to_vec(), LONGEST_NAME.min(literal_limit)).await?);
        }
        let (about, rest) = first_word(text);
        let tokens = self.tokens(rest.to_vec(), literal_limit).await?;
        let Some(number) = number(word) else { return Ok(Answer::Other) };
        match about.to_ascii_uppercase().as_slice() {
            b"EXISTS" => Ok(Answer::Exists(number)),
            b"EXPUNGE" => Ok(Answer::Expunge),
            b"FETCH" => items(tokens).map(Answer::Fetch),
            _ => Ok(Answer::Other),
        }
    }

    /// A line without its end.
    async fn line(&mut self) -> Result<Vec<u8>, Broken> {
        let mut line = Vec::new();
        let most = LINE_LIMIT.min(u64::try_from(self.allowance).unwrap_or(u64::MAX));
        let read = (&mut self.stream).take(most + 1).read_until(b'\n', &mut line).await;
        let read = read.map_err(|e| Broken::Lost(e.to_string()))?;
        if line.pop() != Some(b'\n') {
            let over = u64::try_from(read).unwrap_or(u64::MAX) > most;
            return Err(match over {
                true => Broken::TooLarge(usize::try_from(most).unwrap_or(usize::MAX)),
                false => Broken::Lost("the connection ended".to_owned()),
            });
        }
        self.spend(read)?;
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(line)
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Broken> {
        let left = self.allowance.checked_sub(bytes);
        self.allowance = left.ok_or(Broken::TooLarge(self.allowed))?;
        Ok(())
    }

    /// The pieces of an answer, its literals among them, from `line` to its end.
    async fn tokens(&mut self, mut line: Vec<u8>, limit: usize) -> Result<Vec<Token>, Broken> {
        let mut tokens = Vec::new();
        loop {
            let announced = literal_at_end(&line);
            let text = match announced {
                Some((_, text)) => text,
                None => line.len(),
            };
            split(line.get(..text).unwrap_or_default(), &mut tokens)?;
            let Some((length, _)) = announced else { return Ok(tokens) };
            // Refused before a byte of it is read or room for it is made.
            let length = usize::try_from(length).ok().filter(|n| *n <= limit);
            let length = length.ok_or(Broken::TooLarge(limit))?;
            self.spend(length)?;
            let mut literal = vec![0; length];
            let read = self.stream.read_exact(&mut literal).await;
            read.map_err(|e| Broken::Lost(e.to_string()))?;
            tokens.push(Token::Text(literal));
            line = self.line().await?;
        }
    }
}

fn tagged(line: &[u8]) -> Result<Answer, Broken> {
    let (tag, rest) = first_word(line);
    let (word, text) = first_word(rest);
    match status(word) {
        Some(status @ (Status::Ok | Status::No | Status::Bad)) => {
            Ok(Answer::Done(lossy(tag), status, lossy(text)))
        }
        _ => Err(Broken::Unreadable("it does not speak IMAP")),
    }
}

fn status(word: &[u8]) -> Option<Status> {
    Some(match word.to_ascii_uppercase().as_slice() {
        b"OK" => Status::Ok,
        b"NO" => Status::No,
        b"BAD" => Status::Bad,
        b"BYE" => Status::Bye,
        b"PREAUTH" => Status::PreAuth,
        _ => return None,
    })
}

fn first_word(text: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = text.splitn(2, |b| *b == b' ');
    (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

fn number(word: &[u8]) -> Option<u32> {
    // `parse` takes a sign, which no number of the protocol has.
    let digits = word.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(word).ok().filter(|_| digits)?.parse().ok()
}

fn numbers(text: &[u8]) -> Result<Vec<u32>, Broken> {
    let words = text.split(|b| *b == b' ').filter(|w| !w.is_empty());
    // RFC 7162 adds `(MODSEQ n)` at the end.
    let words = words.take_while(|w| w.first() != Some(&b'('));
    words.map(|w| number(w).ok_or(Broken::Unreadable("a search found no number"))).collect()
}

/// The length of the literal that is announced at the end of `line`, and where its announcement
/// begins.
fn literal_at_end(line: &[u8]) -> Option<(u64, usize)> {
    let inner = line.strip_suffix(b"}")?;
    let open = inner.iter().rposition(|b| *b == b'{')?;
    let digits = inner.get(open + 1..)?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // More digits than a number has room for is larger than any limit.
    let length = std::str::from_utf8(digits).ok()?.parse().unwrap_or(u64::MAX);
    Some((length, open))
}

/// Adds the words, texts and brackets of `line`.
fn split(line: &[u8], tokens: &mut Vec<Token>) -> Result<(), Broken> {
    let mut rest = line;
    while let Some((first, after)) = rest.split_first() {
        if tokens.len() >= TOKEN_LIMIT {
            return Err(Broken::Unreadable("too many pieces in one answer"));
        }
        rest = match first {
            b' ' => after,
            b'(' => {
                tokens.push(Token::Open);
                after
            }
            b')' => {
                tokens.push(Token::Close);
                after
            }
            b'"' => {
                let (text, after) = quoted(after)?;
                tokens.push(Token::Text(text));
                after
            }
            _ => {
                let (word, after) = word(rest);
                tokens.push(Token::Word(word.to_vec()));
                after
            }
        };
    }
    Ok(())
}

/// What stands before the closing quote, and what comes after it.
fn quoted(text: &[u8]) -> Result<(Vec<u8>, &[u8]), Broken> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match first {
            b'"' => return Ok((out, after)),
            b'\\' => {
                let escaped = after.split_first();
                let (escaped, after) = escaped.ok_or(Broken::Unreadable("a quote has no end"))?;
                out.push(*escaped);
                rest = after;
            }
            other => {
                out.push(*other);
                rest = after;
            }
        }
    }
    Err(Broken::Unreadable("a quote has no end"))
}

/// A word; what stands in its square brackets belongs to it.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let mut inside = false;
    let end = text.iter().position(|b| {
        match b {
            b'[' => inside = true,
            b']' => inside = false,
            _ => {}
        }
        !inside && matches!(b, b' ' | b'(' | b')' | b'"')
    });
    text.split_at(end.unwrap_or(text.len()))
}

/// Names and values of `(NAME value NAME value)`.
fn items(tokens: Vec<Token>) -> Result<Vec<(String, Item)>, Broken> {
    let bad = Broken::Unreadable("an answer about a message is not in its form");
    let mut tokens = tokens.into_iter();
    if !matches!(tokens.next(), Some(Token::Open)) {
        return Err(bad);
    }
    let mut items = Vec::new();
    loop {
        let name = match tokens.next() {
            Some(Token::Close) => return Ok(items),
            Some(Token::Word(name)) => lossy(&name).to_ascii_uppercase(),
            Some(Token::Open | Token::Text(_)) | None => return Err(bad),
        };
        let value = match tokens.next() {
            Some(Token::Word(word)) if word.eq_ignore_ascii_case(b"NIL") => Item::Nothing,
            Some(Token::Word(text) | Token::Text(text)) => Item::Text(text),
            Some(Token::Open) => {
                skip_list(&mut tokens).ok_or(bad.clone())?;
                Item::Nothing
            }
            Some(Token::Close) | None => return Err(bad),
        };
        items.push((name, value));
    }
}

/// The rights of `FOLDER RIGHTS`.
fn rights(tokens: Vec<Token>) -> Result<Answer, Broken> {
    match tokens.as_slice() {
        [Token::Word(_) | Token::Text(_), Token::Word(rights) | Token::Text(rights)] => {
            Ok(Answer::Rights(lossy(rights)))
        }
        _ => Err(Broken::Unreadable("an answer about rights is not in its form")),
    }
}

/// Goes behind the end of a list, however deep; `None` when it has none.
fn skip_list(tokens: &mut impl Iterator<Item = Token>) -> Option<()> {
    let mut depth = 1_usize;
    while depth > 0 {
        match tokens.next()? {
            Token::Open => depth += 1,
            Token::Close => depth -= 1,
            Token::Word(_) | Token::Text(_) => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn read(bytes: &[u8]) -> Result<Vec<Answer>, Broken> {
        let mut wire = Wire::new(std::io::Cursor::new(bytes.to_vec()));
        let mut all = Vec::new();
        loop {
            match wire.answer(1_000).await {
                Ok(answer) => all.push(answer),
                Err(Broken::Lost(why)) if why == "the connection ended" && !all.is_empty() => {
                    return Ok(all);
                }
                Err(e) => return Err(e),
            }
        }
    }

    async fn one(text: &str) -> Result<Answer, Broken> {
        read(format!("{text}\r\n").as_bytes()).await.map(|all| all[0].clone())
    }

    fn text(text: &str) -> Item {
        Item::Text(text.as_bytes().to_vec())
    }

    #[tokio::test]
    async fn understands_what_it_asks_for() {
        let ok = Answer::Status(Status::Ok, "[UIDVALIDITY 7] fine".into());
        assert_eq!(one("* ok [UIDVALIDITY 7] fine").await, Ok(ok));
        let done = Answer::Done("c4".into(), Status::No, "[AUTHENTICATIONFAILED] no".into());
        assert_eq!(one("c4 NO [AUTHENTICATIONFAILED] no").await, Ok(done));
        assert_eq!(one("* 23 EXISTS").await, Ok(Answer::Exists(23)));
        assert_eq!(one("* SEARCH").await, Ok(Answer::Search(vec![])));
        let found = Answer::Search(vec![4, 4_294_967_295]);
        assert_eq!(one("* SEARCH 4  4294967295 (MODSEQ 9)").await, Ok(found));
        assert_eq!(one("+ go on").await, Ok(Answer::Continue));
        for folder in ["INBOX", "\"a b\"", "{3}\r\na b"] {
            let rights = Answer::Rights("lr".into());
            assert_eq!(one(&format!("* MYRIGHTS {folder} lr")).await, Ok(rights), "{folder}");
        }
        assert_eq!(one("* MYRIGHTS x \"\"").await, Ok(Answer::Rights(String::new())));
        assert_eq!(one("* LIST (\\Noselect) \"/\" \"a b\"").await, Ok(Answer::Other));
        assert_eq!(one("* 4 EXPUNGE").await, Ok(Answer::Expunge));
        let fetch = "* 1 FETCH (flags (\\Seen (x)) UID 9 INTERNALDATE \" 1-Feb-2027 \\\"x\" \
                     BODY[HEADER.FIELDS (DATE FROM)]<0> NIL X \"\")";
        let expected = vec![
            ("FLAGS".into(), Item::Nothing),
            ("UID".into(), text("9")),
            ("INTERNALDATE".into(), text(" 1-Feb-2027 \"x")),
            ("BODY[HEADER.FIELDS (DATE FROM)]<0>".into(), Item::Nothing),
            ("X".into(), text("")),
        ];
        assert_eq!(one(fetch).await, Ok(Answer::Fetch(expected)));
    }

    #[tokio::test]
    async fn a_literal_is_taken_as_it_is_and_the_answer_goes_on_behind_it() {
        let bytes = b"* 2 FETCH (BODY[] {9}\r\nx)\r\n* \0\xFF} UID 7)\r\nc1 OK done {3}\r\n";
        let body = Item::Text(b"x)\r\n* \0\xFF}".to_vec());
        let expected = [
            Answer::Fetch(vec![("BODY[]".into(), body), ("UID".into(), text("7"))]),
            Answer::Done("c1".into(), Status::Ok, "done {3}".into()),
        ];
        assert_eq!(read(bytes).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn sizes_are_refused_before_they_are_read() {
        for huge in ["1001", "999999999999999999999999"] {
            let announced = format!("* 1 FETCH (BODY[] {{{huge}}}\r\n");
            assert_eq!(read(announced.as_bytes()).await, Err(Broken::TooLarge(1_000)));
        }
        let endless = vec![b'a'; 300 * 1024];
        assert!(matches!(read(&endless).await, Err(Broken::TooLarge(_))));
        // Many small ones are one large answer.
        let many = b"* 1 FETCH (BODY[] {1000}\r\n".to_vec();
        let many = [many, vec![b'x'; 1_000], b")\r\n".to_vec()].concat().repeat(100);
        assert_eq!(read(&many).await, Err(Broken::TooLarge(64 * 1024)));
    }

    #[tokio::test]
    async fn what_is_no_answer_is_unreadable() {
        for bad in [
            "HTTP/1.1 400 Bad Request",
            "* SEARCH 4 x",
            "* SEARCH -4",
            "* SEARCH 4294967296",
            "* 1 FETCH UID 7",
            "* 1 FETCH (UID)",
            "* 1 FETCH (UID 7",
            "* 1 FETCH (UID (7)",
            "* 1 FETCH (UID \"7)",
            "* 1 FETCH (((((",
            "* MYRIGHTS INBOX",
            "* MYRIGHTS INBOX (lr)",
            "* MYRIGHTS INBOX l r",
            "c1 BYE",
            "",
        ] {
            assert!(matches!(one(bad).await, Err(Broken::Unreadable(_))), "{bad}");
        }
        let deep = format!("* 1 FETCH (X {}", "(".repeat(100_000));
        assert!(matches!(one(&deep).await, Err(Broken::Unreadable(_) | Broken::TooLarge(_))));
        // Things that a well-known parser falls over.
        assert!(one("* 1 FETCH (INTERNALDATE NIL)").await.is_ok());
        assert!(one("* OK [ALERT]é").await.is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_hang(
            lines in proptest::collection::vec(
                prop_oneof![
                    proptest::collection::vec(any::<u8>(), 0..80),
                    "[*+a] ?(OK|NO|SEARCH|FETCH|[0-9]{1,12}|\\(|\\)|\"|\\\\|\\[|\\]|\\{[0-9]{0,4}\\}| |é){0,12}"
                        .prop_map(String::into_bytes),
                ],
                0..12,
            )
        ) {
            let bytes = lines.join(&b"\r\n"[..]);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let outcome = runtime.block_on(read(&bytes));
            prop_assert!(outcome.is_err() || !bytes.is_empty());
        }
    }
}

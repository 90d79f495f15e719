//! A call, before it is sent.

use std::borrow::Cow;

use secrecy::SecretString;
use url::Url;

/// A path below the endpoint's URL.
#[derive(Clone)]
pub(super) struct Path(Vec<Piece>);

#[derive(Clone)]
enum Piece {
    /// Segments as the vendor's page writes them.
    Fixed(String),
    /// One segment with a value in it, which may name a person.
    Value(String),
}

impl Path {
    /// Puts the path behind that of `url`.
    ///
    /// # Errors
    /// For a value that would not be one segment.
    pub(super) fn append_to(&self, url: &mut Url) -> Result<(), &'static str> {
        for piece in &self.0 {
            match piece {
                Piece::Fixed(path) if path.is_empty() => {}
                Piece::Fixed(path) => {
                    let base = url.path().trim_end_matches('/');
                    url.set_path(&format!("{base}/{}", path.trim_start_matches('/')));
                }
                // The URL standard takes these away, and the call would be another one.
                Piece::Value(value)
                    if matches!(value.as_str(), "" | "." | "..")
                        || value.contains(char::is_control) =>
                {
                    return Err("a value for the path is empty, only dots, or holds a control");
                }
                Piece::Value(value) => {
                    url.path_segments_mut()
                        .map_err(|()| "the endpoint's URL has no path")?
                        .pop_if_empty()
                        .push(value);
                }
            }
        }
        Ok(())
    }

    /// The path as it may be logged, without the values.
    pub(super) fn shown(&self, base: &Url) -> String {
        let mut shown = base.path().trim_end_matches('/').to_owned();
        for piece in &self.0 {
            let part = match piece {
                Piece::Fixed(path) => path.trim_start_matches('/'),
                Piece::Value(_) => "{}",
            };
            if !part.is_empty() {
                shown.push('/');
                shown.push_str(part);
            }
        }
        shown
    }
}

impl std::fmt::Debug for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Fixed(path) => write!(f, "/{}", path.trim_start_matches('/'))?,
                Piece::Value(_) => f.write_str("/{}")?,
            }
        }
        Ok(())
    }
}

/// How a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Put,
    Patch,
}

/// What is sent as a body.
#[derive(Clone)]
pub(super) enum Body {
    /// Nothing.
    None,
    /// `application/json`.
    Json(serde_json::Value),
    /// `application/json` with secrets in it: (pointer-free) pairs of one flat object.
    SecretJson(Vec<(String, SecretString)>),
    /// `application/x-www-form-urlencoded`, secrets among the values.
    Form(Vec<(String, SecretString)>),
}

/// A call to an endpoint. Its path is relative to the endpoint's URL.
///
/// `Debug` shows no credential and no value.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) path: Path,
    pub(super) absolute: Option<url::Url>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(Cow<'static, str>, SecretString)>,
    pub(super) body: Body,
    pub(super) repeatable: bool,
    pub(super) redirect_is_answer: bool,
    pub(super) body_limit: Option<usize>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("link", &self.absolute.as_ref().map(Url::path))
            .field("query", &self.query.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl Request {
    /// A GET of `path` below the endpoint's URL; repeated on failure. `""` is the URL itself.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self {
            method: Method::Get,
            path: Path(vec![Piece::Fixed(path.to_owned())]),
            absolute: None,
            query: Vec::new(),
            headers: Vec::new(),
            body: Body::None,
            repeatable: true,
            redirect_is_answer: false,
            body_limit: None,
        }
    }

    /// A POST; not repeated unless [`Request::repeatable`] says so.
    #[must_use]
    pub fn post(path: &str) -> Self {
        Self { method: Method::Post, repeatable: false, ..Self::get(path) }
    }

    /// A PUT; not repeated unless [`Request::repeatable`] says so.
    #[must_use]
    pub fn put(path: &str) -> Self {
        Self { method: Method::Put, repeatable: false, ..Self::get(path) }
    }

    /// A PATCH; not repeated unless [`Request::repeatable`] says so.
    #[must_use]
    pub fn patch(path: &str) -> Self {
        Self { method: Method::Patch, repeatable: false, ..Self::get(path) }
    }

    /// One more path segment that holds a value: encoded when sent, and never logged. Refused when
    /// sent if it is empty, only dots, or holds a control character.
    #[must_use]
    pub fn segment(mut self, value: &str) -> Self {
        self.path.0.push(Piece::Value(value.to_owned()));
        self
    }

    /// More of the path, as the vendor's page writes it.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path.0.push(Piece::Fixed(path.to_owned()));
        self
    }

    /// One more query parameter, encoded when sent.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// One more header. Its value is never shown or logged.
    #[must_use]
    pub fn header(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<SecretString>,
    ) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The headers of another request, for the next page of the same answer.
    #[must_use]
    pub fn headers_of(mut self, other: &Self) -> Self {
        self.headers.clone_from(&other.headers);
        self
    }

    /// The same question with a JSON body without secrets, sent with POST. Repeated on failure, as a
    /// GET is: only for what changes nothing.
    #[must_use]
    pub fn asking(self, body: serde_json::Value) -> Self {
        Self { method: Method::Post, body: Body::Json(body), ..self }
    }

    /// A JSON body without secrets.
    #[must_use]
    pub fn json(mut self, body: serde_json::Value) -> Self {
        self.body = Body::Json(body);
        self
    }

    /// A JSON body: one flat object of strings, secrets among them.
    #[must_use]
    pub fn secret_json(mut self, fields: Vec<(&str, SecretString)>) -> Self {
        self.body = Body::SecretJson(fields.into_iter().map(|(n, v)| (n.to_owned(), v)).collect());
        self
    }

    /// A form body, secrets among its values.
    #[must_use]
    pub fn form(mut self, fields: Vec<(&str, SecretString)>) -> Self {
        self.body = Body::Form(fields.into_iter().map(|(n, v)| (n.to_owned(), v)).collect());
        self
    }

    /// A call that is sent once and never repeated, although it is a GET: it has an effect.
    #[must_use]
    pub fn once(mut self) -> Self {
        self.repeatable = false;
        self
    }

    /// A call that may safely be sent twice although it is a POST (asking for a token).
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// For probes: a 3xx is the answer (with its `Location`), not a failure. Still not followed.
    #[must_use]
    pub fn redirect_is_answer(mut self) -> Self {
        self.redirect_is_answer = true;
        self
    }

    /// A smaller or larger limit for this answer's body, in bytes after decompression.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(request: &Request, base: &str) -> Result<String, &'static str> {
        let mut url = Url::parse(base).unwrap();
        request.path.append_to(&mut url)?;
        Ok(url.into())
    }

    #[test]
    fn paths_stand_below_the_base() {
        let base = "https://v.example/api/";
        assert_eq!(url(&Request::get(""), base).unwrap(), "https://v.example/api/");
        assert_eq!(url(&Request::get("x/y"), base).unwrap(), "https://v.example/api/x/y");
        assert_eq!(url(&Request::get("/x"), "https://v.example").unwrap(), "https://v.example/x");
        let user = Request::get("users").segment("a/b?c#d").path("manager");
        assert_eq!(url(&user, base).unwrap(), "https://v.example/api/users/a%2Fb%3Fc%23d/manager");
        assert_eq!(user.path.shown(&Url::parse(base).unwrap()), "/api/users/{}/manager");
        for dots in ["", ".", "..", ".\t.", "a\n"] {
            assert!(url(&Request::get("users").segment(dots), base).is_err(), "{dots:?}");
        }
    }

    #[test]
    fn debug_shows_no_credential_and_no_value() {
        let request = Request::post("t")
            .segment("canary")
            .header("Authorization", "canary".to_owned())
            .form(vec![("secret", "canary".to_owned().into())]);
        assert!(!format!("{request:?}").contains("canary"), "{request:?}");
        let request = Request::post("t").secret_json(vec![("p", "canary".to_owned().into())]);
        assert!(!format!("{request:?}").contains("canary"), "{request:?}");
    }

    proptest::proptest! {
        #[test]
        fn threat_18_a_value_is_one_segment_whatever_it_holds(value in ".{0,40}") {
            let request = Request::get("users").segment(&value).path("end");
            if let Ok(url) = url(&request, "https://v.example/api") {
                let url = Url::parse(&url).unwrap();
                proptest::prop_assert_eq!(url.host_str(), Some("v.example"));
                let segments: Vec<_> = url.path_segments().unwrap().collect();
                proptest::prop_assert_eq!(segments.len(), 4, "{}", url);
                proptest::prop_assert_eq!((segments[0], segments[3]), ("api", "end"));
                proptest::prop_assert!(url.query().is_none() && url.fragment().is_none());
            }
        }
    }
}

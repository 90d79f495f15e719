//! A call, before it is sent.

use secrecy::SecretString;

/// What is sent as a body.
#[derive(Debug, Clone)]
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
/// `Debug` shows no credential.
#[derive(Debug, Clone)]
pub struct Request {
    pub(super) post: bool,
    pub(super) path: String,
    pub(super) absolute: Option<url::Url>,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(&'static str, SecretString)>,
    pub(super) body: Body,
    pub(super) repeatable: bool,
    pub(super) redirect_is_answer: bool,
    pub(super) body_limit: Option<usize>,
}

impl Request {
    /// A GET of `path` below the endpoint's URL; repeated on failure. `""` is the URL itself.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self {
            post: false,
            path: path.to_owned(),
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
        Self { post: true, repeatable: false, ..Self::get(path) }
    }

    /// One more query parameter, encoded when sent.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// One more header. Its value is never shown or logged.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<SecretString>) -> Self {
        self.headers.push((name, value.into()));
        self
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

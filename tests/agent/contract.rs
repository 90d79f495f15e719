//! A client that holds every answer against the document that the agent serves.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::raw::{self, Reply, Sent};
use crate::stage::until;

pub struct Wire {
    pub socket: PathBuf,
    document: Value,
}

impl Wire {
    pub async fn to(socket: &Path) -> Self {
        let reply = raw::ask(socket, "GET", "/v1/openapi.json", b"").await;
        assert_eq!((reply.status, reply.kind.as_str()), (200, "application/json"));
        let mut document: Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        close(&mut document["components"]["schemas"]);
        Self { socket: socket.to_owned(), document }
    }

    /// Asks, and checks status, type and shape of the answer against the document.
    pub async fn ask(&self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let Reply { status, kind, body } = raw::ask(&self.socket, method, path, body).await;
        let value = if kind.starts_with("application/json") {
            serde_json::from_slice(&body)
                .unwrap_or_else(|e| panic!("{path}: {e}: {}", String::from_utf8_lossy(&body)))
        } else {
            Value::String(String::from_utf8(body).unwrap())
        };
        let short = path.split('?').next().unwrap();
        let Some(operation) = self.operation(method, short) else {
            // Not a route: the answer is the usual problem.
            assert!(matches!(status, 404 | 405), "{method} {path} answers {status}");
            self.valid(&json!({"$ref": "#/components/schemas/Problem"}), &value, path);
            return (status, value);
        };
        let answer = &operation["responses"][status.to_string()];
        assert!(answer.is_object(), "{method} {path} answers {status}, which is not documented");
        let schema = &answer["content"][&kind]["schema"];
        assert!(schema.is_object(), "{method} {path} answers with {kind}, which is not documented");
        self.valid(schema, &value, path);
        (status, value)
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, value) = self.ask("GET", path, b"").await;
        assert_eq!(status, 200, "{path}: {value}");
        value
    }

    pub async fn refresh(&self) -> Value {
        let (status, value) = self.ask("POST", "/v1/refresh", b"{}").await;
        assert_eq!(status, 200, "{value}");
        value
    }

    pub async fn until_settled(&self) {
        until("settled", || async { self.get("/v1/health").await["settled"] == true }).await;
    }

    /// An event's data is as documented.
    pub fn check_event(&self, sent: &Sent) {
        let content = &self.document["paths"]["/v1/changes"]["get"]["responses"]["200"]["content"];
        self.valid(&content["text/event-stream"]["schema"], &sent.data, "an event");
    }

    pub fn routes(&self) -> Vec<String> {
        self.document["paths"].as_object().unwrap().keys().cloned().collect()
    }

    fn operation(&self, method: &str, path: &str) -> Option<&Value> {
        let matches = |template: &str| {
            let (a, b): (Vec<&str>, Vec<&str>) =
                (template.split('/').collect(), path.split('/').collect());
            a.len() == b.len() && a.iter().zip(&b).all(|(t, p)| t.starts_with('{') || t == p)
        };
        let paths = self.document["paths"].as_object().unwrap();
        let found = paths.iter().find(|(template, _)| matches(template))?;
        found.1.get(method.to_lowercase())
    }

    fn valid(&self, schema: &Value, value: &Value, what: &str) {
        let mut whole = schema.clone();
        whole["components"] = self.document["components"].clone();
        let validator = jsonschema::draft202012::new(&whole).unwrap();
        let wrong: Vec<String> =
            validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(wrong.is_empty(), "{what} is not as documented: {wrong:#?}");
    }
}

/// Makes every object closed, so that a field which is served and not documented is found.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
                fields.insert("additionalProperties".into(), false.into());
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

//! A client of the API.

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tableorder::models::MenuItemId;

use super::stream::EventReader;

#[derive(Clone)]
pub struct ApiClient {
    base: String,
    http: reqwest::Client,
    token: Option<String>,
    /// Sent as `X-Forwarded-For`.
    address: Option<String>,
}

/// A response with its whole body.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The body of a success response.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        self.body
    }

    /// Asserts an error response with this status and code, in the documented envelope.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        assert_eq!((self.status.as_u16(), self.body["error"]["code"].as_str()), (status, Some(code)), "{}", self.body);
        let error = &self.body["error"];
        assert!(!error["message"].as_str().unwrap().is_empty() && error["details"].is_array());
        assert_eq!(error["request_id"].as_str().unwrap(), self.headers["x-request-id"].to_str().unwrap());
        self.body["error"].clone()
    }
}

impl ApiClient {
    pub fn new(base: &str) -> Self {
        Self { base: base.to_owned(), http: reqwest::Client::new(), token: None, address: None }
    }

    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same client, with `address` in `X-Forwarded-For`, as behind a proxy.
    pub fn forwarded_for(&self, address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..self.clone() }
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap()
    }

    /// A request to a path. `/customer`, `/admin` and `/setup` are under the API prefix; other paths are not.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let is_api = ["/customer", "/admin", "/setup"].iter().any(|start| path.starts_with(start));
        let prefix = if is_api { "/api/v1" } else { "" };
        let mut request = self.http.request(method, format!("{}{prefix}{path}", self.base));
        if let Some(address) = &self.address {
            request = request.header("X-Forwarded-For", address);
        }
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::POST, path).json(body)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::PATCH, path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(Method::PUT, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        answer(self.request(Method::DELETE, path)).await
    }

    /// Orders one of each of these menu items.
    pub async fn order(&self, menus: &[MenuItemId]) -> Answer {
        self.post("/customer/orders", &order_of(menus)).await
    }

    /// Opens a stream, or resumes it after `last_event_id`.
    pub async fn stream(&self, path: &str, last_event_id: Option<&str>) -> EventReader {
        let mut request = self.request(Method::GET, path);
        if let Some(id) = last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        EventReader::new(request.send().await.unwrap())
    }
}

/// The body of an order with one of each of these menu items.
pub fn order_of(menus: &[MenuItemId]) -> Value {
    json!({"items": menus.iter().map(|menu| json!({"menu_id": menu, "quantity": 1})).collect::<Vec<_>>()})
}

/// Sends a request and reads the answer.
pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { status, headers, body }
}

//! Extractors whose rejections are [`AppError`]s with the API's codes.

mod body;
mod identity;

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use axum::body::HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use utoipa::IntoParams;
use validator::{Validate, ValidationError, ValidationErrors, ValidationErrorsKind};

use crate::error::{AppError, ErrorCode, FieldError, Language, Reason, Result};
use crate::models::IdempotencyKey;
use crate::request_context;
use crate::schemas::validators::Object;

pub use body::LargeRequest;
use body::json_bytes;
pub(super) use identity::bearer;

/// A validated JSON body.
pub struct ValidatedJson<T>(pub T);

impl<S, T> FromRequest<S> for ValidatedJson<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Validate,
{
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let body = json_bytes(request, state).await?;
        read_valid_json(&body).map(Self)
    }
}

/// A validated JSON body that may be absent or `null`; then it is the default.
pub struct OptionalJson<T>(pub T);

impl<S, T> FromRequest<S> for OptionalJson<T>
where
    S: Send + Sync,
    T: Default + DeserializeOwned + Validate,
{
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        if request.body().is_end_stream() {
            return Ok(Self(T::default()));
        }
        let body = json_bytes(request, state).await?;
        if body.trim_ascii() == b"null" {
            return Ok(Self(T::default()));
        }
        read_valid_json(&body).map(Self)
    }
}

fn read_valid_json<T: DeserializeOwned + Validate>(body: &[u8]) -> Result<T> {
    let value: T = read_json(body)?;
    value.validate().map_err(|errors| AppError::validation(field_errors(&errors)))?;
    Ok(value)
}

/// Parses JSON. Invalid JSON is a 400; valid JSON with a wrong field is a 422 that names the field.
fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let Object(value) = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        match error.classify() {
            Category::Data => data_error(&path, &error.to_string()),
            // The syntax is valid JSON, but the text cannot be stored.
            Category::Syntax if is_lone_surrogate(&error) => AppError::invalid_field(path, Reason::Unprintable),
            _ => ErrorCode::MalformedRequest.into(),
        }
    })?;
    deserializer.end().map_err(|_| ErrorCode::MalformedRequest)?;
    Ok(value)
}

/// Whether a text was refused because of half a surrogate pair. serde reports this only in its message.
fn is_lone_surrogate(error: &serde_json::Error) -> bool {
    let message = error.to_string();
    ["lone leading surrogate", "unexpected end of hex escape"].iter().any(|words| message.starts_with(words))
}

/// Converts serde's data error. serde reports a missing field only in its message, at the path of the enclosing object.
fn data_error(path: &str, message: &str) -> AppError {
    // The path of the body itself is `.`.
    let parent = path.trim_start_matches('.');
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    match missing {
        Some(field) if parent.is_empty() => AppError::invalid_field(field, Reason::Required),
        Some(field) => AppError::invalid_field(format!("{parent}.{field}"), Reason::Required),
        None => AppError::invalid_field(parent, Reason::WrongType),
    }
}

/// Every refused field, sorted by path.
fn field_errors(errors: &ValidationErrors) -> Vec<FieldError> {
    let mut found = Vec::new();
    collect(errors, "", &mut found);
    found.sort_by(|a, b| a.field.cmp(&b.field));
    found
}

fn collect(errors: &ValidationErrors, parent: &str, found: &mut Vec<FieldError>) {
    for (field, kind) in errors.errors() {
        let path = if parent.is_empty() { field.to_string() } else { format!("{parent}.{field}") };
        match kind {
            ValidationErrorsKind::Struct(inner) => collect(inner, &path, found),
            ValidationErrorsKind::List(items) => {
                for (index, inner) in items {
                    collect(inner, &format!("{path}[{index}]"), found);
                }
            }
            ValidationErrorsKind::Field(errors) => {
                found.extend(errors.iter().map(|error| FieldError { field: path.clone(), reason: reason(error) }));
            }
        }
    }
}

/// Converts the validator's code. (The validator's own messages would quote the refused value, even a password.)
fn reason(error: &ValidationError) -> Reason {
    let bound = |name: &str| error.params.get(name).and_then(serde_json::Value::as_i64);
    let size = |name: &str, otherwise: u64| bound(name).and_then(|size| size.try_into().ok()).unwrap_or(otherwise);
    match error.code.as_ref() {
        "range" => Reason::Range { min: bound("min").unwrap_or(i64::MIN), max: bound("max").unwrap_or(i64::MAX) },
        "length" => {
            let (min, max) = (size("min", 0), size("max", u64::MAX));
            let is_list = error.params.get("value").is_some_and(serde_json::Value::is_array);
            if is_list { Reason::Count { min, max } } else { Reason::Length { min, max } }
        }
        "blank" => Reason::Blank,
        "unprintable" => Reason::Unprintable,
        "store_code" => Reason::StoreCode,
        "url" => Reason::Url,
        _ => Reason::WrongType,
    }
}

/// The header of a request that a user may repeat.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "only documents the header")]
pub struct IdempotencyHeader {
    /// Visible ASCII chosen by the client, the same for every attempt. For 24 hours a retry of this user gets the first
    /// response again and changes nothing.
    #[param(rename = "Idempotency-Key", min_length = 8, max_length = 128, pattern = "^[!-~]+$")]
    idempotency_key: Option<String>,
}

/// The `Idempotency-Key` of a request, if it has one.
pub struct Idempotency(pub Option<IdempotencyKey>);

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let Some(header) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        let reason = || {
            let (min, max) = (*IdempotencyKey::LENGTH.start() as u64, *IdempotencyKey::LENGTH.end() as u64);
            let has_length = IdempotencyKey::LENGTH.contains(&header.len());
            if has_length { Reason::NotVisibleAscii } else { Reason::Length { min, max } }
        };
        let key = IdempotencyKey::parse(header.as_bytes());
        key.map(|key| Self(Some(key))).ok_or_else(|| AppError::invalid_field("Idempotency-Key", reason()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(language_of(&parts.headers))
    }
}

/// The language that a request with these headers asks for.
pub fn language_of(headers: &HeaderMap) -> Language {
    let header = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    header.map_or_else(Language::default, Language::from_accept_language)
}

/// The address of the client, as trusted proxies report it.
pub struct ClientAddress(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let client = request_context::with(|context| context.client);
        Ok(Self(client.unwrap_or(Ipv4Addr::UNSPECIFIED.into())))
    }
}

/// Path parameters; an invalid one is a 400.
pub struct Path<T>(pub T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = AppError;

    #[expect(clippy::disallowed_types, reason = "this is the wrapper")]
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|rejection| AppError::caused_by(ErrorCode::MalformedRequest, rejection))
    }
}

/// Query parameters; an invalid one is a 400.
pub struct Query<T>(pub T);

impl<S, T> FromRequestParts<S> for Query<T>
where
    S: Send + Sync,
    T: DeserializeOwned,
{
    type Rejection = AppError;

    #[expect(clippy::disallowed_types, reason = "this is the wrapper")]
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        axum::extract::Query::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection| AppError::caused_by(ErrorCode::MalformedRequest, rejection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schemas::order::CreateOrderRequest;

    fn refused(body: &str) -> (ErrorCode, Vec<(String, Reason)>) {
        let error = read_json::<CreateOrderRequest>(body.as_bytes())
            .and_then(|order| order.validate().map_err(|errors| AppError::validation(field_errors(&errors))))
            .expect_err("should be refused");
        (error.code, error.details.into_iter().map(|detail| (detail.field, detail.reason)).collect())
    }

    fn at(field: &str, reason: Reason) -> (ErrorCode, Vec<(String, Reason)>) {
        (ErrorCode::ValidationError, vec![(field.to_owned(), reason)])
    }

    #[test]
    fn invalid_json_is_malformed() {
        for body in ["", "{", "{\"items\": []} x", "not json", "{\"items\": [{\"menu_id\": 1, \"quantity\": 1e400}]}"] {
            assert_eq!(refused(body), (ErrorCode::MalformedRequest, vec![]), "{body}");
        }
    }

    #[test]
    fn a_wrong_value_names_the_field() {
        let quantity = "items[0].quantity";
        let range = Reason::Range { min: 1, max: 999 };
        let with_quantity =
            |quantity: &str| refused(&format!(r#"{{"items": [{{"menu_id": 1, "quantity": {quantity}}}]}}"#));
        assert_eq!(with_quantity("0"), at(quantity, range.clone()));
        assert_eq!(with_quantity("-1"), at(quantity, range.clone()));
        assert_eq!(with_quantity("2147483648"), at(quantity, range));
        assert_eq!(with_quantity("\"two\""), at(quantity, Reason::WrongType));
        assert_eq!(with_quantity("1.5"), at(quantity, Reason::WrongType));
        assert_eq!(with_quantity("null"), at(quantity, Reason::WrongType));
        assert_eq!(refused(r#"{"items": [{"menu_id": 1}]}"#), at(quantity, Reason::Required));
        for line in ["[1, 1]", "[]", "null", "1"] {
            assert_eq!(refused(&format!(r#"{{"items": [{line}]}}"#)), at("items[0]", Reason::WrongType), "{line}");
        }
        assert_eq!(refused(r#"[[{"menu_id": 1, "quantity": 1}], null]"#), at("", Reason::WrongType));
        assert_eq!(refused("{}"), at("items", Reason::Required));
        assert_eq!(refused(r#"{"items": []}"#), at("items", Reason::Count { min: 1, max: 100 }));
        let long = format!(r#"{{"items": [{{"menu_id": 1, "quantity": 1}}], "note": "{}"}}"#, "가".repeat(501));
        assert_eq!(refused(&long), at("note", Reason::Length { min: 0, max: 500 }));
        assert_eq!(
            refused(r#"{"items": [{"menu_id": 1, "quantity": 1}], "note": "\u0000"}"#),
            at("note", Reason::Unprintable)
        );
    }
}

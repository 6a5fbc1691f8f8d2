//! The OpenAPI document.

mod pages;

use std::collections::BTreeMap;

use utoipa::OpenApi;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};

pub use pages::{PATHS, pages};

use crate::error::{AppError, ErrorCode, FieldError, Language, Reason};
use crate::routers::error_response::ErrorResponse;
use crate::schemas::validators::PATTERNS;
use crate::services::event_payload::{
    LimitReachedEvent, MenuChangedEvent, NewOrderEvent, OrderDeletedEvent, OrderUpdatedEvent, SessionCompletedEvent,
    SessionReopenedEvent, StreamCursorEvent,
};

/// The extension in which a handler lists its own error codes.
const OWN_ERRORS: &str = "x-errors";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "tableorder",
        description = "Guests order from a tablet at their table, and the order appears on the dashboard at once.\n\n\
            Money is an integer in the currency's minor unit (won). Times are RFC 3339 in UTC. Every error has \
            the same body: show `error.message` to people, branch on `error.code`. `Accept-Language: ko` (default) \
            or `en` chooses the language.\n\n\
            Log in at `/api/v1/customer/auth/login` or `/api/v1/admin/auth/login` and paste the token under \
            Authorize.",
        license(name = "MIT", identifier = "MIT"),
    ),
    servers((url = "/", description = "This server")),
    components(schemas(
        ErrorResponse,
        StreamCursorEvent,
        NewOrderEvent,
        OrderUpdatedEvent,
        OrderDeletedEvent,
        SessionCompletedEvent,
        SessionReopenedEvent,
        MenuChangedEvent,
        LimitReachedEvent,
    )),
    tags(
        (name = "customer: auth", description = "Login of tablets"),
        (name = "customer: menu", description = "The menu for guests"),
        (name = "customer: orders", description = "Orders of guests"),
        (name = "admin: auth", description = "Login of users"),
        (name = "admin: tables", description = "The dashboard and the tables"),
        (name = "admin: orders", description = "Orders of the store"),
        (name = "admin: menu", description = "Management of the menu"),
        (name = "admin: accounts", description = "Users and the audit log, for owners"),
        (name = "set-up", description = "The first store, with the code that the server prints at its start"),
        (name = "service", description = "Health checks, for operators"),
    ),
)]
struct Document;

/// The document without the paths, which the routers add.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    let components = document.components.get_or_insert_default();
    for (name, description) in [
        ("table_token", "A tablet's token, from POST /api/v1/customer/auth/login"),
        ("admin_token", "A user's token, from POST /api/v1/admin/auth/login"),
    ] {
        let scheme =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(description));
        components.add_security_scheme(name, SecurityScheme::Http(scheme.build()));
    }
    let ticket = ApiKeyValue::with_description("ticket", "A ticket, from POST /api/v1/admin/orders/stream/ticket");
    components.add_security_scheme("stream_ticket", SecurityScheme::ApiKey(ApiKey::Query(ticket)));
    document
}

/// Completes the operations of the document: unique operation ids, error responses with an example of each code,
/// patterns and common parameters.
pub fn complete(document: &mut utoipa::openapi::OpenApi) {
    for schema in document.components.iter_mut().flat_map(|components| components.schemas.values_mut()) {
        if let RefOr::T(Schema::Object(object)) = schema {
            object.properties.values_mut().for_each(insert_pattern);
        }
    }
    for (path, item) in &mut document.paths.paths {
        let audience = match path {
            path if path.contains("/customer/") => "customer",
            path if path.contains("/setup") => "setup",
            _ => "admin",
        };
        for operation in operations(item) {
            // Both audiences have a `list_orders`; client generators need unique names.
            operation.operation_id = operation.operation_id.take().map(|id| {
                let is_named = !path.starts_with(super::API_PREFIX) || id.contains(audience);
                if is_named { id } else { format!("{audience}_{id}") }
            });
            let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
            for code in error_codes(operation) {
                by_status.entry(code.status()).or_default().push(code);
            }
            for (status, codes) in by_status {
                operation.responses.responses.insert(status.to_string(), RefOr::T(response(&codes)));
            }
            let parameters = operation.parameters.get_or_insert_default();
            parameters.iter_mut().for_each(forbid_null);
            for parameter in parameters.iter_mut() {
                if let RefOr::T(Parameter { schema: Some(schema), .. }) = parameter {
                    insert_pattern(schema);
                }
            }
            if path.starts_with(super::API_PREFIX) {
                parameters.push(RefOr::T(accept_language()));
            }
        }
    }
}

/// Replaces the name of a validator by its regular expression.
fn insert_pattern(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && let Some(pattern) = &mut object.pattern
        && let Some((_, expression)) = PATTERNS.iter().find(|(validator, _)| validator == pattern)
    {
        (*expression).clone_into(pattern);
    }
}

/// Removes `null` from the types of a parameter: a header or query parameter is present or absent.
fn forbid_null(parameter: &mut RefOr<Parameter>) {
    if let RefOr::T(Parameter { schema: Some(RefOr::T(Schema::Object(object))), .. }) = parameter
        && let SchemaType::Array(types) = &object.schema_type
        && let Some(value_type) = types.iter().find(|one| **one != Type::Null)
    {
        object.schema_type = SchemaType::Type(value_type.clone());
    }
}

/// The header that selects the language of messages.
fn accept_language() -> Parameter {
    let languages = ObjectBuilder::new().schema_type(Type::String).examples(["ko", "en"]).build();
    ParameterBuilder::new()
        .name("Accept-Language")
        .parameter_in(ParameterIn::Header)
        .description(Some("The language of messages: `ko` (default) or `en`"))
        .schema(Some(languages))
        .build()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}

/// The error codes of an operation: its own, and those that follow from its parameters and body.
fn error_codes(operation: &mut Operation) -> Vec<ErrorCode> {
    use ErrorCode::{
        InternalError, InvalidToken, InvalidTokenType, MalformedRequest, PayloadTooLarge, RequestTimeout,
        ServiceUnavailable, TokenExpired, Unauthorized, UnsupportedMediaType, ValidationError,
    };
    let own = operation.extensions.as_mut().and_then(|extensions| extensions.remove(OWN_ERRORS));
    let own: Vec<String> = own.and_then(|codes| serde_json::from_value(codes).ok()).unwrap_or_default();
    let mut codes: Vec<_> =
        ErrorCode::ALL.iter().filter(|code| own.iter().any(|own| own == code.as_str())).copied().collect();
    if operation.security.is_some() {
        codes.extend([Unauthorized, InvalidToken, TokenExpired, InvalidTokenType]);
    }
    let has_parameters = operation
        .parameters
        .iter()
        .flatten()
        .any(|parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in != ParameterIn::Header));
    if operation.request_body.is_some() {
        codes.extend([MalformedRequest, ValidationError, PayloadTooLarge, UnsupportedMediaType]);
    } else if has_parameters {
        codes.push(MalformedRequest);
    }
    if !is_stream(operation) {
        codes.push(RequestTimeout);
    }
    codes.extend([InternalError, ServiceUnavailable]);
    codes
}

/// Whether the response is a stream, which has no timeout.
fn is_stream(operation: &Operation) -> bool {
    let mut responses = operation.responses.responses.values();
    responses
        .any(|response| matches!(response, RefOr::T(response) if response.content.contains_key("text/event-stream")))
}

fn response(codes: &[ErrorCode]) -> utoipa::openapi::Response {
    let names: Vec<_> = codes.iter().map(|code| format!("`{code}`")).collect();
    let mut content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorResponse")));
    for code in codes {
        let mut error = AppError::from(*code);
        if *code == ErrorCode::ValidationError {
            let reason = Reason::Range { min: 1, max: 999 };
            error.details.push(FieldError { field: "items[0].quantity".to_owned(), reason });
        }
        let body = ErrorResponse::new(&error, Language::Korean, "0193475e-94a8-7d2c-9c57-0a6c1f3f7f10");
        let example = ExampleBuilder::new()
            .summary(code.message(Language::English))
            .value(serde_json::to_value(body).ok())
            .build();
        content = content.examples_from_iter([(code.as_str(), RefOr::T(example))]);
    }
    let response = ResponseBuilder::new().description(names.join(", ")).content("application/json", content.build());
    if codes.iter().all(|code| AppError::from(*code).retry_after.is_some()) {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer).examples([2]).build();
        let retry_after = HeaderBuilder::new()
            .schema(Some(seconds))
            .description(Some("The number of seconds after which to try again"));
        return response.header("Retry-After", retry_after.build()).build();
    }
    response.build()
}

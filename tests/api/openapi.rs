//! The OpenAPI document is the contract: an accidental change fails here.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tableorder::error::ErrorCode;
use tableorder::schemas::auth::ChangePasswordRequest;
use tableorder::schemas::category::{CreateCategoryRequest, UpdateCategoryRequest};
use tableorder::schemas::menu::{CreateMenuRequest, UpdateMenuRequest};
use tableorder::schemas::order::{CreateOrderRequest, OrderLineRequest};
use tableorder::schemas::setup::{FirstOwner, FirstStore};
use tableorder::schemas::table::{CreateTableRequest, UpdateTableRequest};
use tableorder::schemas::user::{CreateUserRequest, UpdateUserRequest};
use validator::Validate;

fn document() -> Value {
    serde_json::to_value(tableorder::openapi()).unwrap()
}

fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let item = item.as_object().unwrap();
        item.iter()
            .filter(|(method, _)| ["get", "put", "post", "patch", "delete"].contains(&method.as_str()))
            .map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

#[test]
fn the_document_equals_its_snapshot() {
    insta::assert_json_snapshot!("openapi", document());
}

#[test]
fn every_operation_is_fully_documented() {
    let document = document();
    let mut ids = std::collections::HashSet::new();
    for (name, operation) in operations(&document) {
        assert!(operation["summary"].is_string(), "{name} should have a summary");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{name} should have a unique id");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name} should document its success response");
        for (status, response) in responses {
            assert!(!response["description"].as_str().unwrap().is_empty(), "{name} {status}");
            if status.as_str() >= "400" {
                let content = &response["content"]["application/json"];
                assert_eq!(content["schema"]["$ref"], "#/components/schemas/ErrorResponse", "{name} {status}");
                for (code, example) in content["examples"].as_object().unwrap() {
                    assert_eq!(example["value"]["error"]["code"], code.as_str(), "{name} {status}");
                }
            }
        }
        let public = ["/login", "/setup"].iter().any(|part| name.contains(part)) || name.starts_with("get /health");
        assert_eq!(operation["security"].is_array(), !public, "{name}");
        let side = if name.contains("/customer/") { "table_token" } else { "admin_token" };
        assert!(public || operation["security"][0].get(side).is_some(), "{name}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{name}: {}", parameter["name"]);
        }
    }
}

#[test]
fn every_field_has_a_description_and_every_plain_one_an_example() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let or_null = &property["oneOf"][0]["description"];
            assert!(property["description"].is_string() || or_null.is_string(), "{name}.{field}");
            let refers = property.to_string().contains("$ref");
            let is_time = property["format"] == "date-time";
            assert!(refers || is_time || property.get("example").is_some(), "{name}.{field} should have an example");
        }
    }
}

#[test]
fn documented_error_codes_equal_those_on_the_wire() {
    let codes: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(document()["components"]["schemas"]["ErrorCode"]["enum"], json!(codes));
}

/// Whether the request `T` accepts `body`, by its types and its validator.
fn takes<T: DeserializeOwned + Validate>(body: &Value) -> bool {
    serde_json::from_value::<T>(body.clone()).is_ok_and(|request| request.validate().is_ok())
}

/// The limits in the validator and in the document are written separately and must be equal.
#[test]
fn the_limits_of_document_and_validator_are_equal() {
    type Takes = fn(&Value) -> bool;
    let document = document();
    let (line, text) =
        (json!({"menu_id": 1, "quantity": 1}), |length: i64| json!("x".repeat(length.try_into().unwrap())));
    let table = json!({"table_number": 1, "password": "1234"});
    let password = json!({"current_password": "", "new_password": "1234"});
    let user = json!({"username": "mina", "password": "1234", "role": "staff"});
    let menu = json!({"category_id": 1, "name": "a", "price": 1});
    let order = json!({"items": [line]});
    let store = json!({"store_id": "aa", "name": "a"});
    let rows: [(&str, Takes, &Value, &str); 24] = [
        ("CreateOrderRequest", takes::<CreateOrderRequest>, &order, "items"),
        ("CreateOrderRequest", takes::<CreateOrderRequest>, &order, "note"),
        ("OrderLineRequest", takes::<OrderLineRequest>, &line, "quantity"),
        ("CreateTableRequest", takes::<CreateTableRequest>, &table, "table_number"),
        ("CreateTableRequest", takes::<CreateTableRequest>, &table, "password"),
        ("UpdateTableRequest", takes::<UpdateTableRequest>, &table, "table_number"),
        ("UpdateTableRequest", takes::<UpdateTableRequest>, &table, "password"),
        ("ChangePasswordRequest", takes::<ChangePasswordRequest>, &password, "new_password"),
        ("CreateUserRequest", takes::<CreateUserRequest>, &user, "username"),
        ("UpdateUserRequest", takes::<UpdateUserRequest>, &user, "username"),
        ("CreateUserRequest", takes::<CreateUserRequest>, &user, "password"),
        ("UpdateUserRequest", takes::<UpdateUserRequest>, &user, "password"),
        ("CreateCategoryRequest", takes::<CreateCategoryRequest>, &menu, "name"),
        ("UpdateCategoryRequest", takes::<UpdateCategoryRequest>, &menu, "name"),
        ("CreateMenuRequest", takes::<CreateMenuRequest>, &menu, "name"),
        ("UpdateMenuRequest", takes::<UpdateMenuRequest>, &menu, "name"),
        ("CreateMenuRequest", takes::<CreateMenuRequest>, &menu, "price"),
        ("UpdateMenuRequest", takes::<UpdateMenuRequest>, &menu, "price"),
        ("CreateMenuRequest", takes::<CreateMenuRequest>, &menu, "description"),
        ("UpdateMenuRequest", takes::<UpdateMenuRequest>, &menu, "description"),
        ("FirstStore", takes::<FirstStore>, &store, "store_id"),
        ("FirstStore", takes::<FirstStore>, &store, "name"),
        ("FirstOwner", takes::<FirstOwner>, &user, "username"),
        ("FirstOwner", takes::<FirstOwner>, &user, "password"),
    ];
    for (schema, takes, base, field) in rows {
        let property = &document["components"]["schemas"][schema]["properties"][field];
        let limit = |names: [&str; 3]| names.iter().find_map(|name| property[*name].as_i64());
        let low = limit(["minimum", "minLength", "minItems"]);
        let high = limit(["maximum", "maxLength", "maxItems"]).unwrap_or_else(|| panic!("{schema}.{field}"));
        let with = |value: i64| {
            let mut body = base.clone();
            body[field] = if property.get("maximum").is_some() {
                json!(value)
            } else if property.get("maxItems").is_some() {
                json!(vec![line.clone(); value.try_into().unwrap()])
            } else {
                text(value)
            };
            takes(&body)
        };
        assert!(with(high) && !with(high + 1), "{schema}.{field} up to {high}");
        if let Some(low) = low {
            assert!(with(low) && !with(low - 1), "{schema}.{field} from {low}");
        }
    }
}

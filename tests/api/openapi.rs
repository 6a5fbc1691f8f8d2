//! The OpenAPI document is the contract: an accidental change of it fails here.

use serde_json::Value;

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
fn the_document_is_the_one_that_was_reviewed() {
    insta::assert_json_snapshot!("openapi", document());
}

#[test]
fn every_operation_is_told_in_full() {
    let document = document();
    let mut ids = std::collections::HashSet::new();
    for (name, operation) in operations(&document) {
        assert!(operation["summary"].is_string(), "{name} says what it is for");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{name} has an id of its own");
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name} says what success looks like");
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
        let public = name.ends_with("/login") || name.starts_with("get /health");
        assert_eq!(operation["security"].is_array(), !public, "{name}");
        let side = if name.contains("/customer/") { "table_token" } else { "admin_token" };
        assert!(public || operation["security"][0].get(side).is_some(), "{name}");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{name}: {}", parameter["name"]);
        }
    }
}

#[test]
fn every_field_says_what_it_is_and_every_plain_one_has_an_example() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let or_null = &property["oneOf"][0]["description"];
            assert!(property["description"].is_string() || or_null.is_string(), "{name}.{field}");
            let refers = property.to_string().contains("$ref");
            let is_time = property["format"] == "date-time";
            assert!(refers || is_time || property.get("example").is_some(), "{name}.{field} has an example");
        }
    }
}

/// The rules of the validator and those of the document are written side by side; they must say the same.
#[test]
fn the_documents_limits_are_the_validators() {
    let document = document();
    let property = |schema: &str, field: &str| document["components"]["schemas"][schema]["properties"][field].clone();
    for (schema, field, low, high, limits) in [
        ("CreateOrderRequest", "items", "minItems", "maxItems", (Some(1), 100)),
        ("CreateOrderRequest", "note", "minLength", "maxLength", (None, 500)),
        ("OrderLineRequest", "quantity", "minimum", "maximum", (Some(1), 999)),
        ("CreateTableRequest", "table_number", "minimum", "maximum", (Some(1), 100_000)),
        ("UpdateTableRequest", "table_number", "minimum", "maximum", (Some(1), 100_000)),
        ("CreateTableRequest", "password", "minLength", "maxLength", (Some(4), 128)),
        ("UpdateTableRequest", "password", "minLength", "maxLength", (Some(4), 128)),
        ("ChangePasswordRequest", "new_password", "minLength", "maxLength", (Some(4), 128)),
        ("CreateCategoryRequest", "name", "minLength", "maxLength", (Some(1), 50)),
        ("UpdateCategoryRequest", "name", "minLength", "maxLength", (Some(1), 50)),
        ("CreateMenuRequest", "name", "minLength", "maxLength", (Some(1), 100)),
        ("UpdateMenuRequest", "name", "minLength", "maxLength", (Some(1), 100)),
        ("CreateMenuRequest", "price", "minimum", "maximum", (Some(0), 100_000_000)),
        ("UpdateMenuRequest", "price", "minimum", "maximum", (Some(0), 100_000_000)),
        ("CreateMenuRequest", "description", "minLength", "maxLength", (None, 2_000)),
        ("UpdateMenuRequest", "description", "minLength", "maxLength", (None, 2_000)),
    ] {
        let property = property(schema, field);
        assert_eq!((property[low].as_i64(), property[high].as_i64()), (limits.0, Some(limits.1)), "{schema}.{field}");
    }
}

//! The operations of the OpenAPI document.

use reqwest::Method;
use serde_json::Value;
use tableorder::error::ErrorCode;

use super::tenant::Role;

pub struct Operation {
    pub id: String,
    pub method: Method,
    /// The path below the API prefix, or the whole path.
    pub path: String,
    /// The security schemes that it accepts.
    schemes: Vec<String>,
    /// Every parameter, and every field of the body that contains an id.
    pub fields: Vec<String>,
    responses: Value,
}

impl Operation {
    pub fn is_public(&self) -> bool {
        self.schemes.is_empty()
    }

    pub fn accepts(&self, role: Role) -> bool {
        self.is_public() || self.schemes.iter().any(|scheme| scheme == role.scheme())
    }

    /// Whether the document lists this error.
    pub fn lists(&self, code: ErrorCode) -> bool {
        let response = &self.responses[&code.status().to_string()];
        response["content"]["application/json"]["examples"].get(code.as_str()).is_some()
    }

    fn read(document: &Value, method: &str, path: &str, operation: &Value) -> Self {
        let schemes = operation["security"].as_array().into_iter().flatten();
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let parameters = parameters.map(|parameter| parameter["name"].as_str().unwrap().to_owned());
        let mut fields: Vec<String> = parameters.filter(|name| name != "Accept-Language").collect();
        collect_ids(document, &operation["requestBody"]["content"]["application/json"]["schema"], &mut fields);
        Self {
            id: operation["operationId"].as_str().unwrap().to_owned(),
            method: method.to_uppercase().parse().unwrap(),
            path: path.strip_prefix("/api/v1").unwrap_or(path).to_owned(),
            schemes: schemes.flat_map(|scheme| scheme.as_object().unwrap().keys().cloned()).collect(),
            fields,
            responses: operation["responses"].clone(),
        }
    }
}

/// Whether a field with this name contains an id.
pub fn is_id(field: &str) -> bool {
    let field = field.to_lowercase();
    field.ends_with("id") || field.ends_with("ids") || field == "cursor"
}

/// Every operation of the document.
pub fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(tableorder::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter().filter(|(_, operation)| operation.get("operationId").is_some());
        methods.map(|(method, operation)| Operation::read(&document, method, path, operation))
    });
    operations.collect()
}

/// Collects the id fields of `schema`, nested ones included.
fn collect_ids(document: &Value, schema: &Value, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
        return collect_ids(document, schema, found);
    }
    let variants = ["oneOf", "anyOf", "allOf"].iter().filter_map(|name| schema[*name].as_array()).flatten();
    for nested in variants.chain(schema.get("items")) {
        collect_ids(document, nested, found);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if is_id(name) {
            found.push(name.clone());
        }
        collect_ids(document, property, found);
    }
}

//! `/api/v1/openapi.json` and `/api/v1/docs`: the specification, and a page that shows it. No token needed.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpResponse, Responder};
use askama::Template;
use serde_json::Value;

use super::codes::{CODES, Code};
use super::openapi::document;
use crate::web::AppError;
use crate::web::page::{Chrome, NavItem};

/// The specification as it is sent.
static TEXT: LazyLock<Result<String, serde_json::Error>> = LazyLock::new(|| document().to_json());

/// GET `/api/v1/openapi.json`.
pub(in crate::web) async fn openapi() -> Result<HttpResponse, AppError> {
    let text = TEXT.as_ref().map_err(|error| AppError::Internal(anyhow::anyhow!("{error}")))?;
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(text.as_str()))
}

/// The specification as a page.
#[derive(Template)]
#[template(path = "pages/api/docs.html")]
struct DocsPage {
    chrome: Chrome,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
    codes: &'static [Code],
}

/// Endpoints about one kind of thing.
struct Group {
    name: String,
    description: String,
    endpoints: Vec<Endpoint>,
}

/// One endpoint.
struct Endpoint {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: Prose,
    scope: String,
    parameters: Vec<Field>,
    body: Option<Kind>,
    answer: Option<Kind>,
    status: String,
}

/// A parameter, or a part of a shape.
struct Field {
    name: String,
    kind: Kind,
    is_needed: bool,
    description: Prose,
}

/// Text in which some words are code.
#[derive(Default)]
struct Prose(Vec<(String, bool)>);

impl From<String> for Prose {
    fn from(text: String) -> Self {
        Self(text.split('`').enumerate().map(|(at, part)| (part.to_owned(), at % 2 == 1)).collect())
    }
}

/// What a value is: words, and the shape they lead to, if any.
#[derive(Clone, Default)]
struct Kind {
    words: String,
    shape: Option<String>,
}

/// An object of the API.
struct Shape {
    name: String,
    description: Prose,
    fields: Vec<Field>,
}

/// GET `/api/v1/docs`.
pub(in crate::web) async fn show() -> Result<impl Responder, AppError> {
    let specification = serde_json::to_value(document()).map_err(|error| AppError::Internal(error.into()))?;
    let page = DocsPage {
        chrome: Chrome::anonymous().at(NavItem::Elsewhere),
        groups: groups(&specification),
        shapes: shapes(&specification),
        codes: CODES,
    };
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(page.render()?))
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn pairs<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = (&'v String, &'v Value)> {
    value.get(name).and_then(Value::as_object).into_iter().flatten()
}

fn groups(specification: &Value) -> Vec<Group> {
    let group = |tag: &Value| {
        let name = text(tag, "name");
        let endpoints = pairs(specification, "paths")
            .flat_map(|(path, item)| item.as_object().into_iter().flatten().map(move |found| (path, found)))
            .filter(|(_, (_, operation))| list(operation, "tags").iter().any(|tag| *tag == name.as_str()))
            .map(|(path, (method, operation))| endpoint(path, method, operation));
        Group { endpoints: endpoints.collect(), description: text(tag, "description"), name }
    };
    list(specification, "tags").iter().map(group).collect()
}

fn endpoint(path: &str, method: &str, operation: &Value) -> Endpoint {
    let parameter = |parameter: &Value| Field {
        name: text(parameter, "name"),
        kind: parameter.get("schema").map(kind).unwrap_or_default(),
        is_needed: parameter.get("required") == Some(&Value::Bool(true)),
        description: text(parameter, "description").into(),
    };
    let body = operation.pointer("/requestBody/content").and_then(Value::as_object).and_then(|kinds| {
        let (media_type, content) = kinds.iter().next()?;
        let is_file = media_type.starts_with("multipart");
        let words = Kind { words: "a form with one file, in the field evidence".to_owned(), shape: None };
        if is_file { Some(words) } else { content.get("schema").map(kind) }
    });
    let success = pairs(operation, "responses").find(|(status, _)| status.starts_with('2'));
    let schema = success.and_then(|(_, response)| response.pointer("/content/application~1json/schema"));
    Endpoint {
        id: text(operation, "operationId"),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(operation, "summary"),
        description: text(operation, "description").into(),
        scope: operation.pointer("/security/0/token/0").and_then(Value::as_str).unwrap_or_default().to_owned(),
        parameters: list(operation, "parameters").iter().map(parameter).collect(),
        body,
        answer: schema.map(kind),
        status: success.map(|(status, _)| status.clone()).unwrap_or_default(),
    }
}

/// A schema in a few words.
fn kind(schema: &Value) -> Kind {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap_or_default().to_owned();
        return Kind { words: name.clone(), shape: Some(name) };
    }
    let choices = ["oneOf", "anyOf", "allOf"].iter().flat_map(|way| list(schema, way));
    let choices: Vec<Kind> = choices.map(kind).filter(|kind| kind.words != "null").collect();
    if !choices.is_empty() {
        let words = choices.iter().map(|kind| kind.words.as_str()).collect::<Vec<_>>().join(" or ");
        return Kind { words, shape: choices.into_iter().find_map(|kind| kind.shape) };
    }
    let words: Vec<&str> = list(schema, "enum").iter().filter_map(Value::as_str).collect();
    if !words.is_empty() {
        return Kind { words: words.join(", "), shape: None };
    }
    let named = match schema.get("type") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect::<Vec<_>>().join(" or ")
        }
        _ => "anything".to_owned(),
    };
    if named == "array"
        && let Some(items) = schema.get("items")
    {
        let items = kind(items);
        return Kind { words: format!("list of {}", items.words), shape: items.shape };
    }
    let format = text(schema, "format");
    Kind { words: if format == "date-time" { "time".to_owned() } else { named }, shape: None }
}

fn shapes(specification: &Value) -> Vec<Shape> {
    let Some(schemas) = specification.pointer("/components/schemas").and_then(Value::as_object) else {
        return Vec::new();
    };
    let shape = |(name, schema): (&String, &Value)| {
        let needed = list(schema, "required");
        let field = |(name, schema): (&String, &Value)| Field {
            name: name.clone(),
            kind: kind(schema),
            is_needed: needed.iter().any(|found| found == name.as_str()),
            description: text(schema, "description").into(),
        };
        let fields: Vec<Field> = pairs(schema, "properties").map(field).collect();
        let words = kind(schema).words;
        let said = text(schema, "description");
        let description = match (said.is_empty(), fields.is_empty()) {
            (_, false) => said,
            (true, true) => words,
            (false, true) => format!("{said} {words}"),
        };
        Shape { name: name.clone(), description: description.into(), fields }
    };
    schemas.iter().map(shape).collect()
}

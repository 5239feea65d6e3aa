//! The `OpenAPI` document, made from the handlers and shapes themselves.

use utoipa::openapi::path::{Operation, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Described, PathItem, Ref, RefOr, Required};
use utoipa::{Modify, OpenApi, ToSchema};

use super::codes::CODES;
use super::schema::{Part, StatusOrTurn};
use super::shapes::{Dispute, Message};
use super::{audit_logs, calls, disputes, evidence, intake, settling};

/// A failure, RFC 9457.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes what every failure is written as")]
pub(super) struct Problem {
    /// Where the code is explained.
    r#type: String,
    title: String,
    status: u16,
    /// Stable: act upon this.
    #[schema(schema_with = codes)]
    code: String,
    /// For people.
    detail: String,
    /// With the code `invalid`.
    #[schema(nullable = false)]
    errors: Option<Vec<FieldProblem>>,
    /// Where the failure is ours.
    #[schema(nullable = false)]
    request_id: Option<String>,
}

fn codes() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(CODES.iter().map(|code| code.code))).build()
}

/// What is wrong at one field.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it only describes what every failure is written as")]
struct FieldProblem {
    /// Empty where it is about all of it.
    field: String,
    detail: String,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Fairdial",
        description = "Call disputes by program: file them, follow them, answer and decide them. A token belongs to a person: \
                       it sees what the person sees and may do what the person may, within its scopes.",
    ),
    paths(
        disputes::index, disputes::create, disputes::show, disputes::update,
        evidence::create, evidence::show, evidence::destroy,
        settling::reply, settling::resolve, settling::close,
        calls::index, calls::show, intake::create, audit_logs::index,
    ),
    components(schemas(Problem, Dispute, Message, Part, StatusOrTurn)),
    tags(
        (name = "disputes", description = "A buyer's claims that calls are not payable in full"),
        (name = "evidence", description = "Files of a dispute"),
        (name = "calls", description = "Calls as their sources reported them"),
        (name = "audit", description = "Who changed what"),
    ),
    modifiers(&Common),
)]
struct Document;

/// The document.
#[must_use]
pub fn document() -> Described {
    Document::openapi()
}

/// What all endpoints have alike.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut Described) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("fairdial_…").build();
        if let Some(components) = document.components.as_mut() {
            components.add_security_scheme("token", SecurityScheme::Http(bearer));
        }
        for (path, item) in &mut document.paths.paths {
            complete(path, item);
        }
    }
}

fn complete(path: &str, item: &mut PathItem) {
    let has_id = path.contains('{');
    for (method, operation) in
        [("get", &mut item.get), ("post", &mut item.post), ("put", &mut item.put), ("delete", &mut item.delete)]
    {
        let Some(operation) = operation else { continue };
        let mut failures: Vec<(u16, &str)> = vec![
            (401, "No good token"),
            (403, "The token lacks the scope, or its user the permission"),
            (422, "Something must be mended"),
            (429, "Too often"),
            (503, "Busy; try again"),
        ];
        if has_id || (path.ends_with("/disputes") && method == "post") {
            failures.push((404, "Not there, or not yours to see"));
        }
        if method != "get" {
            failures.push((409, "The state doesn\u{2019}t allow it"));
        }
        if matches!(method, "post" | "put") {
            failures.extend([(400, "It can\u{2019}t be read"), (413, "Too large"), (415, "Not read")]);
            operation.parameters.get_or_insert_with(Vec::new).push(idempotency_key().into());
        }
        if has_id && method != "get" {
            failures.push((412, "It changed meanwhile"));
        }
        if path.ends_with("{eid}") && method == "get" {
            answer(operation, 206, "The part that was asked for");
            failures.push((416, "There is no such part"));
        }
        for response in operation.responses.responses.values_mut() {
            if let RefOr::T(response) = response
                && response.description.is_empty()
            {
                "Done".clone_into(&mut response.description);
            }
        }
        for (status, description) in failures {
            let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
            let response =
                ResponseBuilder::new().description(description).content("application/problem+json", problem).build();
            operation.responses.responses.insert(status.to_string(), response.into());
        }
    }
}

fn answer(operation: &mut Operation, status: u16, description: &str) {
    let response = ResponseBuilder::new().description(description).build();
    operation.responses.responses.insert(status.to_string(), response.into());
}

fn idempotency_key() -> utoipa::openapi::path::Parameter {
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("Same key and body: the first answer again, for 24 hours"))
        .schema(Some(ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255))))
        .build()
}

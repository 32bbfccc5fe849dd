//! What requests and answers hold.

use serde_json::Value;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, Object, ObjectBuilder, Schema, SchemaFormat,
    SchemaType, Type,
};
use utoipa::openapi::{Ref, RefOr};

use super::super::{events, report_activities};
use crate::reports::events::STATUSES;
use crate::reports::records::{Holds, KINDS, RecordKind};

/// A text without U+0000, which PostgreSQL can't hold.
pub(super) fn text(longest: usize) -> ObjectBuilder {
    words().max_length(Some(longest))
}

pub(super) fn patterned(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))
}

/// A text of any length, without U+0000.
pub(super) fn words() -> ObjectBuilder {
    patterned("^[^\\u0000]*$")
}

pub(super) fn whole(least: i64, most: i64) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most))
}

pub(super) fn at_least(least: i64) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least))
}

pub(super) fn word_of(words: &[&str]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.iter().copied()))
}

pub(super) fn list(of: impl Into<RefOr<Schema>>) -> ArrayBuilder {
    ArrayBuilder::new().items(of.into())
}

fn formatted(format: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::Custom(format.to_owned())))
}

pub(super) fn day() -> ObjectBuilder {
    formatted("date")
}

/// RFC 3339, a date, or milliseconds since 1970. A form's empty field asks for nothing.
pub(super) fn time_text() -> AnyOfBuilder {
    AnyOfBuilder::new()
        .item(ObjectBuilder::new().schema_type(Type::Integer))
        .item(formatted("date"))
        .item(formatted("date-time"))
        .item(word_of(&[""]))
}

fn map() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
}

fn anything() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue)
}

/// Beside what `schema` is, null.
pub(super) fn nullable(schema: ObjectBuilder) -> ObjectBuilder {
    let mut object: Object = schema.build();
    if let SchemaType::Type(kind) = object.schema_type.clone() {
        object.schema_type = [kind, Type::Null].into_iter().collect();
    }
    if let Some(words) = &mut object.enum_values {
        words.push(Value::Null);
    }
    object.into()
}

fn of(schema: &str) -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(schema))
}

/// An object with these fields and no other.
pub(super) fn object<'a>(
    fields: impl IntoIterator<Item = (&'a str, RefOr<Schema>)>,
    needed: &[&str],
) -> ObjectBuilder {
    let start = ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(false)));
    let object = fields.into_iter().fold(start, |object, (name, schema)| object.property(name, schema));
    needed.iter().fold(object, |object, name| object.required(*name))
}

/// An answer: each of its fields is always there.
pub(super) fn answer<'a>(fields: Vec<(&'a str, RefOr<Schema>)>) -> ObjectBuilder {
    let names: Vec<&'a str> = fields.iter().map(|(name, _)| *name).collect();
    object(fields, &names)
}

fn page(rows: &str, row: &str, extra: bool) -> ObjectBuilder {
    let mut pagination: Vec<(&str, RefOr<Schema>)> = vec![
        ("limit", whole(1, 100).into()),
        ("has_more", ObjectBuilder::new().schema_type(Type::Boolean).into()),
        ("next_cursor", nullable(text(2_000)).into()),
    ];
    if extra {
        pagination.push(("offset", whole(0, 10_000).into()));
    }
    answer(vec![(rows, list(of(row)).into()), ("pagination", answer(pagination).into())])
}

/// What the API calls a kind of record, with what stands before or behind it.
pub(super) fn name(kind: &RecordKind, form: &str) -> &'static str {
    match (kind.path, form) {
        ("pushes", "List") => "Pushes",
        ("pushes", "New") => "NewPush",
        ("pushes", _) => "Push",
        ("deployments", "List") => "Deployments",
        ("deployments", "New") => "NewDeployment",
        ("deployments", _) => "Deployment",
        ("databases", "List") => "Databases",
        ("databases", "New") => "NewDatabase",
        ("databases", _) => "Database",
        ("sessions", "List") => "Sessions",
        ("sessions", "New") => "NewSession",
        ("sessions", _) => "Session",
        (_, "List") => "Costs",
        (_, "New") => "NewCost",
        (_, _) => "Cost",
    }
}

/// A time that a reporter tells.
fn told_time() -> RefOr<Schema> {
    let told = AnyOfBuilder::new()
        .item(whole(-62_135_596_800_000, 253_402_300_799_999))
        .item(formatted("date-time"))
        .item(ObjectBuilder::new().schema_type(Type::Null));
    told.into()
}

fn action_field(name: &str) -> RefOr<Schema> {
    match name {
        "action_id" => nullable(an_id()).into(),
        "action_type" => text(200).min_length(Some(1)).into(),
        "action_details" => nullable(text(report_activities::DETAILS)).into(),
        "request_id" => nullable(text(1_000)).into(),
        "reference_ids" => nullable(map()).into(),
        "created_at" => told_time(),
        _ => nullable(text(200)).into(),
    }
}

fn event_field(name: &str) -> RefOr<Schema> {
    match name {
        "id" => nullable(an_id()).into(),
        "eventType" => text(200).min_length(Some(1)).into(),
        "entityId" => nullable(text(1_000)).into(),
        "title" => nullable(text(events::TITLE)).into(),
        "description" => nullable(text(events::DESCRIPTION)).into(),
        "metadata" => nullable(map()).into(),
        "status" => nullable(word_of(&STATUSES)).into(),
        "duration" => nullable(whole(0, i64::from(i32::MAX))).into(),
        "progress" => nullable(whole(0, 100)).into(),
        "createdAt" | "updatedAt" => told_time(),
        _ => nullable(text(200)).into(),
    }
}

/// An id that a reporter made.
fn an_id() -> ObjectBuilder {
    patterned("^(?=.*\\S)[^\\u0000-\\u001f\\u007f-\\u009f]*$").min_length(Some(1)).max_length(Some(200))
}

fn record_field(name: &str, kind: &RecordKind, holds: Holds) -> RefOr<Schema> {
    match holds {
        Holds::Text if name == kind.id => nullable(an_id()).into(),
        Holds::Text if name == "user_id" => nullable(text(200)).into(),
        Holds::Text => nullable(text(20_000)).into(),
        Holds::Number => nullable(whole(i64::from(i32::MIN), i64::from(i32::MAX))).into(),
        Holds::Large => nullable(whole(0, i64::MAX)).into(),
        Holds::Time => told_time(),
        Holds::Amount => {
            nullable(ObjectBuilder::new().schema_type(Type::Number).minimum(Some(0)).maximum(Some(999_998)))
                .into()
        }
        Holds::Json => anything().into(),
    }
}

/// A column as it is stored, whoever wrote it.
fn stored(holds: Holds) -> RefOr<Schema> {
    let any = |kind: Type| RefOr::<Schema>::from(nullable(ObjectBuilder::new().schema_type(kind)));
    match holds {
        Holds::Text => any(Type::String),
        Holds::Number | Holds::Large | Holds::Time => any(Type::Integer),
        Holds::Amount => any(Type::Number),
        Holds::Json => anything().into(),
    }
}

fn records() -> Vec<(&'static str, RefOr<Schema>)> {
    let mut schemas: Vec<(&'static str, RefOr<Schema>)> = Vec::new();
    for kind in &KINDS {
        let told = kind.columns.iter().map(|(name, holds)| (*name, record_field(name, kind, *holds)));
        let project = ("project_id", nullable(text(200)).into());
        schemas.push((name(kind, "New"), object(told.chain([project]), &[]).into()));
        let row = kind.columns.iter().map(|(name, holds)| (*name, stored(*holds)));
        let project = ("project_id", stored(Holds::Text));
        schemas.push((name(kind, ""), answer(row.chain([project]).collect()).into()));
        schemas.push((name(kind, "List"), page(kind.path, name(kind, ""), false).into()));
    }
    schemas
}

/// All of them by their names.
pub(super) fn all() -> Vec<(&'static str, RefOr<Schema>)> {
    let string = || RefOr::<Schema>::from(ObjectBuilder::new().schema_type(Type::String));
    let maybe = || stored(Holds::Text);
    let time = || RefOr::<Schema>::from(nullable(patterned("^[0-9+-]+T.*Z$")));
    let named = |names: &[&'static str], of: &dyn Fn() -> RefOr<Schema>| {
        names.iter().map(|name| (*name, of())).collect::<Vec<_>>()
    };
    let needed = ["action_type"];
    let new_activity = object(report_activities::FIELDS.map(|name| (name, action_field(name))), &needed);
    let batch = list(of("NewActivity")).min_items(Some(1)).max_items(Some(report_activities::MOST));
    let new_activities = AnyOfBuilder::new()
        .item(of("NewActivity"))
        .item(object([("activities", batch.into())], &["activities"]));
    let kept = answer(vec![
        ("action_id", string()),
        ("created_at", whole(i64::MIN, i64::MAX).into()),
        ("status", word_of(&["created", "existing"]).into()),
    ]);
    let mut activity = named(&report_activities::FIELDS, &maybe);
    activity.retain(|(name, _)| !["reference_ids", "created_at"].contains(name));
    activity.extend([("reference_ids", anything().into()), ("created_at", stored(Holds::Large))]);
    let mut event = named(&["id", "projectId", "eventType", "entityType", "title", "status"], &string);
    event.extend(named(&["userId", "entityId", "description"], &maybe));
    event.extend([("metadata", anything().into()), ("duration", stored(Holds::Large))]);
    event.extend(named(&["createdAt", "updatedAt"], &time));
    let mut operation = event.clone();
    operation.retain(|(name, _)| *name != "projectId");
    operation.push(("projectId", maybe()));
    let mut project = named(&["id", "name"], &string);
    project.extend(named(&["description", "type", "status", "user_id", "container_id"], &maybe));
    project.extend(named(&["created_at", "updated_at"], &time));
    let mut container = named(&["id", "container_id", "name", "status"], &string);
    container.extend(named(&["image_name", "url", "user_id", "engine_status"], &maybe));
    container.push(("assigned_port", stored(Holds::Number)));
    container.extend(named(&["created_at", "updated_at", "started_at", "stopped_at", "observed_at"], &time));
    let counts = || RefOr::<Schema>::from(map().additional_properties(Some(whole(0, i64::MAX))));
    let took = named(&["count", "p50", "p95"], &|| whole(i64::MIN, i64::MAX).into());
    let durations = ObjectBuilder::new().additional_properties(Some(Schema::from(answer(took).build())));
    let insights = answer(vec![
        ("totals", counts()),
        ("byStatus", counts()),
        ("durations", durations.into()),
        ("asOf", time()),
    ]);
    let wrong = list(answer(named(&["field", "detail"], &string)));
    let mut problem = named(&["type", "title", "detail", "request_id"], &string);
    problem.extend([("status", whole(400, 599).into()), ("errors", wrong.into())]);
    let problem = object(problem, &["type", "title", "status", "detail", "request_id"]);
    let mut schemas: Vec<(&'static str, RefOr<Schema>)> = vec![
        ("Anything", anything().into()),
        ("Problem", problem.into()),
        ("NewActivity", new_activity.into()),
        ("NewActivities", new_activities.into()),
        ("KeptActivities", answer(vec![("activities", list(kept).into())]).into()),
        ("Activity", answer(activity).into()),
        ("Activities", page("activities", "Activity", true).into()),
        ("NewEvent", object(events::FIELDS.map(|name| (name, event_field(name))), &["eventType"]).into()),
        ("EventChange", object(events::CHANGES.map(|name| (name, change_field(name))), &[]).into()),
        ("Event", answer(event).into()),
        ("Operation", answer(operation).into()),
        ("Events", page("events", "Event", false).into()),
        ("Project", answer(project).into()),
        ("Projects", page("projects", "Project", false).into()),
        ("Container", answer(container).into()),
        ("Containers", page("containers", "Container", false).into()),
        ("Insights", insights.into()),
        ("Received", answer(vec![("status", word_of(&["accepted", "known"]).into())]).into()),
    ];
    schemas.extend(records());
    schemas
}

/// A title can be changed, and not taken away.
fn change_field(name: &str) -> RefOr<Schema> {
    if name == "title" { text(events::TITLE).min_length(Some(1)).into() } else { event_field(name) }
}

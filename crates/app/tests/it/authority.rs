//! Who may do what: every address of the API and of the console asked as each built-in role, and
//! written down in `docs/authority.md`.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use domain::{
    ActionKind, AssignmentId, Connector, ConnectorId, ConnectorName, Permission, Permissions,
    Person, PersonId, SessionId, Timestamp, TokenId,
    authority::{AssignedPlace, Assignee, Assignment, BuiltInRole, PermissionKind, RoleName},
    connector::{ConnectorState, ServerEndpoint},
    person::Origin,
};
use engine::{AuditKey, AuditOptions, Clock, Engine, Options};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use store::{PeopleWrite, Session, Store, Target, Token};
use tower::ServiceExt as _;
use uuid::Uuid;

/// What answers to everybody: nobody needs to sign in.
const OPEN: [&str; 13] = [
    "GET /healthz",
    "GET /sign-in",
    "POST /sign-in",
    "POST /sign-in/code",
    "GET /sign-in/ldap/{name}",
    "POST /sign-in/ldap/{name}",
    "GET /sign-in/oidc/callback",
    "GET /sign-in/oidc/{name}",
    "GET /sign-in/oidc/{name}/end",
    "POST /api/v1/sign-in",
    "POST /sign-out",
    "GET /assets/{hash}/{name}",
    "GET /api/v1/openapi.json",
];

/// What answers to everybody who signed in, whatever they may do.
const SIGNED_IN: [&str; 18] = [
    "GET /api/v1/me",
    "GET /api/v1/me/language",
    "PUT /api/v1/me/language",
    "POST /api/v1/me/password",
    "GET /api/v1/me/sessions",
    "GET /api/v1/me/tokens",
    "POST /api/v1/me/totp",
    "POST /api/v1/me/totp/confirm",
    "POST /api/v1/me/totp/remove",
    "DELETE /api/v1/sessions/{id}",
    "POST /api/v1/tokens",
    "DELETE /api/v1/tokens/{id}",
    "GET /me",
    "POST /me/language",
    "POST /me/password",
    "POST /me/sessions",
    "POST /me/tokens",
    "POST /me/totp",
];

/// Where a question that makes sense cannot be made up here, so that no answer tells who may ask it.
const UNPROVEN: [&str; 0] = [];

/// What is asked of addresses that each action has a permission of its own at.
const ACTIONS: [&str; 3] = ["GET /devices/act", "POST /devices/act", "POST /api/v1/actions"];

/// Forms that are looked at before it is asked who sent them, filled in.
const FORMS: [(&str, &str); 2] = [
    ("POST /guard/limits", "per_person=5&per_organization=5&reason=a+test"),
    ("POST /guard/lift", "hours=1&reason=a+test"),
];

const SECRET: &str = "the-secret-of-a-test";
const SOMETHING: &str = "00000000-0000-4000-8000-000000000001";

/// Everybody who asks: a role each, and one without.
fn askers() -> Vec<Option<BuiltInRole>> {
    BuiltInRole::ALL.iter().copied().map(Some).chain([None]).collect()
}

fn now() -> Timestamp {
    "2026-03-02T10:00:00Z".parse().unwrap()
}

fn id(asker: Option<BuiltInRole>) -> Uuid {
    let name = asker.map_or("nobody", BuiltInRole::word);
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
}

struct House {
    router: Router,
    engine: Engine,
    _directory: tempfile::TempDir,
}

impl House {
    async fn with_everybody() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            data_key: [7; 32].into(),
            admin_token: String::new(),
            clock: Clock::manual(now()),
            is_supervised: false,
            page_devices: Options::PAGE_DEVICES,
            fault: engine::Fault::default(),
            audit: AuditOptions {
                key: AuditKey::new(&[9; 32]),
                directory: directory.path().join("audit"),
            },
        };
        let target = Target::Sqlite(directory.path().join("gatepost.db"));
        let engine = Engine::start(Store::open(target).await.unwrap(), options).await.unwrap();
        for asker in askers() {
            let_in(engine.store(), asker).await;
        }
        let router = api::router(engine.clone()).merge(console::router(engine.clone()));
        Self { router, engine, _directory: directory }
    }

    /// Sees to it that there is a connector, whatever was done with it before.
    async fn connect(&self) {
        let connector = Connector {
            id: ConnectorId(Uuid::from_u128(1)),
            name: ConnectorName::parse("lab").unwrap(),
            endpoint: ServerEndpoint::new("http://127.0.0.1:9/PowerShell/").into(),
            options: domain::connector::Options::default(),
            organization: None,
            state: ConnectorState::Flagged,
            trouble: None,
            created: now(),
            last_full_sync: None,
            last_delta_sync: None,
            is_paused: true,
            next_install: None,
        };
        match self.engine.store().add_connector(&connector, None).await {
            Ok(()) | Err(store::Error::Conflict { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    async fn answer(&self, route: &Route, asker: Option<BuiltInRole>) -> StatusCode {
        self.connect().await;
        let request = Request::builder()
            .method(route.method.clone())
            .uri(route.address())
            .header(header::HOST, "gatepost.example");
        let request = if route.path.starts_with("/api/") {
            let token = format!("Bearer gp_{}_{SECRET}", id(asker));
            request
                .header(header::AUTHORIZATION, token)
                .header(header::CONTENT_TYPE, "application/json")
        } else {
            request
                .header(header::COOKIE, format!("gatepost_session={}{SECRET}", id(asker)))
                .header("sec-fetch-site", "same-origin")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        };
        let request = request.body(Body::from(route.body.clone())).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let location = answer.headers().get(header::LOCATION).and_then(|it| it.to_str().ok());
        if location.is_some_and(|it| it.starts_with("/sign-in")) {
            return StatusCode::UNAUTHORIZED;
        }
        answer.status()
    }
}

/// Lets somebody in by token and by cookie, with their role everywhere.
async fn let_in(store: &Store, asker: Option<BuiltInRole>) {
    let (id, now) = (id(asker), now());
    let person = Person {
        id: PersonId(id),
        origin: Origin::Local,
        name: asker.map_or("nobody", BuiltInRole::word).to_owned(),
        display_name: None,
        address: None,
        groups: Vec::new(),
        is_disabled: false,
        created: now,
        last_sign_in: None,
    };
    let expires = now + jiff::SignedDuration::from_hours(1);
    let token = Token {
        id: TokenId(id),
        person: person.id,
        name: "test".to_owned(),
        permissions: Permissions::ALL,
        place: AssignedPlace::Everywhere,
        created: now,
        expires,
        last_used: None,
    };
    let session = Session {
        id: SessionId(id),
        person: person.id,
        began: now,
        seen: now,
        expires,
        way: "password".to_owned(),
        address: None,
        agent: None,
    };
    let hash = |text: &str| -> [u8; 32] { Sha256::digest(text.as_bytes()).into() };
    let (token_hash, session_hash) = (hash(SECRET), hash(&format!("{id}{SECRET}")));
    let assignment = asker.map(|role| Assignment {
        id: AssignmentId(id),
        role: RoleName::parse(role.word()).unwrap(),
        assignee: Assignee::Person(person.id),
        place: AssignedPlace::Everywhere,
        created: now,
    });
    let mut writes = vec![
        PeopleWrite::AddPerson(&person),
        PeopleWrite::AddToken { token: &token, hash: &token_hash },
        PeopleWrite::AddSession { session: &session, hash: &session_hash },
    ];
    writes.extend(assignment.as_ref().map(PeopleWrite::AddAssignment));
    store.write_people(&[], &writes).await.unwrap();
}

#[derive(Clone)]
struct Route {
    method: Method,
    path: String,
    body: String,
    /// What is asked there, if one address is for several things.
    action: Option<ActionKind>,
}

impl Route {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The same address once for each action, if it is for actions.
    fn each_action(mut self) -> Vec<Self> {
        let form = FORMS.iter().find(|(name, _)| self.name() == *name);
        if let Some((_, form)) = form {
            self.body = (*form).to_owned();
        }
        if !ACTIONS.contains(&self.name().as_str()) {
            return vec![self];
        }
        let one = |kind: &ActionKind| {
            let asked =
                json!({"action": kind.word(), "query": "state:blocked", "reason": "a test"});
            let form = format!("action={kind}&query=state:blocked&reason=a+test&expected=0");
            let body = if self.path.starts_with("/api/") { asked.to_string() } else { form };
            Self { action: Some(*kind), body, ..self.clone() }
        };
        ActionKind::ALL.iter().map(one).collect()
    }

    /// The path with something in each of its places: the connector, or an id of nothing. The API is
    /// asked for a dry run.
    fn address(&self) -> String {
        let part = |part: &str| match part.starts_with('{') {
            true if part.contains("name") => "lab".to_owned(),
            true => SOMETHING.to_owned(),
            false => part.to_owned(),
        };
        let path = self.path.split('/').map(part).collect::<Vec<_>>().join("/");
        let is_change = self.path.starts_with("/api/") && self.method != Method::GET;
        match self.action {
            _ if is_change => format!("{path}?dry_run=true"),
            Some(_) => format!("{path}?{}", self.body),
            None => path,
        }
    }
}

/// Every address of the API, with a body that makes sense.
fn api_routes() -> Vec<Route> {
    let document = serde_json::to_value(api::openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            routes.push(Route {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                action: None,
                body: if schema.is_null() {
                    String::new()
                } else {
                    made_up(&document, schema).to_string()
                },
            });
        }
    }
    routes
}

/// Something that a schema describes, as short as it may be.
fn made_up(document: &Value, schema: &Value) -> Value {
    if let Some(place) = schema["$ref"].as_str() {
        return made_up(document, document.pointer(place.trim_start_matches('#')).unwrap());
    }
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Some(first) = schema[choice].as_array().and_then(|all| all.last()) {
            return made_up(document, first);
        }
    }
    if let Some(word) = schema["enum"].as_array().and_then(|words| words.first()) {
        return word.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let names = schema["required"].as_array().into_iter().flatten();
            let field = |name: &Value| {
                let name = name.as_str().unwrap();
                (name.to_owned(), made_up(document, &schema["properties"][name]))
            };
            Value::Object(names.map(field).collect::<Map<_, _>>())
        }
        Some("array") => json!([made_up(document, &schema["items"])]),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some("boolean") => json!(true),
        _ => json!("lab"),
    }
}

/// Every page and form of the console, as its source tells them.
fn console_routes() -> Vec<Route> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../console/src");
    let mut routes = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                routes.extend(routes_in(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    routes.sort_by_key(|route| (route.path.clone(), route.method != Method::GET));
    routes
}

/// `.route("/a", get(…).post(…))`, also where a prefix is put before by `at`.
fn routes_in(source: &str) -> Vec<Route> {
    let prefix =
        source.split_once("|path: &str| format!(\"").and_then(|(_, it)| it.split_once('{'));
    let mut routes = Vec::new();
    for call in source.split(".route(").skip(1) {
        let Some((before, rest)) = call.split_once('"') else { continue };
        let Some((path, rest)) = rest.split_once('"') else { continue };
        let prefix = if before.contains("at(") { prefix.map_or("", |(it, _)| it) } else { "" };
        // What belongs to it ends where the next call begins, or where the routes end.
        let handlers = rest.split(";\n").next().unwrap_or(rest);
        let handlers = handlers.split("\n        .").next().unwrap_or(handlers);
        for (word, method) in [("get(", Method::GET), ("post(", Method::POST)] {
            if handlers.contains(word) {
                let path = format!("{prefix}{path}");
                routes.push(Route { method, path, body: String::new(), action: None });
            }
        }
    }
    routes
}

fn is_denied(status: StatusCode) -> bool {
    [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status)
}

/// One line of the matrix.
async fn line(house: &House, route: &Route, unproven: &mut BTreeSet<String>) -> String {
    let name = route.name();
    let cells = if OPEN.contains(&name.as_str()) {
        "everybody".to_owned()
    } else if SIGNED_IN.contains(&name.as_str()) {
        "who signed in".to_owned()
    } else {
        let nobody = house.answer(route, None).await;
        let is_told = nobody.is_success() || nobody.is_redirection();
        assert!(!is_told, "{name} answers {nobody} to somebody who may do nothing");
        if is_denied(nobody) {
            let mut cells = Vec::new();
            for role in BuiltInRole::ALL {
                let answer = house.answer(route, Some(*role)).await;
                // Nobody answers where the connector points to, and some have to ask there.
                let is_fault =
                    answer.is_server_error() && answer != StatusCode::SERVICE_UNAVAILABLE;
                assert!(!is_fault, "{name} answers {answer} to {role}");
                cells.push(if is_denied(answer) { "–" } else { "yes" });
            }
            cells.join(" | ")
        } else {
            unproven.insert(name.clone());
            "?".to_owned()
        }
    };
    let action = route.action.map(|kind| format!(" ({kind})")).unwrap_or_default();
    format!("| `{name}`{action} | {cells} |\n")
}

fn words() -> String {
    let mut text = String::from(
        "# Who may do what\n\nWritten by a test that asks every address as every role: see\n\
         `crates/app/tests/it/authority.rs`.\n\nWhat somebody may do follows from their roles and \
         from where each was given to them: everywhere,\non a connector, or on a collection. A token \
         never may more than its owner.\n\nAn address that says yes may still refuse one thing: \
         a device or a request elsewhere, or\none's own request when it comes to approving.\n\n## \
         Permissions\n\n| permission | word | who has it can | \
         given |\n|---|---|---|---|\n",
    );
    for permission in Permission::ALL {
        let place = match permission.kind() {
            PermissionKind::Site => "everywhere, or on a connector",
            PermissionKind::Security => "everywhere",
            PermissionKind::Collection => "everywhere, on a connector, or on a collection",
        };
        let (title, meaning) = (permission.title(), permission.meaning());
        writeln!(text, "| {title} | `{permission}` | {meaning} | {place} |").unwrap();
    }
    text.push_str(
        "\n## Built-in roles\n\n| role | what it is for | permissions |\n|---|---|---|\n",
    );
    for role in BuiltInRole::ALL {
        let permissions: Vec<_> = role.permissions().iter().map(Permission::title).collect();
        let (description, all) = (role.description(), permissions.join(", "));
        writeln!(text, "| `{role}` | {description} | {all} |").unwrap();
    }
    text
}

fn head(title: &str) -> String {
    let roles: Vec<_> = BuiltInRole::ALL.iter().map(|role| role.word()).collect();
    let rule = "|---".repeat(roles.len() + 1);
    format!("\n## {title}\n\n| | {} |\n{rule}|\n", roles.join(" | "))
}

#[tokio::test]
async fn every_address_answers_to_whom_it_should() {
    let house = House::with_everybody().await;
    let mut text = words();
    let mut unproven = BTreeSet::new();
    for (title, routes) in [("API", api_routes()), ("Console", console_routes())] {
        assert!(routes.len() > 15, "the routes of the {title} were not found");
        text.push_str(&head(title));
        for route in routes.into_iter().flat_map(Route::each_action) {
            text.push_str(&line(&house, &route, &mut unproven).await);
        }
    }
    house.engine.shutdown().await;
    let expected: BTreeSet<_> = UNPROVEN.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(unproven, expected, "permission is to be checked before anything else");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/authority.md");
    if fs::read_to_string(&path).unwrap_or_default() != text {
        fs::write(&path, text).unwrap();
        panic!("docs/authority.md was not up to date; it is now: look at the change, commit it");
    }
}

#[test]
fn routes_are_found_in_the_source() {
    let source = "let at = |path: &str| format!(\"/a{path}\");\nRouter::new()\n        \
                  .route(&at(\"/b\"), get(x))\n        .route(\n            \"/c/{id}\",\n            \
                  get(y).post(z),\n        )\n        .route(\"/d\", post(get))\n}";
    let found: Vec<_> = routes_in(source).iter().map(Route::name).collect();
    assert_eq!(found, ["GET /a/b", "GET /c/{id}", "POST /c/{id}", "POST /d"]);
}

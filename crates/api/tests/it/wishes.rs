//! What an organization shall be, asked as a client asks: from the first import to the first day again,
//! and everything that is refused.

use api::Problem;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use testkit::TestApp;
use tower::ServiceExt as _;

const LAB: &str = "/api/v1/connectors/lab";

/// An API in front of an engine that has read a simulated organization.
struct House {
    app: TestApp,
    router: Router,
    token: String,
}

struct Answer {
    status: StatusCode,
    location: Option<String>,
    json: Value,
}

impl House {
    async fn new() -> Self {
        let app = TestApp::connected(80).await.unwrap();
        app.sync().await.unwrap();
        let router = api::router(app.engine().clone());
        Self { app, router, token: TestApp::TOKEN.to_owned() }
    }

    async fn ask(&self, method: Method, address: &str, body: &Value) -> Answer {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(method, address, body, "").await
    }

    async fn send(&self, method: Method, address: &str, body: Body, key: &str) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(address)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/json");
        if !key.is_empty() {
            request = request.header("idempotency-key", key);
        }
        let answer = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let location = answer.headers().get(header::LOCATION);
        let location = location.map(|it| it.to_str().unwrap().to_owned());
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        Answer { status, location, json: serde_json::from_slice(&bytes).unwrap_or_default() }
    }

    async fn get(&self, address: &str) -> Value {
        let answer = self.ask(Method::GET, address, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}: {}", answer.json);
        answer.json
    }

    async fn post(&self, address: &str, body: Value) -> Answer {
        self.ask(Method::POST, address, &body).await
    }

    async fn imported(&self) -> String {
        let imported = self.post(&format!("{LAB}/wish/import"), Value::Null).await;
        assert_eq!(imported.status, StatusCode::OK, "{}", imported.json);
        text(&imported.json["text"])
    }

    /// A plan that Exchange was read for.
    async fn planned(&self, body: Value) -> Value {
        let made = self.post(&format!("{LAB}/plans"), body).await;
        assert_eq!(made.status, StatusCode::ACCEPTED, "{}", made.json);
        assert_eq!(made.location.as_deref(), Some(address(&made.json).as_str()));
        self.get(&format!("{}?wait=60", address(&made.json))).await
    }

    async fn applied(&self, plan: &Value) -> Value {
        let applied = self.post(&format!("{}/apply", address(plan)), json!({})).await;
        assert_eq!(applied.status, StatusCode::ACCEPTED, "{}", applied.json);
        let plan = self.get(&format!("{}?wait=60", address(plan))).await;
        assert_eq!(plan["state"], "applied", "{plan}");
        plan
    }

    async fn drift(&self) -> Vec<Value> {
        let drift = self.post(&format!("{LAB}/drift"), Value::Null).await;
        assert_eq!(drift.status, StatusCode::OK, "{}", drift.json);
        drift.json["drifted"].as_array().unwrap().clone()
    }

    async fn refused(&self, address: &str, body: Value, status: StatusCode) -> Problem {
        let refused = self.post(address, body).await;
        assert_eq!(refused.status, status, "{}", refused.json);
        serde_json::from_value(refused.json).unwrap()
    }

    fn policies(&self) -> Vec<Vec<(String, String)>> {
        let organization = self.app.exchange().organization();
        let names: Vec<String> = organization.policy_names().map(str::to_owned).collect();
        let texts = |name: &String| organization.policy_texts(name).unwrap().into_iter().collect();
        names.iter().map(texts).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn address(plan: &Value) -> String {
    format!("/api/v1/plans/{}", plan["id"].as_str().unwrap())
}

/// The same file with other values.
fn edited(text: &str, edits: &[(&str, &str)]) -> String {
    edits.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is in\n{text}");
        text.replace(from, to)
    })
}

#[tokio::test]
async fn from_the_first_import_to_the_first_day_again() {
    let house = House::new().await;
    let first_day = house.policies();
    let dry = house.post(&format!("{LAB}/wish/import?dry_run=true"), json!({})).await.json;
    let none = house.ask(Method::GET, &format!("{LAB}/wish"), &Value::Null).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND, "{}", none.json);
    let rules = house.get(&format!("{LAB}/rules")).await;
    let in_care = |rules: &Value| {
        let rules = rules["rules"].as_array().unwrap();
        rules.iter().filter(|rule| rule["in_care"] == true).count()
    };
    assert_eq!(in_care(&rules), 0, "a dry run adopts nothing");
    let file = house.imported().await;
    assert_eq!(file, text(&dry["text"]), "a dry run says what would be written");
    let rules = house.get(&format!("{LAB}/rules")).await;
    assert_eq!(json!(in_care(&rules)), dry["adopted"]);

    let nothing = house.planned(json!({"text": file})).await;
    assert_eq!((&nothing["state"], &nothing["changes"]), (&json!("ready"), &json!([])));
    let edited = edited(
        &file,
        &[
            ("allow_camera: true", "allow_camera: false  # the lab asked for it"),
            ("maximum_attachment_size: unlimited", "maximum_attachment_size: 10MB"),
            ("  rules:", "  rules:\n    - type: WindowsMail\n      level: block"),
        ],
    );
    let plan = house.planned(json!({"text": edited})).await;
    let changes = plan["changes"].as_array().unwrap();
    let camera = changes.iter().find(|it| it["name"].to_string().contains("allow_camera")).unwrap();
    assert_eq!(
        (&camera["thing"], &camera["before"], &camera["after"], &camera["is_deletion"]),
        (&json!("setting"), &json!(true), &json!(false), &json!(false))
    );
    assert_eq!((changes.len(), plan["writes"].as_array().unwrap().len()), (3, 2));
    let would = house.post(&format!("{}/apply?dry_run=true", address(&plan)), json!({})).await;
    assert_eq!(would.json["would"], "send 2 writes to lab");
    assert_eq!(house.policies(), first_day, "neither a plan nor a dry run writes");
    let applied = house.applied(&plan).await;
    let states: Vec<&Value> =
        applied["steps"].as_array().unwrap().iter().map(|it| &it["state"]).collect();
    assert_eq!(states, ["done", "done"]);
    assert_eq!(house.drift().await, Vec::<Value>::new());
    let held = house.get(&format!("{LAB}/wish")).await;
    assert_eq!((&held["text"], &held["plan"]), (&json!(edited), &plan["id"]));

    house.app.clock().advance(SignedDuration::from_hours(1));
    house
        .app
        .exchange()
        .console("Set-MobileDeviceMailboxPolicy Default -AllowCamera $true")
        .unwrap();
    let drifted = house.drift().await;
    assert_eq!(drifted.len(), 1);
    assert_eq!((&drifted[0]["is"], &drifted[0]["shall_be"]), (&json!(true), &json!(false)));
    assert!(text(&drifted[0]["writer"]).ends_with("administrator"), "{drifted:?}");
    assert!(text(&drifted[0]["sentence"]).contains("is true and shall be false"));
    assert_eq!(house.get(&format!("{LAB}/drift")).await["drifted"], json!(drifted));
    let settings = house.get(&format!("{LAB}/settings")).await;
    let settings = settings["settings"].as_array().unwrap();
    let camera = settings.iter().find(|it| it["name"] == "allow_camera").unwrap();
    assert_eq!((&camera["is"], &camera["written"]), (&json!(true), &json!(false)));

    let mend = house.planned(json!({"kept": true})).await;
    house.applied(&mend).await;
    assert_eq!(house.drift().await, Vec::<Value>::new());
    let back = house.planned(json!({"rollback": true})).await;
    house.applied(&back).await;
    assert_eq!(house.policies(), first_day);
    let plans = house.get(&format!("{LAB}/plans?limit=2")).await;
    let origins = plans["plans"].as_array().unwrap().iter().map(|it| &it["origin"]);
    assert_eq!(origins.collect::<Vec<_>>(), ["rollback", "kept"]);
    let revisions = house.get(&format!("{LAB}/wish/revisions")).await;
    assert_eq!(revisions["revisions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_makes_no_plan_is_said() {
    let house = House::new().await;
    let plans = format!("{LAB}/plans");
    for (body, part) in [
        (json!({}), "exactly one of text, kept, rollback and switch"),
        (json!({"text": "", "kept": true}), "exactly one of"),
        (json!({"kept": true, "rollback": true}), "exactly one of"),
        (json!({"rollback": false}), "exactly one of"),
        (json!({"kept": true, "overwrite": true}), "overwrite is about a file"),
        (json!({"switch": {"active_days": 0}}), "from 1 to 365"),
        (json!({"file": "x"}), "unknown field `file`"),
    ] {
        let problem = house.refused(&plans, body, StatusCode::BAD_REQUEST).await;
        assert!(problem.detail.contains(part), "{problem}");
    }
    let kept = house.refused(&plans, json!({"kept": true}), StatusCode::NOT_FOUND).await;
    assert!(kept.detail.contains("nothing was applied to lab yet"), "{kept}");
    let id = uuid::Uuid::nil().to_string();
    for rollback in [id.as_str(), "yesterday"] {
        house.refused(&plans, json!({"rollback": rollback}), StatusCode::NOT_FOUND).await;
    }
    house.refused(&format!("{LAB}/drift"), Value::Null, StatusCode::NOT_FOUND).await;
    let long = json!({"text": "#".repeat(1024 * 1024)});
    house.refused(&plans, long, StatusCode::PAYLOAD_TOO_LARGE).await;
    let other = "/api/v1/connectors/other/plans";
    house.refused(other, json!({"text": "{}"}), StatusCode::NOT_FOUND).await;
    for wait in ["61", "-1", "soon"] {
        let address = format!("{plans}?wait={wait}");
        let problem = house.refused(&address, json!({"kept": true}), StatusCode::BAD_REQUEST).await;
        assert!(problem.detail.contains("seconds from 0 to 60"), "{problem}");
    }
    let would = house.post(&format!("{plans}?dry_run=true"), json!({"text": "{}"})).await;
    assert!(text(&would.json["would"]).contains("nothing is written to Exchange"));
    assert_eq!(house.get(&plans).await["plans"], json!([]), "none was made");
}

#[tokio::test]
async fn a_file_that_is_wrong_is_a_plan_that_is_refused_with_lines() {
    let house = House::new().await;
    let file = "connector: lab\nsettings:\n  password:\n    required: true\n    minimum_length: 99\n\
                access:\n  rules:\n    - model: \"SM-[0-9]\"\n      level: block\n";
    let plan = house.planned(json!({"text": file})).await;
    assert_eq!(plan["state"], "refused");
    let lines: Vec<&Value> =
        plan["problems"].as_array().unwrap().iter().map(|it| &it["line"]).collect();
    assert_eq!(lines, [5, 8]);
    let apply = format!("{}/apply", address(&plan));
    let problem = house.refused(&apply, json!({}), StatusCode::CONFLICT).await;
    assert!(problem.detail.contains("its problems say why"), "{problem}");
    let would = house.post(&format!("{apply}?dry_run=true"), Value::Null).await;
    assert_eq!(would.json["would"], "be refused: the plan is refused");
}

/// The world moved, a write was refused in the middle, and too many would be hit.
#[tokio::test]
async fn an_apply_is_refused_or_cut_and_says_so() {
    let house = House::new().await;
    let block = json!({"text": "access:\n  default_level: block\n  limit_of_flips: 1\n"});
    let plan = house.planned(block).await;
    let hits = plan["hits"]["devices"].as_u64().unwrap();
    assert!(hits > 1, "{plan}");
    assert_eq!(plan["limit_of_flips"], 1);
    let apply = format!("{}/apply", address(&plan));
    let problem = house.refused(&apply, json!({"accept_flips": hits - 1}), StatusCode::FORBIDDEN);
    let problem = problem.await;
    assert!(problem.remedy.contains("accept_flips"), "{problem}");
    house
        .app
        .exchange()
        .console("Set-ActiveSyncOrganizationSettings -DefaultAccessLevel Allow")
        .unwrap();
    let moved = house.post(&format!("{apply}?wait=60"), json!({"accept_flips": hits})).await.json;
    assert_eq!(moved["state"], "refused");
    assert!(text(&moved["note"]).contains("Exchange has changed since the plan was made"));

    let both = "access:\n  rules:\n    - type: TestPhone\n      level: block\nsettings:\n  \
                security:\n    allow_camera: false\n";
    let plan = house.planned(json!({"text": both})).await;
    let denied = "New-ActiveSyncDeviceAccessRule".to_owned();
    house.app.exchange().faults().denied_cmdlets.insert(denied);
    let apply = format!("{}/apply?wait=60", address(&plan));
    let cut = house.post(&apply, json!({})).await.json;
    assert_eq!(cut["state"], "failed", "{cut}");
    let states: Vec<&Value> =
        cut["steps"].as_array().unwrap().iter().map(|it| &it["state"]).collect();
    assert_eq!(states, ["done", "failed"]);
    let would = house.post(&format!("{}/apply?dry_run=true", address(&plan)), json!({})).await;
    assert!(text(&would.json["would"]).starts_with("go on with"), "{}", would.json);
    house.app.exchange().faults().denied_cmdlets.clear();
    assert_eq!(house.post(&apply, json!({})).await.json["state"], "applied");
    let again = house.refused(&apply, json!({}), StatusCode::CONFLICT).await;
    assert!(again.detail.contains("applied already"), "{again}");
}

#[tokio::test]
async fn a_plan_that_is_asked_for_twice_with_one_key_is_made_once() {
    let house = House::new().await;
    let body = || Body::from(json!({"text": "access:\n  default_level: block\n"}).to_string());
    let plans = format!("{LAB}/plans");
    let first = house.send(Method::POST, &plans, body(), "one").await;
    let second = house.send(Method::POST, &plans, body(), "one").await;
    assert_eq!(second.status, StatusCode::ACCEPTED);
    assert_eq!((second.location, &second.json["id"]), (first.location, &first.json["id"]));
    assert_eq!(house.get(&plans).await["plans"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn rules_are_tried_before_they_are_written() {
    let house = House::new().await;
    let test = format!("{LAB}/rules/test");
    let devices = house.get("/api/v1/devices?query=os:iOS*&limit=1000").await;
    let of_ios = devices["devices"].as_array().unwrap().len();
    let rules = json!([{"os": "iOS < 999", "level": "quarantine"}, {"type": "TestPhone", "level": "block"}]);
    let tested = house.post(&test, json!({"rules": rules})).await.json;
    assert_eq!(tested["problems"], json!([]), "{tested}");
    assert_eq!(tested["rules"][0]["rule"], "os: iOS < 999");
    let ranged = tested["rules"][0]["devices"].as_u64().unwrap();
    assert!(ranged > 0 && ranged <= of_ios as u64, "{ranged} of {of_ios}");
    let exact = tested["exact"].as_array().unwrap();
    let sum: u64 = exact.iter().map(|it| it["devices"].as_u64().unwrap()).sum();
    assert_eq!(sum, ranged, "each device has one operating system");
    assert_eq!(tested["rules"][1]["values"], 0);
    assert_eq!(tested["rules"][1]["exact_rules"], 1, "an exact value need not have been seen");

    let twice = "access:\n  rules:\n    - os: iOS 6\n      level: block\n    - os: iOS 6\n      level: allow\n";
    let tested = house.post(&test, json!({"text": twice})).await.json;
    assert_eq!(tested["problems"][0]["line"], 5, "{tested}");
    for (body, part) in [
        (
            json!({"rules": [{"os": "iOS", "type": "x", "level": "block"}]}),
            "rules[0] looks at one of",
        ),
        (json!({"rules": [{"level": "block"}]}), "rules[0] looks at one of"),
        (json!({"rules": [{"os": "iOS", "level": "deny"}]}), "rules[0].level is \"deny\""),
        (json!({"rules": [{"model": "SM-[0-9]", "level": "block"}]}), "rules[0].model: "),
        (json!({"rules": [], "text": ""}), "exactly one of rules and text"),
    ] {
        let problem = house.refused(&test, body, StatusCode::BAD_REQUEST).await;
        assert!(problem.detail.contains(part), "{problem}");
    }
    // What the wish says of a pattern stands beside each exact rule that comes of it.
    let file = "access:\n  rules:\n    - os: \"iOS < 999\"\n      level: allow\n";
    let plan = house.planned(json!({"text": file})).await;
    house.applied(&plan).await;
    house.post(&format!("{LAB}/wish/import?dry_run=true"), Value::Null).await;
    let rules = house.get(&format!("{LAB}/rules")).await;
    let rules = rules["rules"].as_array().unwrap();
    let written: Vec<_> = rules.iter().filter(|it| it["written"] == "os: iOS < 999").collect();
    assert_eq!(written.len(), exact.len() - 1);
    assert!(written.iter().all(|it| it["in_care"] == true), "{written:?}");
    let sum: u64 = written.iter().map(|it| it["devices"].as_u64().unwrap()).sum();
    assert_eq!(sum, ranged);
}

#[tokio::test]
async fn the_catalogue_says_what_every_setting_takes() {
    let house = House::new().await;
    let list = house.get("/api/v1/settings").await;
    let settings = list["settings"].as_array().unwrap();
    assert_eq!(settings.len(), domain::Setting::ALL.len());
    let of = |name: &str| settings.iter().find(|it| it["name"] == name).unwrap();
    let provisionable = of("allow_non_provisionable_devices");
    assert_eq!(provisionable["usual"], json!({"2010": false, "2013": true}));
    assert_eq!(of("allow_camera")["group"], "security");
    assert_eq!(of("minimum_length")["takes"]["2013"], "a number from 1 to 16 or none");
    for setting in settings {
        assert!(!text(&setting["obeyed_by"]).is_empty(), "{setting}");
    }
}

#[tokio::test]
async fn who_may_only_read_may_only_read() {
    let mut house = House::new().await;
    let file = house.imported().await;
    let plan = house.planned(json!({"text": file})).await;
    house.applied(&plan).await;
    let reader = json!({"name": "reader", "permissions": ["read", "read-resource"]});
    let made = house.post("/api/v1/tokens", reader).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.json);
    house.token = text(&made.json["token"]);
    for address in ["wish", "wish/revisions", "plans", "drift", "rules", "settings"] {
        house.get(&format!("{LAB}/{address}")).await;
    }
    house.get(&address(&plan)).await;
    // Whoever may not do it is refused before what they sent is looked at.
    for (address, body) in [
        (format!("{LAB}/wish/import"), Value::Null),
        (format!("{LAB}/plans"), json!({"nonsense": true})),
        (format!("{LAB}/drift"), Value::Null),
        (format!("{LAB}/rules/test"), json!({"nonsense": true})),
        (format!("{}/apply", address(&plan)), json!({"nonsense": true})),
    ] {
        for dry in ["", "?dry_run=true"] {
            let address = format!("{address}{dry}");
            let problem = house.refused(&address, body.clone(), StatusCode::FORBIDDEN).await;
            assert!(problem.detail.contains("Modify connector policy"), "{address}: {problem}");
        }
    }
}

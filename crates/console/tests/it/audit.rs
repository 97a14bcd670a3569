//! The audit on a page.

use axum::http::StatusCode;

use crate::Console;

#[tokio::test]
async fn entries_are_looked_through_and_handed_out() {
    let console = Console::signed_in().await;
    console.get("/audit/export?format=csv").await;
    let all = console.get("/audit").await;
    assert_eq!(all.status, StatusCode::OK);
    assert!(all.body.contains("audit.kept"), "{}", all.body);
    assert!(all.body.contains("href=\"/audit\" aria-current=\"page\""));
    assert!(all.body.contains("what: all exported"));
    let none = console.get("/audit?event=connector.added&who=jane").await;
    assert!(none.body.contains("Nothing fits"));
    assert!(none.body.contains("<option selected>connector.added</option>"));
    assert!(none.body.contains("/audit/export?who=jane&#38;event=connector.added&#38;format=csv"));
    let wrong = console.get("/audit?from=yesterday%3Cb%3E").await;
    assert!(wrong.body.contains("yesterday&#60;b&#62;"), "{}", wrong.body);

    let export = console.get("/audit/export?format=jsonl").await;
    assert_eq!(export.header("content-disposition"), "attachment; filename=\"audit.jsonl\"");
    let verified = engine::verify(export.body.as_bytes(), engine::Expected::default()).unwrap();
    assert!(verified.entries >= 2);
    console.stop().await;
}

#[tokio::test]
async fn how_it_is_kept_is_shown_and_set() {
    let console = Console::signed_in().await;
    let page = console.get("/audit").await;
    assert!(page.body.contains("Entries are closed only when somebody asks for it."));
    assert!(page.body.contains("It is streamed nowhere."));
    let kept = console.post("/audit/retention", "days=400").await;
    assert!(kept.body.contains("Entries are closed by themselves after 400 days."));
    let wrong = console.post("/audit/retention", "days=3").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("3 days are too few"), "{}", wrong.body);
    let wrong = console.post("/audit/stream", "host=a+b&transport=tls").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let set = console.post("/audit/stream", "size_mb=5&kept=3").await;
    assert!(set.body.contains("the file audit/stream.jsonl"), "{}", set.body);
    let removed = console.post("/audit/stream/remove", "").await;
    assert!(removed.body.contains("It is streamed nowhere."));
    let again = console.post("/audit/stream/remove", "").await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    let begun = console.post("/audit/check", "").await;
    assert!(begun.body.contains("Everything is being verified."));
    let refused = console.get("/audit?outcome=refused").await;
    assert!(refused.body.contains("Nothing fits"), "{}", refused.body);
    let wrong = console.get("/audit?event=nonsense").await;
    assert!(wrong.body.contains("is no event of the audit"));
    console.stop().await;
}

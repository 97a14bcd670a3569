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

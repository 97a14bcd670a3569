//! Who is let in.

use domain::{Caller, Source};
use jiff::SignedDuration;
use testkit::TestApp;

#[tokio::test]
async fn a_session_begins_with_the_token_and_ends_after_a_working_day() {
    let app = TestApp::beside(0).unwrap();
    let engine = app.engine();
    for wrong in ["", " ", "token", &TestApp::TOKEN.to_uppercase()] {
        assert_eq!(engine.caller_of_token(wrong).await.unwrap(), None);
        assert_eq!(engine.sign_in(wrong).await.unwrap(), None);
    }
    let caller = Some(Caller::local_administrator().by(Source::Console));
    assert_eq!(engine.caller_of_token(TestApp::TOKEN).await.unwrap(), caller);
    let session = engine.sign_in(TestApp::TOKEN).await.unwrap().unwrap();
    assert_ne!(session, engine.sign_in(TestApp::TOKEN).await.unwrap().unwrap());
    assert_eq!(engine.caller_of_session("x").await.unwrap(), None);
    app.clock().advance(SignedDuration::from_hours(11));
    assert_eq!(engine.caller_of_session(&session).await.unwrap(), caller);
    app.clock().advance(SignedDuration::from_hours(2));
    assert_eq!(engine.caller_of_session(&session).await.unwrap(), None);
}

#[tokio::test]
async fn who_signs_out_is_not_let_in_again() {
    let app = TestApp::beside(0).unwrap();
    let session = app.engine().sign_in(TestApp::TOKEN).await.unwrap().unwrap();
    app.engine().sign_out(&session).await.unwrap();
    assert_eq!(app.engine().caller_of_session(&session).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_outlives_a_restart() {
    let mut app = TestApp::beside(0).unwrap();
    let session = app.engine().sign_in(TestApp::TOKEN).await.unwrap().unwrap();
    app.restart().await.unwrap();
    let caller = app.engine().caller_of_session(&session).await.unwrap();
    assert_eq!(caller, Some(Caller::local_administrator().by(Source::Console)));
}

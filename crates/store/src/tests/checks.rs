//! What the last check found.

use super::connector;
use crate::testing::on_both;
use crate::{Error, Store};

#[tokio::test]
async fn the_last_check_is_kept_until_its_connector_is_changed_or_goes() {
    on_both(async |store: Store| {
        let (lab, other) = (connector("lab"), connector("other"));
        let refused = store.set_last_check(lab.id, "{}").await;
        assert!(matches!(refused, Err(Error::NotFound(_))), "{refused:?}");
        store.add_connector(&lab, Some(b"sealed")).await.unwrap();
        store.add_connector(&other, None).await.unwrap();
        assert_eq!(store.last_check(lab.id).await.unwrap(), None);
        for document in ["{\"step\": \"a\u{0}b\"}", "no JSON"] {
            store.set_last_check(lab.id, document).await.unwrap();
            assert_eq!(store.last_check(lab.id).await.unwrap().as_deref(), Some(document));
        }
        assert_eq!(store.last_check(other.id).await.unwrap(), None);
        // What moves by itself is no change.
        store.set_paused(lab.id, true).await.unwrap();
        assert!(store.last_check(lab.id).await.unwrap().is_some());
        store.change_connector(&lab, None).await.unwrap();
        assert_eq!(store.last_check(lab.id).await.unwrap(), None);

        store.set_last_check(lab.id, "{}").await.unwrap();
        store.remove_connector(lab.id).await.unwrap();
        store.add_connector(&lab, None).await.unwrap();
        assert_eq!(store.last_check(lab.id).await.unwrap(), None);
    })
    .await;
}

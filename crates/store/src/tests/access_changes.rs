//! Changes of Exchange's decisions are kept by the database itself.

use domain::authority::{BuiltInRole, Grant, Place};
use domain::{AccessState, Caller, DeviceId, Permission};

use super::{connector, row};
use crate::testing::on_both;
use crate::{Error, Store};

#[tokio::test]
async fn each_change_of_access_is_kept_once_and_goes_with_the_device() {
    on_both(async |store: Store| {
        let lab = connector("lab");
        store.add_connector(&lab, None).await.unwrap();
        let write = async |state: AccessState| {
            let mut row = row(1);
            row.facts.access_state = state;
            store.write_devices(lab.id, vec![row]).await.unwrap();
        };
        let scope = Caller::local_administrator().scope(Permission::ReadResource).unwrap();
        let id = DeviceId::of(lab.id, row(1).facts.guid);
        let changes = async |limit: u32| {
            let changes = store.access_changes(&scope, id, limit).await.unwrap();
            changes.iter().map(|change| (change.was, change.state)).collect::<Vec<_>>()
        };
        write(AccessState::Discovery).await;
        assert_eq!(changes(10).await, []);
        write(AccessState::Quarantined).await;
        write(AccessState::Quarantined).await;
        write(AccessState::Allowed).await;
        let all = [
            (AccessState::Quarantined, AccessState::Allowed),
            (AccessState::Discovery, AccessState::Quarantined),
        ];
        assert_eq!(changes(10).await, all);
        assert_eq!(changes(1).await, all[..1]);
        let place = Place::Connector(connector("other").id);
        let grant = Grant { permissions: BuiltInRole::HelpDesk.permissions(), place };
        let elsewhere = Caller { grants: vec![grant], ..Caller::local_administrator() };
        let elsewhere = elsewhere.scope(Permission::ReadResource).unwrap();
        let none = store.access_changes(&elsewhere, id, 10).await;
        assert!(matches!(none, Err(Error::NotFound(_))), "{none:?}");
        store.remove_connector(lab.id).await.unwrap();
        let gone = store.access_changes(&scope, id, 10).await;
        assert!(matches!(gone, Err(Error::NotFound(_))), "{gone:?}");
        store.add_connector(&lab, None).await.unwrap();
        write(AccessState::Allowed).await;
        assert_eq!(changes(10).await, [], "what was known of it went with it");
    })
    .await;
}

//! Typed identifiers: a connector's id cannot be passed where a device's is meant.

use uuid::Uuid;

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

typed_id! {
    /// One configured link to one organization.
    ConnectorId
}
typed_id! {
    /// One device partnership, for ever: see [`DeviceId::of`].
    DeviceId
}
typed_id! {
    /// One durable piece of work.
    JobId
}
typed_id! {
    /// One reading of an organization, full or delta.
    PassId
}
typed_id! {
    /// One action: something asked of one device.
    ActionId
}
typed_id! {
    /// One request: an action asked for, of one device or many.
    RequestId
}
typed_id! {
    /// One plan: how Exchange comes to be as somebody wrote down.
    PlanId
}
typed_id! {
    /// One identity provider.
    IdentityProviderId
}
typed_id! {
    /// One person, or one thing that acts like one.
    PersonId
}
typed_id! {
    /// One way by which notifications go out.
    ChannelId
}
typed_id! {
    /// One wish to be told.
    SubscriptionId
}
typed_id! {
    /// One message to one recipient.
    DeliveryId
}

typed_id! {
    /// One role given to somebody for a place.
    AssignmentId
}
typed_id! {
    /// One saved query.
    CollectionId
}
typed_id! {
    /// One signed-in browser. It is no secret: the cookie holds another number.
    SessionId
}
typed_id! {
    /// One API token. It is no secret: it stands before the secret in the token.
    TokenId
}

impl PersonId {
    /// Whoever holds the token that the server wrote into its data directory.
    pub const LOCAL_ADMINISTRATOR: Self = Self(Uuid::from_u128(1));
    /// Gatepost itself.
    pub const ENGINE: Self = Self(Uuid::nil());
}

impl DeviceId {
    /// The id of the partnership that Exchange knows by `guid` in the organization of `connector`.
    ///
    /// It is computed (UUID version 5 in the connector's name space), so the same partnership has
    /// the same id whenever and however often it is read.
    #[must_use]
    pub fn of(connector: ConnectorId, guid: Uuid) -> Self {
        Self(Uuid::new_v5(&connector.0, guid.as_bytes()))
    }
}

//! Stories of the engine beside a simulated organization, over the real wire.

#![expect(clippy::unwrap_used, reason = "helpers of a story fail as the story itself would")]

/// Tells each of these stories twice: beside an organization on premises, and beside a hosted one.
macro_rules! on_both_sides {
    ($($story:ident),+ $(,)?) => {
        mod on_premises {
            $(#[tokio::test]
            async fn $story() {
                super::$story(testkit::Side::OnPremises).await;
            })+
        }

        mod hosted {
            $(#[tokio::test]
            async fn $story() {
                super::$story(testkit::Side::Hosted).await;
            })+
        }
    };
}

mod acting;
mod audit;
mod connecting;
mod explaining;
mod federation;
mod hosted;
mod living;
mod notifying;
mod people;
mod signing_in;
mod syncing;
mod wishing;

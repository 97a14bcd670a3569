//! What a change would do: the answer to `dry_run=true`.

use axum::{
    Json,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};

/// What a change would do: the answer to `dry_run=true`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Preview {
    /// Always true: nothing was done.
    pub dry_run: bool,
    /// What would be done, in one sentence.
    pub would: String,
}

impl Preview {
    pub(crate) fn of(would: String) -> Response {
        Json(Self { dry_run: true, would }).into_response()
    }
}

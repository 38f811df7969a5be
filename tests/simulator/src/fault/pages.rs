//! Faults of lists that come in pages: what is wrong with those after the first. It knows the shapes of
//! such answers, and nothing of what is listed.

use axum::response::Response;
use serde_json::Value;

use super::answer::as_json;
use super::script::collect;
use crate::api::call::Call;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pages {
    /// `pages-same`: each names itself as the next one.
    Same,
    /// `pages-empty`: each is empty, and names another one.
    Empty,
    /// `pages-silent`: no answer, ever.
    Silent,
}

impl Pages {
    pub fn parse(kind: &str) -> Option<Self> {
        Some(match kind {
            "pages-same" => Self::Same,
            "pages-empty" => Self::Empty,
            "pages-silent" => Self::Silent,
            _ => return None,
        })
    }

    pub async fn answer(self, call: &Call, operation: impl Future<Output = Response>) -> Response {
        let Some(cursor) = call.query.get("cursor") else {
            return operation.await;
        };
        if self == Self::Silent {
            return std::future::pending().await;
        }
        let body = collect(operation.await.into_body()).await;
        let mut page: Value = serde_json::from_slice(&body).unwrap_or_default();
        for list in ["projects", "branches"] {
            if let Some(Value::Array(items)) = page.get_mut(list) {
                if self == Self::Empty {
                    items.clear();
                }
                let name = if list == "projects" { "cursor" } else { "next" };
                page["pagination"][name] = cursor.as_str().into();
            }
        }
        as_json(page.to_string())
    }
}

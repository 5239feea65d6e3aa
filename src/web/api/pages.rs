//! Lists by page number, with exact totals.

use serde::Serialize;
use utoipa::ToSchema;

/// Which page was asked for, and how many rows it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    pub(super) page: i64,
    pub(super) per_page: i64,
}

impl Numbers {
    /// How many rows lie before the page.
    pub(super) fn offset(self) -> i64 {
        self.page.saturating_sub(1).saturating_mul(self.per_page)
    }

    /// The page with these rows, of so many in all.
    pub(super) fn list<T>(self, data: Vec<T>, total: i64) -> List<T> {
        let total_pages = total.saturating_add(self.per_page).saturating_sub(1).checked_div(self.per_page).unwrap_or(0);
        List { object: "list", data, meta: Meta { page: self.page, per_page: self.per_page, total, total_pages } }
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List<T> {
    /// Always `list`.
    object: &'static str,
    data: Vec<T>,
    meta: Meta,
}

/// Which page it is, of how many.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Meta {
    #[schema(minimum = 1)]
    page: i64,
    #[schema(minimum = 1, maximum = 100)]
    per_page: i64,
    #[schema(minimum = 0)]
    total: i64,
    #[schema(minimum = 0)]
    total_pages: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_counted_exactly() {
        let pages = |total| Numbers { page: 1, per_page: 50 }.list(Vec::<()>::new(), total).meta.total_pages;
        assert_eq!([0, 1, 50, 51, 100].map(pages), [0, 1, 1, 2, 2]);
        assert_eq!(Numbers { page: i64::MAX, per_page: 100 }.offset(), i64::MAX);
    }
}

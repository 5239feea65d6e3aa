//! POST `/account/table`: which columns of a list, in which order, how many rows, sorted by what; `earlier` names a column
//! that is put one place before where it stands.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use crate::auth::{DisputeCalls, Permission, ViewDisputes, Viewer};
use crate::clock::Clock;
use crate::db::table_settings::{self, Table, TableSettings};
use crate::db::{Db, DbError};
use crate::web::AppError;
use crate::web::form::Checked;
use crate::web::list_query::PER_PAGE;
use crate::web::notice::Notice;
use crate::web::paths::{self, LocalPath};

/// More columns than any list has.
const MOST_COLUMNS: usize = 30;
const LONGEST_CODE: usize = 40;

/// What the address of a list says itself. Once it is saved, the address must not contradict it.
const SAVED: [&str; 5] = ["columns", "per_page", "sort", "after", "before"];

/// The form as it was sent; what it doesn't say stays as it was saved.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    table: Table,
    columns: Vec<String>,
    per_page: Option<i32>,
    sort: Option<String>,
    is_reset: bool,
    back: String,
}

/// POST `/account/table`
pub(crate) async fn save(
    viewer: Viewer,
    form: Checked<Vec<(String, String)>>,
    request: HttpRequest,
    db: Data<Db>,
    clock: Data<Clock>,
) -> Result<HttpResponse, AppError> {
    let Wanted { table, columns, per_page, sort, is_reset, back } = read(&form)?;
    if table == Table::Disputes && viewer.dispute_viewer().is_none() {
        let what = if viewer.is_manager() { ViewDisputes::LABEL } else { DisputeCalls::LABEL };
        return Err(AppError::Forbidden { what: what.to_owned() });
    }
    let (actor, owner, now) = (viewer.actor(), (viewer.user(), table), clock.now());
    db.write::<_, DbError, _>(move |conn| {
        if is_reset {
            return Ok(table_settings::reset(conn, &actor, owner, now)?);
        }
        let before = table_settings::find(conn, owner.0, table.code())?;
        let (rows_before, sort_before) = before.map_or((None, String::new()), |it| (Some(it.per_page), it.sort));
        let wanted = TableSettings {
            column_list: columns.join(","),
            per_page: per_page.or(rows_before).or(i32::try_from(PER_PAGE).ok()).unwrap_or_default(),
            sort: sort.clone().unwrap_or(sort_before),
        };
        Ok(table_settings::save(conn, &actor, owner, &wanted, now)?)
    })
    .await?;
    let notice = if is_reset { Notice::TableReset } else { Notice::TableSaved };
    Ok(notice.redirect(&request, back))
}

fn read(fields: &[(String, String)]) -> Result<Wanted, AppError> {
    let last = |name: &str| {
        let value = fields.iter().rev().find(|(found, _)| found == name).map(|(_, value)| value.trim());
        value.filter(|value| !value.is_empty())
    };
    let refused = |sentence: &str| Err(AppError::Unprocessable(sentence.to_owned()));
    let Some(table) = last("table").and_then(Table::from_code) else {
        return refused("The field \u{201c}table\u{201d} needs calls or disputes.");
    };
    let mut columns: Vec<String> = Vec::new();
    for (_, column) in fields.iter().filter(|(name, value)| name == "column" && !value.is_empty()) {
        if !is_code(column) {
            return refused("The field \u{201c}column\u{201d} needs the code of a column, such as call_date.");
        }
        if !columns.contains(column) {
            columns.push(column.clone());
        }
    }
    if let Some(moved) = last("earlier") {
        let at = columns.iter().position(|column| column == moved);
        if let Some((at, before)) = at.and_then(|at| Some((at, at.checked_sub(1)?))) {
            columns.swap(at, before);
        }
    }
    if columns.len() > MOST_COLUMNS {
        return refused("A list can have at most 30 columns.");
    }
    let per_page = match last("per_page").map(str::parse::<i32>) {
        None => None,
        Some(Ok(rows)) if (1..=100).contains(&rows) => Some(rows),
        Some(_) => return refused("The field \u{201c}per_page\u{201d} needs a number from 1 to 100."),
    };
    let sort = last("sort");
    if sort.is_some_and(|sort| !is_code(sort.strip_prefix('-').unwrap_or(sort))) {
        return refused("The field \u{201c}sort\u{201d} needs the code of a column, with - before it for descending.");
    }
    let is_reset = last("reset") == Some("1");
    let back = way_back(last("return_to").unwrap_or_default(), table, sort.is_some() || is_reset);
    Ok(Wanted { table, columns, per_page, sort: sort.map(str::to_owned), is_reset, back })
}

fn is_code(text: &str) -> bool {
    (1..=LONGEST_CODE).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// The page that was left, its filters kept and without what is saved now; else the list.
fn way_back(return_to: &str, table: Table, has_sort: bool) -> String {
    let list = match table {
        Table::Calls => paths::calls(),
        Table::Disputes => paths::disputes(),
    };
    let Some(there) = LocalPath::parse(return_to) else {
        return list;
    };
    let address = there.as_str().split('#').next().unwrap_or_default();
    let Some((path, query)) = address.split_once('?') else {
        return address.to_owned();
    };
    if path != list {
        return address.to_owned();
    }
    let is_kept = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        !pair.is_empty() && (!SAVED.contains(&name) || (name == "sort" && !has_sort))
    };
    let kept: Vec<_> = query.split('&').filter(is_kept).collect();
    if kept.is_empty() { list } else { format!("{list}?{}", kept.join("&")) }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn sent(fields: &[(&str, &str)]) -> Result<Wanted, AppError> {
        read(&fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>())
    }

    #[test]
    fn columns_keep_their_order_and_stand_once() {
        let wanted = sent(&[("table", "calls"), ("column", "payout"), ("column", "status"), ("column", "payout")]);
        assert_eq!(wanted.expect("a form").columns, ["payout", "status"]);
    }

    #[rstest]
    #[case("payout", "payout,status,reason")]
    #[case("reason", "status,reason,payout")]
    #[case("status", "status,payout,reason")]
    #[case("due", "status,payout,reason")]
    fn a_column_is_put_one_place_earlier(#[case] moved: &str, #[case] then: &str) {
        let columns = ["status", "payout", "reason"].map(|column| ("column", column));
        let wanted = sent(&[&columns[..], &[("table", "disputes"), ("earlier", moved)]].concat()).expect("a form");
        assert_eq!(wanted.columns.join(","), then);
    }

    #[rstest]
    #[case(&[("table", "users")])]
    #[case(&[])]
    #[case(&[("table", "calls"), ("column", "Payout")])]
    #[case(&[("table", "calls"), ("column", "a,b")])]
    #[case(&[("table", "calls"), ("column", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")])]
    #[case(&[("table", "calls"), ("per_page", "101")])]
    #[case(&[("table", "calls"), ("per_page", "many")])]
    #[case(&[("table", "calls"), ("sort", "--payout")])]
    fn nonsense_is_refused(#[case] fields: &[(&str, &str)]) {
        assert!(matches!(sent(fields), Err(AppError::Unprocessable(_))));
    }

    #[test]
    fn there_are_at_most_thirty_columns() {
        let codes: Vec<String> =
            ('a'..='z').chain('a'..='e').enumerate().map(|(at, c)| c.to_string().repeat(at / 26 + 1)).collect();
        let mut fields: Vec<(&str, &str)> = vec![("table", "calls")];
        fields.extend(codes.iter().map(|code| ("column", code.as_str())));
        assert!(sent(&fields).is_err());
        fields.pop();
        assert_eq!(sent(&fields).expect("thirty").columns.len(), 30);
    }

    #[rstest]
    #[case(
        "/calls?status=failed&columns=payout&per_page=25&after=x&sort=payout",
        false,
        "/calls?status=failed&sort=payout"
    )]
    #[case("/calls?sort=payout", true, "/calls")]
    #[case("/calls", false, "/calls")]
    #[case("/disputes?columns=payout", false, "/disputes?columns=payout")]
    #[case("//evil.example", false, "/calls")]
    #[case("", false, "/calls")]
    fn the_way_back_keeps_the_filters_alone(#[case] from: &str, #[case] has_sort: bool, #[case] to: &str) {
        assert_eq!(way_back(from, Table::Calls, has_sort), to);
    }
}

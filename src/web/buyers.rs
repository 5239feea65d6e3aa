//! Buyers in a manager's filters: a menu, or a field for their names where there are too many for one.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Query};
use askama::Template;
use serde::Deserialize;

use super::AppError;
use super::list_query::{Params, refuse};
use crate::auth::Viewer;
use crate::db::names::{self, BuyerChoices};
use crate::db::{AnyConnection, Db, buyers};
use crate::domain::ids::BuyerId;

/// What a filter by buyer shows.
#[derive(Clone, Debug, Default)]
pub struct BuyerFilter {
    pub choices: BuyerChoices,
    pub chosen: Option<BuyerId>,
}

impl BuyerFilter {
    /// The buyers to choose from, with the one that is chosen.
    ///
    /// # Errors
    /// If the database can't be asked.
    pub fn load(conn: &mut AnyConnection, chosen: Option<BuyerId>) -> Result<Self, AppError> {
        Ok(Self { choices: names::buyer_choices(conn, chosen)?, chosen })
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates hand over references")]
    pub(crate) fn is_chosen(&self, id: &BuyerId) -> bool {
        self.chosen.as_ref() == Some(id)
    }

    /// The name of the one that is chosen.
    pub(crate) fn name(&self) -> &str {
        let chosen = self.choices.listed.iter().find(|(id, _)| self.is_chosen(id));
        chosen.map_or("", |(_, name)| name.as_str())
    }
}

/// Puts the id in the place of a buyer's name that a manager typed, so that every link of the page carries the id.
///
/// # Errors
/// 422 that names the field, where nobody is called so.
pub fn name_to_id(conn: &mut AnyConnection, viewer: &Viewer, params: &mut Params) -> Result<(), AppError> {
    const FIELD: &str = "buyer";
    let typed = params.short_text(FIELD)?.filter(|text| viewer.is_manager() && text.parse::<BuyerId>().is_err());
    let Some(typed) = typed else { return Ok(()) };
    let found = buyers::find_by_name(conn, &typed)?;
    let found = found.ok_or_else(|| refuse(FIELD, &typed, "the name or the id of a buyer"))?;
    params.put(FIELD, found.id.to_string());
    Ok(())
}

/// The beginning of a name, from whichever field it is typed into.
#[derive(Debug, Deserialize)]
pub(super) struct Typed {
    #[serde(alias = "company", default)]
    buyer: String,
}

#[derive(Template)]
#[template(source = "{% for name in names %}<option value=\"{{ name }}\"></option>{% endfor %}", ext = "html")]
struct Suggestions {
    names: Vec<String>,
}

/// GET `/buyers`: names that begin as what is typed, for managers alone.
pub(super) async fn suggest(viewer: Viewer, typed: Query<Typed>, db: Data<Db>) -> Result<HttpResponse, AppError> {
    if !viewer.is_manager() {
        return Err(AppError::Forbidden { what: "a manager\u{2019}s account".to_owned() });
    }
    let names =
        db.read(move |conn| Ok::<_, AppError>(names::buyers_from(conn, &typed.buyer.replace('\0', ""))?)).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "private, no-store"))
        .body(Suggestions { names }.render()?))
}

//! POST `/disputes/{id}/assignment`: whose work a dispute is.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use super::deciding::failure;
use super::show::Asked;
use crate::auth::{DisputeViewer, EditDisputes, Granted, ViewDisputes};
use crate::clock::Clock;
use crate::db::disputes::DisputeRow;
use crate::db::{AnyConnection, Db, assignments, names};
use crate::domain::ids::{DisputeId, UserId};
use crate::web::chrome::Here;
use crate::web::form::Checked;
use crate::web::htmx::Htmx;
use crate::web::notice::Notice;
use crate::web::{AppError, Path};

/// Who is to work on it: an id, `me`, or nobody.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web) struct AssignmentForm {
    user: String,
}

/// POST `/disputes/{id}/assignment`.
pub(in crate::web) async fn assign(
    grant: Granted<EditDisputes>,
    id: Path<DisputeId>,
    form: Checked<AssignmentForm>,
    (request, here, htmx): (HttpRequest, Here, Htmx),
    (db, clock): (Data<Db>, Data<Clock>),
) -> Result<HttpResponse, AppError> {
    let asked = Asked::of(&request, &here, &htmx, clock.now());
    let (id, now) = (*id, Data::clone(&clock));
    let to = match form.user.trim() {
        "" => None,
        "me" => Some(grant.user()),
        user => Some(user.parse::<UserId>().or(Err(AppError::Unprocessable(
            "The field \u{201c}user\u{201d} needs a manager\u{2019}s id, me, or nothing.".to_owned(),
        )))?),
    };
    db.write(move |conn| assignments::assign(conn, &grant, &now, id, to)).await.map_err(failure)?;
    Ok(Notice::Assigned.redirect(&request, asked.back_to(id)))
}

/// Whose work it is, as managers see and change it.
pub(super) struct Assignment {
    pub(super) name: String,
    pub(super) choices: Vec<Choice>,
    pub(super) may_change: bool,
    pub(super) is_mine: bool,
}

/// A manager to choose.
pub(super) struct Choice {
    pub(super) id: UserId,
    pub(super) name: String,
    pub(super) is_chosen: bool,
}

impl Assignment {
    /// For managers alone.
    pub(super) fn load(
        conn: &mut AnyConnection,
        viewer: &DisputeViewer,
        row: &DisputeRow,
    ) -> Result<Option<Self>, AppError> {
        let Some(manager) = Granted::<ViewDisputes>::check(viewer.viewer()) else { return Ok(None) };
        let may_change = Granted::<EditDisputes>::check(viewer.viewer()).is_some();
        let choices = if may_change { assignments::choices(conn, &manager)? } else { Vec::new() };
        let name = match row.assignee_id {
            Some(user) => names::of_user(conn, user)?.unwrap_or_default(),
            None => String::new(),
        };
        let choices = choices.into_iter().map(|(id, name)| Choice { id, name, is_chosen: row.assignee_id == Some(id) });
        Ok(Some(Self {
            name,
            choices: choices.collect(),
            may_change,
            is_mine: row.assignee_id == Some(viewer.viewer().user()),
        }))
    }
}

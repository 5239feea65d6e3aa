//! What stands beside the list of users: an invitation, a user, or a link that is shown once.

use actix_web::HttpRequest;

use super::fields::{Fields, PermissionBox, names};
use super::users::origin_of;
use crate::auth::{Granted, ManageSettings};
use crate::db::administration::Company;
use crate::db::links::Purpose;
use crate::db::names::BuyerChoices;
use crate::db::users::{NewUser, UserError, UserRow};
use crate::db::{AnyConnection, DbError, buyers, names as known, policy};
use crate::domain::Instant;
use crate::domain::ids::{BuyerId, UserId};
use crate::web::filters::When;
use crate::web::form::FormState;
use crate::web::{AppError, paths};

/// What stands beside the list.
pub(super) enum Aside {
    Nothing,
    Invite(InviteForm),
    Edit(EditForm),
    Link(LinkShown),
}

/// The form of an invitation.
pub(super) struct InviteForm {
    pub(super) state: FormState,
    pub(super) platform: String,
    /// Names to choose from; any other can be typed.
    pub(super) buyers: BuyerChoices,
    pub(super) for_managers: Vec<PermissionBox>,
    pub(super) for_buyers: Vec<PermissionBox>,
}

/// An invitation as it was sent.
pub(super) struct ReadInvite {
    pub(super) new: NewUser,
    pub(super) state: FormState,
}

const ROLE: &str = "role";

impl InviteForm {
    pub(super) fn empty(conn: &mut AnyConnection, company: Option<Company>) -> Result<Self, AppError> {
        let state = match company {
            Some(Company::Buyer(id)) => {
                let name = buyers::find(conn, id)?.map(|row| row.name).unwrap_or_default();
                FormState::new().with(ROLE, "buyer").with("buyer", name)
            }
            Some(Company::Platform) => FormState::new().with(ROLE, "manager"),
            None => FormState::new().with(ROLE, "buyer"),
        };
        Self::build(conn, state, &Fields::default())
    }

    /// The same form with what was typed.
    pub(super) fn again(conn: &mut AnyConnection, fields: &Fields, state: FormState) -> Result<Self, AppError> {
        Self::build(conn, state, fields)
    }

    fn build(conn: &mut AnyConnection, state: FormState, fields: &Fields) -> Result<Self, AppError> {
        let ticked = fields.permissions();
        Ok(Self {
            state,
            platform: policy::platform_name(conn)?,
            buyers: known::buyer_choices(conn, None)?,
            for_managers: PermissionBox::of_managers(ticked),
            for_buyers: PermissionBox::of_buyers(ticked),
        })
    }

    /// Reads what was sent; permissions of the other role are ignored.
    pub(super) fn read(conn: &mut AnyConnection, fields: &Fields) -> Result<ReadInvite, AppError> {
        let mut state = fields.keep(&[ROLE, "name", "email", "buyer"]);
        let mut permissions = fields.permissions();
        let buyer = match fields.text(ROLE) {
            "manager" => {
                permissions.dispute_calls = false;
                None
            }
            "buyer" => {
                permissions =
                    crate::db::users::Permissions { dispute_calls: permissions.dispute_calls, ..Default::default() };
                find_buyer(conn, fields.text("buyer"), &mut state)?
            }
            _ => {
                state.refuse(ROLE, "Choose whether they manage the platform or belong to a buyer");
                None
            }
        };
        let (name, email) = (fields.text("name").trim().to_owned(), fields.text("email").trim().to_owned());
        if name.is_empty() {
            state.refuse("name", "Write their name");
        }
        if email.is_empty() {
            state.refuse("email", "Write their e-mail, such as name@company.example");
        }
        Ok(ReadInvite { new: NewUser { email, name, password_hash: None, buyer, permissions }, state })
    }

    pub(super) fn is_role(&self, role: &str) -> bool {
        self.state.is(ROLE, role)
    }
}

fn find_buyer(conn: &mut AnyConnection, name: &str, state: &mut FormState) -> Result<Option<BuyerId>, DbError> {
    if name.trim().is_empty() {
        state.refuse("buyer", "Choose the buyer they belong to");
        return Ok(None);
    }
    let found = buyers::find_by_name(conn, name)?;
    if found.is_none() {
        state.refuse("buyer", format!("There is no buyer of the name {}", name.trim()));
    }
    Ok(found.map(|row| row.id))
}

/// The form of one user.
#[expect(clippy::struct_excessive_bools, reason = "each is a claim of its own about the user")]
pub(super) struct EditForm {
    pub(super) state: FormState,
    pub(super) action: String,
    pub(super) company: String,
    /// As they are now, so that somebody else's change isn't undone unseen.
    pub(super) name: String,
    pub(super) email: String,
    pub(super) seen: String,
    pub(super) boxes: Vec<PermissionBox>,
    pub(super) is_disabled: bool,
    pub(super) has_password: bool,
    pub(super) is_self: bool,
    is_buyers: bool,
}

impl EditForm {
    pub(super) fn of(conn: &mut AnyConnection, user: &UserRow, viewer: UserId) -> Result<Self, AppError> {
        let company = match user.buyer_id {
            Some(id) => buyers::find(conn, id)?.map(|row| row.name).unwrap_or_default(),
            None => policy::platform_name(conn)?,
        };
        let is_buyers = user.buyer_id.is_some();
        Ok(Self {
            state: FormState::new().with("name", &user.name).with("email", &user.email),
            action: paths::user(user.id),
            company,
            name: user.name.clone(),
            email: user.email.clone(),
            seen: names(user.permissions()),
            boxes: boxes(is_buyers, user.permissions()),
            is_disabled: user.is_disabled,
            has_password: user.password_hash.is_some(),
            is_self: user.id == viewer,
            is_buyers,
        })
    }

    /// The same with what was typed.
    pub(super) fn typed(self, fields: &Fields) -> Self {
        let boxes = boxes(self.is_buyers, fields.permissions());
        Self { state: fields.keep(&["name", "email"]), boxes, ..self }
    }
}

fn boxes(is_buyers: bool, held: crate::db::users::Permissions) -> Vec<PermissionBox> {
    if is_buyers { PermissionBox::of_buyers(held) } else { PermissionBox::of_managers(held) }
}

/// A link that nobody can see again.
pub(super) struct LinkShown {
    pub(super) url: String,
    pub(super) name: String,
    pub(super) is_new: bool,
    pub(super) until: When,
}

impl LinkShown {
    pub(super) fn new(
        request: &HttpRequest,
        token: &str,
        name: &str,
        is_new: bool,
        (grant, now): (&Granted<ManageSettings>, Instant),
    ) -> Self {
        let zone = grant.viewer().profile().zone;
        let until = now.checked_add_signed(Purpose::Invitation.lasts()).unwrap_or(now);
        Self {
            url: format!("{}{}", origin_of(request), paths::invitation(token)),
            name: name.trim().to_owned(),
            is_new,
            until: When::new(until, zone, now),
        }
    }
}

/// Notes at the field what is wrong with a user.
pub(super) fn refuse(state: &mut FormState, problem: &UserError) {
    match problem {
        UserError::EmailTaken => state.refuse("email", "There is a user with this e-mail already"),
        UserError::EmailUnusable => state.refuse("email", "Write an e-mail such as name@company.example"),
        UserError::NameUnusable => state.refuse("name", "A name has 1 to 200 characters, all of them visible"),
        UserError::PermissionsUnfit => {
            state.refuse("permission", "Disputes: Edit needs Disputes: View");
        }
        UserError::Database(_) => {}
    }
}

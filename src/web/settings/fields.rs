//! The fields of a settings form: any may be missing, and some come more than once.

use crate::auth::{DisputeCalls, EditDisputes, ImportCalls, ManageSettings, Permission, ViewDisputes};
use crate::db::administration::Edited;
use crate::db::users::Permissions;
use crate::web::form::FormState;

/// What a form sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The last value of a name, empty where it is missing.
    pub(super) fn text(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    pub(super) fn find(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// What was typed into these fields.
    pub(super) fn keep(&self, names: &[&str]) -> FormState {
        names.iter().fold(FormState::new(), |form, name| form.with(name, self.text(name)))
    }

    /// A text with the one that the page showed; one that wasn't sent stays as it is.
    pub(super) fn edited(&self, name: &str, seen: &str, current: &str) -> Edited<String> {
        let sent = self.find(name).unwrap_or(current).to_owned();
        Edited { seen: self.find(seen).map(str::to_owned), sent }
    }

    /// The permissions that are ticked.
    pub(super) fn permissions(&self) -> Permissions {
        read_permissions(self.all("permission"))
    }

    /// The permissions that the page showed, if it says so.
    pub(super) fn seen(&self) -> Option<Permissions> {
        self.find("seen").map(|text| read_permissions(text.split(' ')))
    }
}

fn read_permissions<'a>(names: impl Iterator<Item = &'a str>) -> Permissions {
    let mut given = Permissions::default();
    for name in names {
        match name {
            DisputeCalls::NAME => given.dispute_calls = true,
            ViewDisputes::NAME => given.disputes_view = true,
            EditDisputes::NAME => given.disputes_edit = true,
            ImportCalls::NAME => given.calls_import = true,
            ManageSettings::NAME => given.settings = true,
            _ => {}
        }
    }
    given
}

/// The names of the permissions held, as [`Fields::seen`] reads them.
pub(super) fn names(held: Permissions) -> String {
    let all = [
        (held.dispute_calls, DisputeCalls::NAME),
        (held.disputes_view, ViewDisputes::NAME),
        (held.disputes_edit, EditDisputes::NAME),
        (held.calls_import, ImportCalls::NAME),
        (held.settings, ManageSettings::NAME),
    ];
    all.iter().filter(|(is_held, _)| *is_held).map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
}

/// A box to tick.
pub(super) struct PermissionBox {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    pub(super) is_ticked: bool,
}

impl PermissionBox {
    /// What a buyer's user can be given.
    pub(super) fn of_buyers(held: Permissions) -> Vec<Self> {
        vec![Self {
            name: DisputeCalls::NAME,
            label: "Dispute Calls",
            hint: "Dispute the buyer\u{2019}s calls, and see its disputes",
            is_ticked: held.dispute_calls,
        }]
    }

    /// What a manager can be given.
    pub(super) fn of_managers(held: Permissions) -> Vec<Self> {
        let boxes = [
            (
                ViewDisputes::NAME,
                "Disputes: View",
                "See every dispute, its recording and its money",
                held.disputes_view,
            ),
            (EditDisputes::NAME, "Disputes: Edit", "Decide, reopen and reply. Only with View", held.disputes_edit),
            (ImportCalls::NAME, "Calls: Import", "Bring calls in from files", held.calls_import),
            (ManageSettings::NAME, "Settings", "Users, buyers, policy and the audit log", held.settings),
        ];
        boxes.map(|(name, label, hint, is_ticked)| Self { name, label, hint, is_ticked }).into()
    }
}

/// The permissions as a row of tags: View isn't said where Edit is.
pub(super) fn tags(held: Permissions) -> Vec<&'static str> {
    let all = [
        (held.dispute_calls, DisputeCalls::LABEL),
        (held.disputes_view && !held.disputes_edit, ViewDisputes::LABEL),
        (held.disputes_edit, EditDisputes::LABEL),
        (held.calls_import, "Import"),
        (held.settings, ManageSettings::LABEL),
    ];
    all.iter().filter(|(is_held, _)| *is_held).map(|(_, label)| *label).collect()
}

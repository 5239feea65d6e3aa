//! Old and new values of an entry, side by side.

use serde_json::{Map, Value};

/// One value that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) name: String,
    pub(super) old: String,
    pub(super) new: String,
}

/// What differs between the two, in the order of their names; what is the same says nothing.
pub(super) fn changes(old: &str, new: &str) -> Vec<Change> {
    let (old, new) = (object(old), object(new));
    let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name))
        .map(|name| Change { name: name.replace('_', " "), old: text(old.get(name)), new: text(new.get(name)) })
        .collect()
}

fn object(text: &str) -> Map<String, Value> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => object,
        Ok(Value::Null) | Err(_) => Map::new(),
        Ok(other) => Map::from_iter([("value".to_owned(), other)]),
    }
}

fn text(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(is_so)) => if *is_so { "yes" } else { "no" }.to_owned(),
        Some(Value::Array(items)) => items.iter().map(|item| text(Some(item))).collect::<Vec<_>>().join(", "),
        Some(Value::Object(fields)) => {
            let one = |(name, value): (&String, &Value)| format!("{}: {}", name.replace('_', " "), text(Some(value)));
            fields.iter().map(one).collect::<Vec<_>>().join("; ")
        }
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_told() {
        let told =
            changes(r#"{"a":1,"is_on":true,"same":"x"}"#, r#"{"a":2,"is_on":false,"same":"x","list":["p","q"]}"#);
        let told: Vec<_> = told.iter().map(|one| (one.name.as_str(), one.old.as_str(), one.new.as_str())).collect();
        assert_eq!(told, [("a", "1", "2"), ("is on", "yes", "no"), ("list", "", "p, q")]);
        assert!(changes("", "").is_empty());
    }
}

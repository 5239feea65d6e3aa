//! A region of a page as text that can be reviewed: what it says, what can be pressed and filled in, and where it leads.
//!
//! What only looks goes (classes, icons, white space); what a person, a script or a screen reader relies on stays. Ids are
//! counted in the order in which they come, since no two runs share them.

use std::collections::HashMap;

use scraper::node::Node;
use scraper::{ElementRef, Html, Selector};

/// Attributes that say something to somebody.
const TELLING: [&str; 24] = [
    "id",
    "href",
    "action",
    "method",
    "enctype",
    "type",
    "name",
    "value",
    "for",
    "scope",
    "role",
    "title",
    "data-id",
    "data-label",
    "data-status",
    "datetime",
    "checked",
    "selected",
    "disabled",
    "hidden",
    "required",
    "open",
    "accept",
    "rel",
];

/// Elements that stand within a line of text.
const INLINE: [&str; 9] = ["b", "i", "em", "strong", "small", "span", "time", "code", "abbr"];

/// The region the selector finds, as an outline.
#[track_caller]
pub(crate) fn outline(html: &str, region: &str) -> String {
    let document = Html::parse_document(html);
    let selector = Selector::parse(region).unwrap_or_else(|error| panic!("{region}: {error}"));
    let found = document.select(&selector).next().unwrap_or_else(|| panic!("{region} is not in:\n{html}"));
    let mut outline = Outline::default();
    outline.element(found, 0);
    outline.end_line();
    outline.lines.join("\n")
}

#[derive(Default)]
struct Outline {
    lines: Vec<String>,
    /// The line that is being written, and how deep it stands.
    line: Option<(usize, String)>,
    ids: HashMap<String, usize>,
}

impl Outline {
    fn element(&mut self, element: ElementRef<'_>, depth: usize) {
        let name = element.value().name();
        if matches!(name, "svg" | "script" | "style") {
            return;
        }
        let told = self.attributes(element);
        if INLINE.contains(&name) && told.is_empty() {
            self.children(element, depth);
            return;
        }
        self.end_line();
        self.line = Some((depth, format!("<{name}{told}>")));
        self.children(element, depth + 1);
        self.end_line();
    }

    fn children(&mut self, element: ElementRef<'_>, depth: usize) {
        for child in element.children() {
            match child.value() {
                Node::Text(text) => self.text(text, depth),
                Node::Element(_) => self.element(ElementRef::wrap(child).expect("it is an element"), depth),
                _ => {}
            }
        }
    }

    fn text(&mut self, text: &str, depth: usize) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            return;
        }
        let text = self.count_ids(&text);
        let (_, line) = self.line.get_or_insert_with(|| (depth, String::new()));
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&text);
    }

    fn end_line(&mut self) {
        if let Some((depth, line)) = self.line.take() {
            self.lines.push(format!("{}{line}", "  ".repeat(depth)));
        }
    }

    fn attributes(&mut self, element: ElementRef<'_>) -> String {
        let mut told: Vec<_> = element
            .value()
            .attrs()
            .filter(|(name, _)| TELLING.contains(name) || name.starts_with("aria-"))
            .filter(|pair| *pair != ("aria-hidden", "true"))
            .collect();
        told.sort_unstable();
        told.into_iter()
            .map(|(name, value)| {
                let value = self.count_ids(value);
                if value.is_empty() { format!(" {name}") } else { format!(" {name}={value:?}") }
            })
            .collect()
    }

    /// Puts numbers in the place of ids: 13 characters of Crockford's base32, or 32 hexadecimal digits.
    fn count_ids(&mut self, text: &str) -> String {
        let mut counted = String::new();
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            if end == 0 {
                let next = rest.chars().next().map_or(1, char::len_utf8);
                counted.push_str(&rest[..next]);
                rest = &rest[next..];
                continue;
            }
            let (word, after) = rest.split_at(end);
            if is_id(word) {
                let next = self.ids.len() + 1;
                let number = *self.ids.entry(word.to_owned()).or_insert(next);
                counted.push_str("ID");
                counted.push_str(&number.to_string());
            } else {
                counted.push_str(word);
            }
            rest = after;
        }
        counted
    }
}

fn is_id(word: &str) -> bool {
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let is_short = word.len() == 13 && word.starts_with('0') && word.bytes().all(|byte| !byte.is_ascii_uppercase());
    let is_long = word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    has_digit && (is_short || is_long)
}

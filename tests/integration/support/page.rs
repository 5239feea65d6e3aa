//! Asking a page by selector, the way a person or a screen reader finds things.

use std::collections::BTreeMap;

use scraper::{ElementRef, Html, Selector};

/// A parsed page or fragment.
pub(crate) struct Page {
    document: Html,
}

/// One element, cut out of its page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Element {
    /// What a person reads, with white space as the browser shows it.
    pub(crate) text: String,
    pub(crate) attributes: BTreeMap<String, String>,
    tag: String,
    html: String,
}

impl Page {
    pub(crate) fn parse(html: &str) -> Self {
        Self { document: Html::parse_document(html) }
    }

    /// Every element the selector finds, in the order of the page.
    pub(crate) fn select(&self, selector: &str) -> Vec<Element> {
        let parsed = Selector::parse(selector).unwrap_or_else(|error| panic!("{selector}: {error}"));
        self.document.select(&parsed).map(Element::new).collect()
    }

    /// The only element the selector finds.
    #[track_caller]
    pub(crate) fn one(&self, selector: &str) -> Element {
        let mut found = self.select(selector);
        assert!(found.len() == 1, "{selector} finds {} elements, not one:\n{}", found.len(), self.document.html());
        found.remove(0)
    }

    pub(crate) fn has(&self, selector: &str) -> bool {
        !self.select(selector).is_empty()
    }

    /// The text of the only element the selector finds.
    #[track_caller]
    pub(crate) fn text(&self, selector: &str) -> String {
        self.one(selector).text
    }

    /// The texts of all elements the selector finds.
    pub(crate) fn texts(&self, selector: &str) -> Vec<String> {
        self.select(selector).into_iter().map(|element| element.text).collect()
    }

    /// An attribute of each element that has been found.
    pub(crate) fn attrs(&self, selector: &str, name: &str) -> Vec<String> {
        self.select(selector).iter().map(|element| element.attr(name)).collect()
    }

    /// An attribute of the only element the selector finds.
    #[track_caller]
    pub(crate) fn attr(&self, selector: &str, name: &str) -> String {
        self.one(selector).attr(name)
    }

    /// What the form would send for a control: its `value`, the chosen option or a text area's text.
    #[track_caller]
    pub(crate) fn value(&self, name: &str) -> String {
        let control = format!("[name=\"{name}\"]");
        if self.has(&format!("select{control}")) {
            let chosen = self.select(&format!("select{control} option[selected]"));
            return chosen.first().map(|option| option.attr("value")).unwrap_or_default();
        }
        if self.has(&format!("textarea{control}")) {
            return self.one(&format!("textarea{control}")).text;
        }
        self.attr(&control, "value")
    }

    /// The message at a control, found the way a screen reader finds it: through `aria-describedby`.
    ///
    /// The control must say that it is invalid; a message nobody is led to is no message.
    #[track_caller]
    pub(crate) fn field_error(&self, name: &str) -> String {
        let invalid = self.select(&format!("[name=\"{name}\"][aria-invalid=\"true\"]"));
        let Some(control) = invalid.first() else { panic!("no invalid control is named {name}") };
        let messages: Vec<String> = control
            .attributes
            .get("aria-describedby")
            .map(String::as_str)
            .unwrap_or_default()
            .split_whitespace()
            .flat_map(|id| self.texts(&format!("[id=\"{id}\"].problem")))
            .collect();
        assert!(messages.len() == 1, "{name} is described by {} messages, not one", messages.len());
        messages.concat()
    }

    /// The `data-id` of each row of a table, in order.
    pub(crate) fn row_ids(&self, table: &str) -> Vec<String> {
        self.select(&format!("#{table} tbody tr[data-id]")).iter().map(|row| row.attr("data-id")).collect()
    }
}

impl Element {
    fn new(element: ElementRef<'_>) -> Self {
        let text: String = element.text().collect();
        Self {
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
            attributes: element.value().attrs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            tag: element.value().name().to_owned(),
            html: element.html(),
        }
    }

    #[track_caller]
    pub(crate) fn attr(&self, name: &str) -> String {
        self.attributes.get(name).cloned().unwrap_or_else(|| panic!("no {name} on {}", self.html))
    }

    /// The same questions, asked within this element.
    pub(crate) fn page(&self) -> Page {
        // Outside a table the parser drops the tags of rows and cells.
        let (before, after) = match self.tag.as_str() {
            "tr" => ("<table><tbody>", "</tbody></table>"),
            "td" | "th" => ("<table><tbody><tr>", "</tr></tbody></table>"),
            _ => ("", ""),
        };
        Page::parse(&format!("{before}{}{after}", self.html))
    }
}

//! What somebody typed into a form that did not work: shown again, so that nothing is typed twice.

/// A form as it was sent; `default` is none.
#[derive(Default)]
pub(crate) struct Filled {
    form: &'static str,
    fields: Vec<(String, String)>,
}

impl Filled {
    pub(super) fn new(form: &'static str, fields: Vec<(String, String)>) -> Self {
        Self { form, fields }
    }

    /// Whether it is this form.
    pub(super) fn is(&self, form: &str) -> bool {
        self.form == form
    }

    /// A field of it, if it is this form; never a password.
    pub(super) fn value(&self, form: &str, name: &str) -> &str {
        if self.is(form) && name != "password" { self.one(name) } else { "" }
    }

    /// Whether a choice of it was made, if it is this form.
    pub(super) fn has(&self, form: &str, name: &str, value: &str) -> bool {
        self.is(form) && self.fields.iter().any(|(key, it)| key == name && it == value)
    }

    /// A field without blanks around it, empty if it is not there.
    pub(super) fn one(&self, name: &str) -> &str {
        self.secret(name).trim()
    }

    /// A field that may be left empty.
    pub(super) fn some(&self, name: &str) -> Option<String> {
        Some(self.one(name).to_owned()).filter(|text| !text.is_empty())
    }

    /// As it was typed: blanks belong to a password.
    pub(super) fn secret(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    /// Everything that was chosen of one name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The parts of a field that holds several.
    pub(super) fn listed(&self, name: &str) -> impl Iterator<Item = &str> {
        let parts = self.one(name).split([',', ' ', '\n', '\r']);
        parts.filter(|part| !part.is_empty())
    }
}

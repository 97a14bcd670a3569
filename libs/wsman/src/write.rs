//! Writing envelopes: one `String` of the right size, filled from front to back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

/// Room for everything in an envelope that is not a payload, in bytes. Ours need about 2,000; the
/// rest is for long addresses. It is also what [`crate::client::max_payload`] sets aside.
pub(crate) const OVERHEAD_BYTES: usize = 4_096;

/// An envelope being written.
pub(crate) struct Writer {
    text: String,
}

impl Writer {
    /// Starts an envelope with the namespaces every envelope may need, with room for a payload of so
    /// many raw bytes.
    pub(crate) fn new(start: &str, payload_bytes: usize) -> Self {
        let mut text = String::with_capacity(OVERHEAD_BYTES + payload_bytes / 3 * 4 + 4);
        text.push_str(start);
        Self { text }
    }

    /// Writes markup as it stands.
    pub(crate) fn raw(&mut self, markup: &str) -> &mut Self {
        self.text.push_str(markup);
        self
    }

    /// Writes text, for content and for attributes in double quotes alike.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                '"' => self.text.push_str("&quot;"),
                '\r' => self.text.push_str("&#13;"),
                '\n' => self.text.push_str("&#10;"),
                '\t' => self.text.push_str("&#9;"),
                // XML 1.0 has no way to write these (XML 1.0, 2.2 Characters).
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => self.text.push('\u{fffd}'),
                c => self.text.push(c),
            }
        }
        self
    }

    /// Writes `<name>text</name>`.
    pub(crate) fn element(&mut self, name: &str, text: &str) -> &mut Self {
        self.raw("<").raw(name).raw(">").text(text).raw("</").raw(name).raw(">")
    }

    /// Writes `<name>text</name>` when there is a text.
    pub(crate) fn optional(&mut self, name: &str, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => self.element(name, text),
            None => self,
        }
    }

    /// Writes ` name="value"`.
    pub(crate) fn attribute(&mut self, name: &str, value: &str) -> &mut Self {
        self.raw(" ").raw(name).raw("=\"").text(value).raw("\"")
    }

    /// Writes an id in capitals, as Windows does and compares it.
    pub(crate) fn id(&mut self, id: Uuid) -> &mut Self {
        let mut buffer = Uuid::encode_buffer();
        self.text.push_str(id.hyphenated().encode_upper(&mut buffer));
        self
    }

    /// Writes bytes as base64.
    pub(crate) fn base64(&mut self, bytes: &[u8]) -> &mut Self {
        STANDARD.encode_string(bytes, &mut self.text);
        self
    }

    /// Takes the finished text.
    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

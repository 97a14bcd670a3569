//! YAML as far as a wish needs it: mappings, lists and texts, each with its line. Anchors, tags and
//! several documents are refused: nobody needs them here, and they hide what a file says.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

/// A part of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    /// Where it begins, from 1.
    pub(super) line: usize,
    /// The last line of it.
    pub(super) end: usize,
    pub(super) content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    Mapping(Vec<Entry>),
    List(Vec<Node>),
    /// A text, and whether it was written without quotes.
    Text(String, bool),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) line: usize,
    pub(super) value: Node,
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileProblem {
    /// From 1; `None` where it is about no line.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub what: String,
}

impl std::fmt::Display for FileProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// The largest file: a thousand rules have room in a tenth of it.
pub(super) const MOST_BYTES: usize = 1 << 20;
const MOST_NODES: usize = 100_000;
const DEEPEST: usize = 8;

/// What is still open while a document is read.
enum Open {
    Mapping(usize, Vec<Entry>, Option<(String, usize)>),
    List(usize, Vec<Node>),
}

/// The document of a text.
///
/// # Errors
/// The first thing that is wrong with it.
pub(super) fn parse(text: &str) -> Result<Node, FileProblem> {
    let at = |span: &Span, what: &str| FileProblem {
        line: Some(span.start.line()),
        what: what.to_owned(),
    };
    if text.len() > MOST_BYTES {
        let what = format!("the file has {} bytes; {MOST_BYTES} is the most", text.len());
        return Err(FileProblem { line: None, what });
    }
    let mut parser = Parser::new_from_str(text);
    let mut stack: Vec<Open> = Vec::new();
    let mut document = None;
    let mut nodes = 0;
    while let Some(next) = parser.next_event() {
        let (event, span) = next.map_err(|error| FileProblem {
            line: Some(error.marker().line()),
            what: format!("this is no YAML: {}", error.info()),
        })?;
        nodes += 1;
        if nodes > MOST_NODES || stack.len() > DEEPEST {
            return Err(at(&span, "the file is too deep or too long for a wish"));
        }
        let (start, end) = (span.start.line(), span.end.line());
        let done = match event {
            Event::Alias(_) => return Err(at(&span, "aliases are not taken; write it out")),
            Event::Scalar(_, _, anchor, tag) if anchor != 0 || tag.is_some() => {
                return Err(at(&span, NO_ANCHORS));
            }
            Event::MappingStart(anchor, tag) | Event::SequenceStart(anchor, tag)
                if anchor != 0 || tag.is_some() =>
            {
                return Err(at(&span, NO_ANCHORS));
            }
            Event::Scalar(text, style, ..) => {
                let content = Content::Text(text.into_owned(), style == ScalarStyle::Plain);
                Node { line: start, end, content }
            }
            Event::MappingStart(..) => {
                stack.push(Open::Mapping(start, Vec::new(), None));
                continue;
            }
            Event::SequenceStart(..) => {
                stack.push(Open::List(start, Vec::new()));
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => match stack.pop() {
                Some(Open::Mapping(line, entries, _)) => {
                    Node { line, end, content: Content::Mapping(entries) }
                }
                Some(Open::List(line, items)) => Node { line, end, content: Content::List(items) },
                None => continue,
            },
            _ => continue,
        };
        if let Some(done) = take_in(&mut stack, done)? {
            if document.is_some() {
                return Err(at(&span, "a file has one document"));
            }
            document = Some(done);
        }
    }
    let nothing = Node { line: 1, end: 1, content: Content::Mapping(Vec::new()) };
    Ok(document.unwrap_or(nothing))
}

/// Puts a part into what it stands in; gives it back if it stands in nothing.
fn take_in(stack: &mut [Open], done: Node) -> Result<Option<Node>, FileProblem> {
    let problem = |line: usize, what: String| Err(FileProblem { line: Some(line), what });
    match stack.last_mut() {
        None => return Ok(Some(done)),
        Some(Open::List(_, items)) => items.push(done),
        Some(Open::Mapping(_, entries, key)) => match key.take() {
            Some((key, line)) => {
                if entries.iter().any(|entry| entry.key == key) {
                    return problem(line, format!("{key} stands here twice"));
                }
                entries.push(Entry { key, line, value: done });
            }
            None => {
                let Content::Text(text, _) = done.content else {
                    return problem(done.line, "a name is expected here".to_owned());
                };
                *key = Some((text, done.line));
            }
        },
    }
    Ok(None)
}

const NO_ANCHORS: &str = "anchors and tags are not taken; write it out";

/// A text as it stands in YAML: without quotes where it cannot be mistaken.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || " _.@/+-()".contains(c);
    let is_word = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    let begins_well = text.starts_with(|c: char| c.is_ascii_alphabetic());
    if begins_well && !is_word && !text.ends_with(' ') && text.chars().all(is_plain) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}') => {
                out.push_str(&format!("\\U{:08X}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text_of(node: &Node) -> &str {
        match &node.content {
            Content::Text(text, _) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parts_have_their_lines() {
        let node = parse("a: 1 # one\nb:\n  - x\n  - {c: \"2\"}\n").unwrap();
        let Content::Mapping(entries) = node.content else { panic!() };
        assert_eq!((entries[0].line, text_of(&entries[0].value)), (1, "1"));
        let Content::List(items) = &entries[1].value.content else { panic!() };
        assert_eq!((entries[1].line, items[0].line, items[1].line), (2, 3, 4));
    }

    #[test]
    fn what_is_not_taken_is_refused_with_its_line() {
        for (text, line, what) in [
            ("a: 1\na: 2\n", 2, "a stands here twice"),
            ("a: &x 1\n", 1, "anchors"),
            ("a: 1\nb: !!str 1\n", 2, "tags"),
            ("a: 1\n---\nb: 2\n", 4, "one document"),
            ("a:\n  - b\n c: [\n", 3, "no YAML"),
            ("[[[[[[[[[[[[1]]]]]]]]]]]]", 1, "too deep"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.line, Some(line), "{text:?}: {error}");
            assert!(error.what.contains(what), "{text:?}: {error}");
        }
        let long = "x".repeat(MOST_BYTES + 1);
        assert!(parse(&long).unwrap_err().what.contains("is the most"));
        assert_eq!(parse("").unwrap().content, Content::Mapping(Vec::new()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in any::<String>()) {
            let node = parse(&format!("- {}\n", quoted(&text))).unwrap();
            let Content::List(items) = node.content else { panic!() };
            prop_assert_eq!(text_of(&items[0]), text);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[ -~\n\t]{0,200}") {
            drop(parse(&text));
        }
    }
}

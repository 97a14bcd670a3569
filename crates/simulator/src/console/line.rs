//! A line as it is typed at the Exchange console: cmdlets with their parameters, one after another.
//!
//! It is the part of PowerShell that people type to administer phones: names, texts in quotes,
//! numbers, `$true`, lists, hashtables. There are no variables and no scripts.

use psrp::clixml::{Content, Object, Value};

use crate::cmdlets::Invocation;

/// The longest line: no list of device ids that a person types is longer.
const MAX_LINE_BYTES: usize = 65_536;
/// Lists and hashtables within each other: people write two.
const MAX_DEPTH: usize = 8;
/// Parameters that take no value unless one follows a colon, or begins with a dollar sign.
const SWITCHES: &[&str] = &[
    "AccountOnly",
    "Cancel",
    "Confirm",
    "Force",
    "Monitoring",
    "ResetAutoBlockedDevices",
    "WhatIf",
];

/// The cmdlets of a line, none if nothing but a comment stands in it.
///
/// # Errors
/// Where and why it cannot be read.
pub(super) fn parse(line: &str) -> Result<Vec<Invocation>, String> {
    if line.len() > MAX_LINE_BYTES {
        return Err(format!("the line has more than {MAX_LINE_BYTES} bytes"));
    }
    let mut reader = Reader { text: line, position: 0, depth: 0 };
    let mut cmdlets = Vec::new();
    reader.skip_blanks();
    if reader.is_at_end() {
        return Ok(cmdlets);
    }
    loop {
        cmdlets.push(reader.cmdlet()?);
        if !reader.takes('|') {
            break;
        }
        reader.skip_blanks();
    }
    if reader.is_at_end() { Ok(cmdlets) } else { Err(reader.expected("a parameter or '|'")) }
}

struct Reader<'a> {
    text: &'a str,
    /// In bytes, always between two characters.
    position: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Nothing follows but a comment.
    fn is_at_end(&self) -> bool {
        self.next().is_none_or(|next| next == '#')
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start().len();
    }

    fn takes(&mut self, wanted: char) -> bool {
        let found = self.next() == Some(wanted);
        if found {
            self.position += wanted.len_utf8();
        }
        found
    }

    fn expected(&self, wanted: &str) -> String {
        let column = self.text.get(..self.position).unwrap_or_default().chars().count() + 1;
        match self.next() {
            Some(found) => format!("{wanted} was expected at column {column}, not '{found}'"),
            None => format!("{wanted} was expected at the end"),
        }
    }

    /// The characters up to one that ends a word.
    fn word(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let word = rest.split(ends).next().unwrap_or_default();
        self.position += word.len();
        word
    }

    fn cmdlet(&mut self) -> Result<Invocation, String> {
        let name = self.word(|letter| !letter.is_ascii_alphanumeric() && letter != '-');
        if name.is_empty() {
            return Err(self.expected("the name of a cmdlet"));
        }
        let mut parameters = Vec::new();
        loop {
            let before = self.position;
            self.skip_blanks();
            if self.is_at_end() || self.next() == Some('|') {
                return Ok(Invocation { name: name.to_owned(), parameters });
            }
            if self.position == before {
                return Err(self.expected("a blank"));
            }
            parameters.push(match self.parameter_name() {
                Some(name) => (Some(name.to_owned()), self.argument(name)?),
                None => (None, self.list()?),
            });
        }
    }

    /// `-Name`, if one begins here. A minus before a digit begins a number.
    fn parameter_name(&mut self) -> Option<&'a str> {
        if !self.begins_parameter() {
            return None;
        }
        self.position += 1;
        Some(self.word(|letter| !letter.is_ascii_alphanumeric()))
    }

    fn begins_parameter(&self) -> bool {
        let name = self.rest().strip_prefix('-');
        name.is_some_and(|name| name.starts_with(|letter: char| letter.is_ascii_alphabetic()))
    }

    /// What stands behind a parameter's name; a switch stands alone.
    fn argument(&mut self, name: &str) -> Result<Value, String> {
        if self.takes(':') {
            self.skip_blanks();
            return self.list();
        }
        let is_switch = SWITCHES.iter().any(|switch| switch.eq_ignore_ascii_case(name));
        let end = self.position;
        self.skip_blanks();
        let is_alone = self.is_at_end() || self.next() == Some('|') || self.begins_parameter();
        if is_alone || is_switch && self.next() != Some('$') {
            self.position = end;
            return Ok(Value::Boolean(true));
        }
        self.list()
    }

    /// A value, or several with commas between them.
    fn list(&mut self) -> Result<Value, String> {
        let first = self.value()?;
        let mut items = vec![first];
        loop {
            let end = self.position;
            self.skip_blanks();
            if !self.takes(',') {
                self.position = end;
                break;
            }
            self.skip_blanks();
            items.push(self.value()?);
        }
        Ok(match items.len() {
            1 => items.remove(0),
            _ => Object::around(Content::List(items)).into(),
        })
    }

    fn value(&mut self) -> Result<Value, String> {
        if self.rest().starts_with("@{") {
            return self.nested("@{", Self::hashtable);
        }
        if self.rest().starts_with("@(") {
            return self.nested("@(", Self::array);
        }
        match self.next() {
            Some('\'') => self.quoted('\'').map(Value::from),
            Some('"') => self.quoted('"').map(Value::from),
            Some('$') => self.constant(),
            _ => self.bare(),
        }
    }

    fn nested(
        &mut self,
        opening: &str,
        read: fn(&mut Self) -> Result<Value, String>,
    ) -> Result<Value, String> {
        if self.depth == MAX_DEPTH {
            return Err(format!("more than {MAX_DEPTH} lists lie within each other"));
        }
        self.position += opening.len();
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// `Add='a','b'; Remove='c'}`
    fn hashtable(&mut self) -> Result<Value, String> {
        let mut entries = Vec::new();
        loop {
            self.skip_blanks();
            if self.takes('}') {
                return Ok(Object::around(Content::Dictionary(entries)).into());
            }
            if self.takes(';') {
                continue;
            }
            let key = match self.next() {
                Some(quote @ ('\'' | '"')) => self.quoted(quote)?,
                _ => self.word(|letter| !letter.is_alphanumeric()).to_owned(),
            };
            self.skip_blanks();
            if key.is_empty() || !self.takes('=') {
                return Err(self.expected("a name with '=', or '}'"));
            }
            self.skip_blanks();
            entries.push((Value::from(key), self.list()?));
            self.skip_blanks();
            if !matches!(self.next(), Some(';' | '}')) {
                return Err(self.expected("';' or '}'"));
            }
        }
    }

    /// `'a','b')`
    fn array(&mut self) -> Result<Value, String> {
        self.skip_blanks();
        if self.takes(')') {
            return Ok(Object::around(Content::List(Vec::new())).into());
        }
        let value = self.list()?;
        self.skip_blanks();
        if !self.takes(')') {
            return Err(self.expected("')'"));
        }
        let items = match value.items() {
            Some(items) => items.to_vec(),
            None => vec![value],
        };
        Ok(Object::around(Content::List(items)).into())
    }

    /// A text in quotes; a doubled quote is one of its letters, and in `"…"` a backtick takes the
    /// meaning from what follows it.
    fn quoted(&mut self, quote: char) -> Result<String, String> {
        let beginning = self.position;
        self.position += quote.len_utf8();
        let mut text = String::new();
        while let Some(letter) = self.next() {
            self.position += letter.len_utf8();
            if letter == quote {
                if !self.takes(quote) {
                    return Ok(text);
                }
                text.push(quote);
            } else if letter == '`' && quote == '"' {
                let escaped = self.next();
                self.position += escaped.map_or(0, char::len_utf8);
                text.push(match escaped {
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some('t') => '\t',
                    Some(other) => other,
                    None => break,
                });
            } else {
                text.push(letter);
            }
        }
        let column = self.text.get(..beginning).unwrap_or_default().chars().count() + 1;
        Err(format!("the text that begins at column {column} has no end"))
    }

    /// `$true`, `$false`, `$null`: there are no other variables.
    fn constant(&mut self) -> Result<Value, String> {
        self.position += 1;
        let name = self.word(|letter| !letter.is_alphanumeric() && letter != '_');
        match name.to_ascii_lowercase().as_str() {
            "true" => Ok(Value::Boolean(true)),
            "false" => Ok(Value::Boolean(false)),
            "null" => Ok(Value::Nil),
            _ => Err(format!("there is no variable '${name}', only $true, $false and $null")),
        }
    }

    /// A word without quotes: a number if it is one.
    fn bare(&mut self) -> Result<Value, String> {
        let word = self.word(|letter| {
            letter.is_whitespace()
                || matches!(letter, ',' | ';' | '|' | '(' | ')' | '{' | '}' | '\'' | '"')
        });
        match word {
            "" => Err(self.expected("a value")),
            word => Ok(number(word).unwrap_or_else(|| word.into())),
        }
    }
}

/// A whole number, with PowerShell's suffixes for sizes. What would be printed otherwise than it
/// was typed stays a text: `007`.
fn number(word: &str) -> Option<Value> {
    let upper = word.to_ascii_uppercase();
    let sizes = [("KB", 10), ("MB", 20), ("GB", 30)];
    let found = sizes
        .into_iter()
        .find_map(|(suffix, shift)| upper.strip_suffix(suffix).map(|digits| (digits, shift)));
    let (digits, shift) = found.unwrap_or((&upper, 0));
    let number: i64 = digits.parse().ok()?;
    if number.to_string() != digits {
        return None;
    }
    let number = number.checked_mul(1 << shift)?;
    Some(i32::try_from(number).map_or(Value::Int64(number), Value::Int32))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use crate::cmdlets::printed;

    /// The cmdlets of a line as they are written down.
    fn check(line: &str, expected: &str) {
        let read = match parse(line) {
            Err(error) => error,
            Ok(cmdlets) => {
                let shown = cmdlets.iter().map(|cmdlet| {
                    let all = cmdlet.parameters.iter().map(|(name, value)| {
                        format!(" {}={}", name.as_deref().unwrap_or("?"), printed(value))
                    });
                    format!("{}{}", cmdlet.name, all.collect::<String>())
                });
                shown.collect::<Vec<_>>().join(" | ")
            }
        };
        assert_eq!(read, expected, "{line}");
    }

    #[test]
    fn lines_are_read_as_people_type_them() {
        check("Get-MobileDevice", "Get-MobileDevice");
        check("  ", "");
        check("# nothing", "");
        check(
            "Set-MobileDeviceMailboxPolicy -Identity Default -AllowCamera $false # why not",
            "Set-MobileDeviceMailboxPolicy Identity=Default AllowCamera=false",
        );
        check("Get-X Default", "Get-X ?=Default");
        check("Set-X 'Executives, strict' -A:$true", "Set-X ?=Executives, strict A=true");
        check("Set-X -Confirm:$false -Force", "Set-X Confirm=false Force=true");
        check("Remove-X -Force Default", "Remove-X Force=true ?=Default");
        check("Clear-X -Cancel $true", "Clear-X Cancel=true");
        check(
            "Set-X -Text 'it''s' -Other \"a \"\"b\"\" `\"c`\"\"",
            "Set-X Text=it's Other=a \"b\" \"c\"",
        );
        check(
            "Set-X -N 8 -M -1 -T 00:15:00 -Z 007 -S 1MB",
            "Set-X N=8 M=-1 T=00:15:00 Z=007 S=1048576",
        );
        check("Set-X -V $null -L a, 'b c' ,3", "Set-X V=$null L={a, b c, 3}");
        check("Set-X -L @() -M @('a') -N @(1,2)", "Set-X L={} M={a} N={1, 2}");
        check(
            "Set-CASMailbox jane@contoso.com -ActiveSyncBlockedDeviceIDs @{Add='X','Y'; Remove=Z}",
            "Set-CASMailbox ?=jane@contoso.com ActiveSyncBlockedDeviceIDs=@{Add={X, Y}; Remove=Z}",
        );
        check("Get-A | Set-B -C d|Get-E", "Get-A | Set-B C=d | Get-E");
        check("Set-X -Name Ünïcode§名", "Set-X Name=Ünïcode§名");
    }

    #[test]
    fn what_is_no_line_is_told_with_its_place() {
        check("'x'", "the name of a cmdlet was expected at column 1, not '''");
        check("Get-X |", "the name of a cmdlet was expected at the end");
        check("Set-X -A 'b", "the text that begins at column 10 has no end");
        check("Set-X -A \"b`", "the text that begins at column 10 has no end");
        check("Set-X -A $x", "there is no variable '$x', only $true, $false and $null");
        check("Set-X -A:", "a value was expected at the end");
        check("Set-X -A b,", "a value was expected at the end");
        check("Set-X -A @{Add 'x'}", "a name with '=', or '}' was expected at column 16, not '''");
        check("Set-X -A @{Add='x' 'y'}", "';' or '}' was expected at column 20, not '''");
        check("Set-X -A (1)", "a value was expected at column 10, not '('");
        check("Set-X -A b;c", "a blank was expected at column 11, not ';'");
        check("Get-X/y", "a blank was expected at column 6, not '/'");
        check(&format!("Set-X -A {}", "@(".repeat(9)), "more than 8 lists lie within each other");
        check(&"x".repeat(65_537), "the line has more than 65536 bytes");
    }

    #[test]
    fn no_part_of_a_line_is_too_much() {
        let line = "Set-CASMailbox 'Müller, Jörg' -A:$true -B @{Add='§','`'; Remove=@(1KB,上海)} \
                    -C \"a`\"b\"\" \" | fl a, *, -1 # ×";
        let ends: Vec<usize> = line.char_indices().map(|(place, _)| place).collect();
        for (number, from) in ends.iter().enumerate() {
            for to in &ends[number..] {
                // Whether it can be read is not the question.
                drop(parse(line.get(*from..*to).unwrap()));
            }
        }
        assert_eq!(parse(line).unwrap().len(), 2);
    }
}

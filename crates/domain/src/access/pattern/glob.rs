//! Patterns: `*` for any text, `?` for any one character.

use std::fmt;

use super::parse::escaped;
use crate::access::Characteristic;

/// A pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    /// As written, to be printed.
    written: Vec<Piece>,
    /// Without its case, to be compared.
    folded: Vec<Piece>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    Character(char),
    One,
    Any,
}

impl Glob {
    /// Several `*` in a row are one.
    pub(super) fn new(pieces: impl IntoIterator<Item = Piece>) -> Self {
        let mut written: Vec<Piece> = pieces.into_iter().collect();
        written.dedup_by(|next, before| *next == Piece::Any && *before == Piece::Any);
        let mut folded = Vec::with_capacity(written.len());
        for piece in &written {
            match piece {
                Piece::Character(letter) => {
                    folded.extend(letter.to_lowercase().map(Piece::Character));
                }
                wild => folded.push(*wild),
            }
        }
        Self { written, folded }
    }

    /// What stands before the first wildcard.
    pub(super) fn prefix(&self) -> String {
        let letter = |piece: &Piece| match piece {
            Piece::Character(letter) => Some(*letter),
            Piece::One | Piece::Any => None,
        };
        self.folded.iter().map_while(letter).collect()
    }

    /// Whether a folded text fits. Takes time in proportion to both lengths multiplied, at worst.
    pub(super) fn fits(&self, text: &str) -> bool {
        let pieces = &self.folded;
        let (mut at, mut rest) = (0, text.chars());
        // After the last `*`, and where in the text it stopped taking characters.
        let mut star: Option<(usize, std::str::Chars<'_>)> = None;
        loop {
            let mut ahead = rest.clone();
            match (pieces.get(at), ahead.next()) {
                (Some(Piece::Any), _) => {
                    at += 1;
                    star = Some((at, rest.clone()));
                    continue;
                }
                (Some(Piece::One), Some(_)) => {
                    (at, rest) = (at + 1, ahead);
                    continue;
                }
                (Some(Piece::Character(wanted)), Some(letter)) if *wanted == letter => {
                    (at, rest) = (at + 1, ahead);
                    continue;
                }
                (None, None) => return true,
                _ => {}
            }
            // The last `*` takes one character more, and all after it is tried anew.
            let Some((after, taken)) = &mut star else { return false };
            if taken.next().is_none() {
                return false;
            }
            (at, rest) = (*after, taken.clone());
        }
    }

    pub(super) fn print(
        &self,
        f: &mut fmt::Formatter<'_>,
        characteristic: Characteristic,
    ) -> fmt::Result {
        let mut before = None;
        for (index, piece) in self.written.iter().enumerate() {
            let is_before_star = self.written.get(index + 1) == Some(&Piece::Any);
            match piece {
                Piece::Any => f.write_str("*")?,
                Piece::One => f.write_str("?")?,
                Piece::Character('.') if is_before_star && !is_number_or_wild(before) => {
                    f.write_str("\\.")?;
                }
                Piece::Character(letter) => f.write_str(&escaped(*letter, characteristic))?,
            }
            before = Some(*piece);
        }
        Ok(())
    }
}

/// Whether `.*` after this means what it says, and is not taken for another language's wildcard.
const fn is_number_or_wild(before: Option<Piece>) -> bool {
    match before {
        None => false,
        Some(Piece::Character(letter)) => letter.is_ascii_digit(),
        Some(Piece::Any | Piece::One) => true,
    }
}

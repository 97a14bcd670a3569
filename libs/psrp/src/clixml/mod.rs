//! CLIXML: PowerShell's serialization of objects ([MS-PSRP] 2.2.5).
//!
//! # Grammar
//!
//! A *message* is one value; a *document* is `<Objs Version="1.1.0.1" xmlns="…">` around any
//! number of them. A value is a primitive (`<S>text</S>`, `<I32>7</I32>`, `<Nil/>`: see [`Value`])
//! or an object:
//!
//! ```xml
//! <Obj N="Policy" RefId="3">
//!   <TN RefId="1"><T>Microsoft.Exchange.Data.Directory.ADObjectId</T><T>System.Object</T></TN>
//!   <ToString>contoso.com/Default</ToString>
//!   <LST><S>a</S><Ref RefId="2"/></LST>
//!   <Props><S N="Name">Default</S></Props>
//!   <MS><S N="PSComputerName">ex1</S></MS>
//! </Obj>
//! ```
//!
//! All parts are optional: type names (`<TNRef RefId="1"/>` when they came before), what
//! `ToString` gave, one primitive or container (`LST`, `IE`, `STK`, `QUE`, `DCT`), adapted
//! properties, extended properties. `N` names a value where it is a member. `<Ref>` stands for an
//! object that came before. Ids of objects and ids of type names are two tables; both are valid
//! in one document or one message.
//!
//! # What is guaranteed
//!
//! * [`read()`] takes any bytes without panicking, without recursion and within [`Limits`], which
//!   also bound how long a walk through all references can take.
//! * Nothing is lost: members of both kinds apart and in order, `ToString`, type names, containers
//!   beside members, references as the same `Arc`, cycles as [`Value::Cycle`], elements of unknown
//!   name, blanks in texts. Not kept: comments, blanks between elements, the `S` attribute that
//!   names a stream, `N` where nothing is named, and the spelling of numbers.
//! * Reading what [`write()`] wrote gives an equal value.
//! * A value that is wrong in itself fails alone: [`DocumentReader`] goes on after it.
//!
//! ```
//! use psrp::clixml::{self, Value};
//!
//! let xml = br#"<Obj RefId="0"><ToString>Allowed</ToString><I32>1</I32></Obj>"#;
//! let state = clixml::read(xml)?;
//! assert_eq!(state.text().as_deref(), Some("Allowed"));
//! assert_eq!(state.as_i64(), Some(1));
//! assert_eq!(clixml::write(&state).as_bytes(), xml);
//! # Ok::<_, clixml::Error>(())
//! ```
//!
//! Start reading at [`Value`]; behind it [`Reader`] for many messages and [`DocumentReader`] for
//! documents. [`count`] counts a tree, to prove that nothing was lost.
//!
//! [MS-PSRP]: https://learn.microsoft.com/openspecs/windows_protocols/ms-psrp

mod build;
mod census;
mod cursor;
mod element;
mod encoding;
mod error;
mod limits;
mod names;
mod object;
mod parse;
mod read;
#[cfg(test)]
mod tests;
mod text;
mod value;
mod write;

pub use census::{Counts, count};
pub use error::Error;
pub use limits::Limits;
pub use object::{Content, Object, Property, TypeNames};
pub use read::{Document, DocumentReader, Reader, read, read_document, read_with};
pub use value::{Progress, RefId, Unknown, Value};
pub use write::{write, write_document};

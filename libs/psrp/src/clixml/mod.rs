//! CLIXML: PowerShell's serialization of objects ([MS-PSRP] 2.2.5).

mod error;
mod limits;
mod object;
mod read;
mod value;
mod write;

pub use error::Error;
pub use limits::Limits;
pub use object::{Content, Object, Property, TypeNames};
pub use read::{Document, Reader, read, read_document, read_with};
pub use value::{Progress, RefId, Unknown, Value};
pub use write::{write, write_document};

//! The stream as a file: an entry a line, whole lines only, none missing and none twice.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use domain::audit::{Link, StreamFile, hexadecimal};
use store::AuditRow;

use super::super::format;

/// The file that is written now; full ones have a number behind it, the latest `.1`.
const NAME: &str = "stream.jsonl";
/// Longest end of a file in which a whole line must be found: as long as a line is read anywhere.
const MOST_LINE_BYTES: u64 = 1024 * 1024;

/// Adds entries to the file, and comes back when they are on the disk.
pub(super) async fn append(
    folder: PathBuf,
    file: StreamFile,
    rows: Vec<AuditRow>,
) -> Result<String, String> {
    let path = folder.join(NAME);
    let added = tokio::task::spawn_blocking(move || append_now(&folder, file, &rows)).await;
    match added {
        Ok(Ok(())) => Ok(format!("it is in {}", path.display())),
        Ok(Err(error)) => Err(format!("writing {}: {error}", path.display())),
        Err(error) => Err(format!("writing {}: {error}", path.display())),
    }
}

/// Whether the file could be written.
pub(super) async fn can_be_written(folder: PathBuf) -> Result<String, String> {
    let path = folder.join(NAME);
    let tried = tokio::task::spawn_blocking(move || open(&folder).map(drop)).await;
    match tried {
        Ok(Ok(())) => Ok(format!("{} can be written", path.display())),
        Ok(Err(error)) => Err(format!("opening {}: {error}", path.display())),
        Err(error) => Err(format!("opening {}: {error}", path.display())),
    }
}

fn append_now(folder: &Path, limits: StreamFile, rows: &[AuditRow]) -> io::Result<()> {
    let mut file = open(folder)?;
    let last = end_on_a_line(&mut file)?;
    // After a stop between the disk and the database the first of these are there already.
    let known = rows.iter().position(|row| Some(row.link) == last);
    let new = rows.get(known.map_or(0, |known| known + 1)..).unwrap_or_default();
    let mut lines = String::new();
    for row in new {
        lines.push_str(&format::entry(row, None));
        lines.push('\n');
    }
    let length = file.seek(SeekFrom::End(0))?;
    let most = u64::from(limits.size_mb) * 1024 * 1024;
    if length > 0 && length + lines.len() as u64 > most {
        drop(file);
        begin_anew(folder, limits.kept)?;
        file = open(folder)?;
    }
    file.write_all(lines.as_bytes())?;
    file.sync_all()?;
    File::open(folder)?.sync_all()
}

fn open(folder: &Path) -> io::Result<File> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .mode(0o600)
        .open(folder.join(NAME))
}

/// Cuts off a line that was not written to its end, and stands at the end then. The last entry, if
/// it can be read.
fn end_on_a_line(file: &mut File) -> io::Result<Option<Link>> {
    let length = file.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(2 * MOST_LINE_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    file.take(2 * MOST_LINE_BYTES).read_to_end(&mut end)?;
    let whole = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    if whole < end.len() {
        file.set_len(from + whole as u64)?;
    }
    let lines = end.get(..whole).unwrap_or_default();
    let line = lines.strip_suffix(b"\n").unwrap_or_default();
    let begin = line.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    Ok(line.get(begin..).and_then(link))
}

/// The place in the chain that a line says it has.
fn link(line: &[u8]) -> Option<Link> {
    let line: serde_json::Value = serde_json::from_slice(line).ok()?;
    let hash = format::bytes(line.get("hash")?.as_str()?)?;
    let link = Link { sequence: line.get("sequence")?.as_u64()?, hash };
    (hexadecimal(&hash) == line.get("hash")?.as_str()?).then_some(link)
}

/// Gives the full file a number, those before it the next, and lets the oldest go.
fn begin_anew(folder: &Path, kept: u16) -> io::Result<()> {
    let numbered = |number: u16| match number {
        0 => folder.join(NAME),
        number => folder.join(format!("{NAME}.{number}")),
    };
    let mut highest = 0;
    while highest < kept && numbered(highest + 1).exists() {
        highest += 1;
    }
    // Where nothing is kept the file itself goes; else the last one makes room.
    if highest == kept {
        std::fs::remove_file(numbered(highest))?;
    }
    for number in (0..highest.min(kept.saturating_sub(1)) + 1).rev() {
        if numbered(number).exists() {
            std::fs::rename(numbered(number), numbered(number + 1))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::{PersonId, Timestamp, audit::Event};
    use uuid::Uuid;

    use super::*;

    const LIMITS: StreamFile = StreamFile { size_mb: 1, kept: 2 };

    fn chain(count: u64) -> Vec<AuditRow> {
        let mut link = Link::before_all(Uuid::nil());
        let rows = (1..=count).map(|number| {
            let document = format!(r#"{{"number":{number},"text":"{}"}}"#, "x".repeat(1000));
            link = link.next(document.as_bytes());
            AuditRow {
                link,
                at: Timestamp::UNIX_EPOCH,
                event: Event::SyncAsked,
                actor: PersonId::ENGINE,
                target: None,
                document,
            }
        });
        rows.collect()
    }

    /// The numbers of the entries in a file.
    fn numbers(folder: &Path, name: &str) -> Vec<u64> {
        let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(|line| link(line.as_bytes()).unwrap().sequence).collect()
    }

    #[test]
    fn wherever_the_writing_was_cut_no_line_is_torn_missing_or_twice() {
        let rows = chain(3);
        let folder = tempfile::tempdir().unwrap();
        append_now(folder.path(), LIMITS, &rows).unwrap();
        let whole = std::fs::read(folder.path().join(NAME)).unwrap();
        for cut in 0..=whole.len() {
            if cut % 97 != 0 && cut + 3 < whole.len() {
                continue;
            }
            std::fs::write(folder.path().join(NAME), &whole[..cut]).unwrap();
            append_now(folder.path(), LIMITS, &rows).unwrap();
            assert_eq!(std::fs::read(folder.path().join(NAME)).unwrap(), whole, "cut at {cut}");
        }
    }

    #[test]
    fn what_another_audit_left_hides_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut others = chain(3);
        for row in &mut others {
            row.link.hash = [7; 32];
        }
        append_now(folder.path(), LIMITS, &others).unwrap();
        append_now(folder.path(), LIMITS, &chain(2)).unwrap();
        assert_eq!(numbers(folder.path(), NAME), [1, 2, 3, 1, 2]);
    }

    #[test]
    fn a_full_file_is_numbered_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let rows = chain(4 * 800);
        for batch in rows.chunks(800) {
            append_now(folder.path(), LIMITS, batch).unwrap();
        }
        let first = |name: &str| numbers(folder.path(), name).first().copied();
        assert_eq!(first(NAME), Some(3 * 800 + 1));
        assert_eq!(first("stream.jsonl.1"), Some(2 * 800 + 1));
        assert_eq!(first("stream.jsonl.2"), Some(800 + 1));
        assert_eq!(first("stream.jsonl.3"), None);
        let none = StreamFile { kept: 0, ..LIMITS };
        append_now(folder.path(), none, &rows[..800]).unwrap();
        assert_eq!(first(NAME), Some(1));
        assert_eq!(first("stream.jsonl.1"), Some(2 * 800 + 1));
    }
}

//! Keytab files: the long-term keys of an account (MIT keytab file format, version 2).

use std::{fs, io::Read as _};

use crate::ConnectError;

/// A keytab of one account has some entries of some hundred bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// One key of one principal.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Name without realm; parts joined by `/`.
    pub(super) name: String,
    pub(super) realm: String,
    pub(super) encryption_type: u16,
    pub(super) version: u32,
    pub(super) bytes: Vec<u8>,
}

/// AES-256 and AES-128 with SHA-1 (RFC 3962), the better first.
const USABLE: [u16; 2] = [18, 17];

/// The best and newest key of an account. Without a user name the file's first account is taken.
pub(super) fn read(path: &str, user: &str, realm: Option<&str>) -> Result<Key, ConnectError> {
    let unusable = |what: String| ConnectError::CredentialUnusable(format!("keytab {path} {what}"));
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes))
        .map_err(|error| unusable(format!("cannot be read: {error}")))?;
    let keys = parse(&bytes).ok_or_else(|| unusable("is not a keytab of version 2".to_owned()))?;
    let fits = |key: &&Key| {
        key.name.eq_ignore_ascii_case(user)
            && realm.is_none_or(|realm| {
                // Windows people write the NetBIOS name, which begins the realm.
                let begins =
                    key.realm.to_ascii_lowercase().starts_with(&realm.to_ascii_lowercase());
                begins || realm.is_empty()
            })
    };
    let best = |key: &&Key| {
        let rank = USABLE.iter().position(|kind| *kind == key.encryption_type)?;
        Some((std::cmp::Reverse(rank), key.version))
    };
    keys.iter()
        .filter(fits)
        .filter(|key| best(key).is_some())
        .max_by_key(best)
        .cloned()
        .ok_or_else(|| unusable(format!("holds no AES key (with SHA-1) of {user}")))
}

/// Every key of a file; `None` if it is not one.
fn parse(bytes: &[u8]) -> Option<Vec<Key>> {
    let mut rest = bytes.strip_prefix(&[5, 2])?;
    let mut keys = Vec::new();
    while let Some((size, after)) = rest.split_first_chunk::<4>() {
        let size = i32::from_be_bytes(*size);
        // A negative size is a hole left by a deleted entry.
        let length = usize::try_from(size.unsigned_abs()).ok()?;
        let entry = after.get(..length)?;
        if size > 0 {
            keys.push(parse_entry(entry)?);
        }
        rest = after.get(length..)?;
    }
    Some(keys)
}

fn parse_entry(bytes: &[u8]) -> Option<Key> {
    let mut rest = bytes;
    let parts = number16(&mut rest)?;
    let realm = counted(&mut rest)?;
    let name: Option<Vec<String>> = (0..parts).map(|_| counted(&mut rest)).collect();
    let _name_type = take::<4>(&mut rest)?;
    let _timestamp = take::<4>(&mut rest)?;
    let [short_version] = take::<1>(&mut rest)?;
    let encryption_type = number16(&mut rest)?;
    let length = usize::from(number16(&mut rest)?);
    let (key, after) = rest.split_at_checked(length)?;
    // A longer version number may follow the key.
    let version = after
        .first_chunk::<4>()
        .map(|long| u32::from_be_bytes(*long))
        .filter(|long| *long != 0)
        .unwrap_or_else(|| u32::from(short_version));
    Some(Key { name: name?.join("/"), realm, encryption_type, version, bytes: key.to_vec() })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*taken)
}

fn number16(rest: &mut &[u8]) -> Option<u16> {
    take::<2>(rest).map(u16::from_be_bytes)
}

fn counted(rest: &mut &[u8]) -> Option<String> {
    let length = usize::from(number16(rest)?);
    let (text, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, kind: u16, version: u8) -> Vec<u8> {
        let text = |text: &str| {
            let length = u16::try_from(text.len()).unwrap().to_be_bytes();
            [&length[..], text.as_bytes()].concat()
        };
        let body = [
            &[0, 1][..],
            &text("CONTOSO.TEST"),
            &text(name),
            &[0, 0, 0, 1, 0, 0, 0, 0, version],
            &kind.to_be_bytes(),
            &[0, 3, 1, 2, version],
        ]
        .concat();
        [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], &body].concat()
    }

    #[test]
    fn the_best_and_newest_key_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keytab");
        let entries = [
            vec![5, 2],
            entry("svc", 17, 9),
            vec![255, 255, 255, 254, 0, 0],
            entry("svc", 18, 1),
            entry("svc", 18, 2),
            entry("other", 18, 7),
            entry("old", 23, 1),
        ];
        fs::write(&path, entries.concat()).unwrap();
        let path = path.to_str().unwrap();
        let key = read(path, "SVC", Some("contoso")).map_err(|error| error.to_string()).unwrap();
        assert_eq!((key.encryption_type, key.version), (18, 2));
        assert_eq!(key.bytes, [1, 2, 2]);
        for (user, realm) in [("old", None), ("svc", Some("FABRIKAM")), ("nobody", None)] {
            let error = read(path, user, realm).map(|key| key.name).unwrap_err();
            assert!(error.to_string().contains("AES"), "{error}");
        }
        let missing = read("/nowhere", "svc", None).map(|key| key.name).unwrap_err();
        assert!(missing.to_string().contains("cannot be read"));
    }

    #[test]
    fn nonsense_is_no_keytab() {
        for bytes in
            [&b""[..], b"\x05\x01", b"\x05\x02\x7f\xff\xff\xff", b"\x05\x02\0\0\0\x02\0\x09"]
        {
            assert!(parse(bytes).is_none());
        }
        let cut = [vec![5, 2], entry("svc", 18, 1)].concat();
        for end in 3..cut.len() {
            drop(parse(&cut[..end]));
        }
    }
}

//! What NTLM seals messages with, once both sides know each other ([MS-NLMP] 3.4).
//!
//! `sspi` negotiates the key and could seal as well; it copies a message five times for it, which
//! was a fifth of all that a sync cost. So half a megabyte is opened here, where it lies.

use std::{ops::Range, sync::LazyLock};

use openssl::{
    cipher::Cipher,
    cipher_ctx::CipherCtx,
    error::ErrorStack,
    hash::MessageDigest,
    memcmp,
    pkey::{PKey, Private},
    provider::Provider,
    sign::Signer,
};

/// Bytes in front of what is sealed ([MS-NLMP] 2.2.2.9.1): version, checksum, sequence number.
pub(super) const SIGNATURE_BYTES: usize = 16;
const CHECKSUM_BYTES: usize = 8;
const VERSION: [u8; 4] = [1, 0, 0, 0];

/// What both sides must have agreed upon ([MS-NLMP] 2.2.2.5): extended session security, keys of
/// 128 bits, a key exchange, and sealing.
const NEEDED: u32 = 0x0008_0000 | 0x2000_0000 | 0x4000_0000 | 0x0000_0020;

/// Seals what one side of a connection sends and opens what it receives, each in order.
pub(super) struct Sealing {
    ours: Direction,
    theirs: Direction,
}

/// Where OpenSSL keeps RC4, which nothing but NTLM should use any more.
static LEGACY: LazyLock<Result<Provider, ErrorStack>> =
    LazyLock::new(|| Provider::try_load(None, "legacy", true));

/// One direction of a connection.
struct Direction {
    signing: PKey<Private>,
    cipher: CipherCtx,
    sequence: u32,
}

/// Which side a key belongs to.
#[derive(Debug, Clone, Copy)]
enum Side {
    Client,
    Server,
}

impl Sealing {
    /// The client's side of a connection with this session key; `None` if the server's challenge
    /// asks for less than is known here.
    pub(super) fn of_client(challenge: &[u8], session_key: &[u8]) -> Option<Self> {
        let flags = u32::from_le_bytes(*challenge.get(20..)?.first_chunk()?);
        let is_known = flags & NEEDED == NEEDED && session_key.len() == 16;
        let side = |side| Direction::new(side, session_key).ok();
        Some(Self { ours: side(Side::Client).filter(|_| is_known)?, theirs: side(Side::Server)? })
    }

    /// Seals a message where it lies; gives its signature.
    pub(super) fn seal(&mut self, message: &mut [u8]) -> Result<[u8; SIGNATURE_BYTES], String> {
        let checksum = self.ours.checksum(message).map_err(|error| error.to_string())?;
        self.ours.apply_keystream(message)?;
        self.ours.sign(checksum)
    }

    /// Opens a message where it lies, its signature being in front of it; says where it is then.
    pub(super) fn open(&mut self, message: &mut [u8]) -> Result<Range<usize>, String> {
        let end = message.len();
        let (signature, sealed) =
            message.split_at_mut_checked(SIGNATURE_BYTES).ok_or("a message without signature")?;
        self.theirs.apply_keystream(sealed)?;
        let checksum = self.theirs.checksum(sealed).map_err(|error| error.to_string())?;
        if !memcmp::eq(&self.theirs.sign(checksum)?, signature) {
            return Err("a message was changed on the way, or one before it is missing".to_owned());
        }
        Ok(SIGNATURE_BYTES..end)
    }
}

impl Direction {
    fn new(side: Side, session_key: &[u8]) -> Result<Self, ErrorStack> {
        let (signing, sealing): (&[u8], &[u8]) = match side {
            Side::Client => (
                b"session key to client-to-server signing key magic constant\0",
                b"session key to client-to-server sealing key magic constant\0",
            ),
            Side::Server => (
                b"session key to server-to-client signing key magic constant\0",
                b"session key to server-to-client sealing key magic constant\0",
            ),
        };
        let key = |magic: &[u8]| {
            openssl::hash::hash(MessageDigest::md5(), &[session_key, magic].concat())
        };
        LazyLock::force(&LEGACY).as_ref().map_err(Clone::clone)?;
        let mut cipher = CipherCtx::new()?;
        cipher.encrypt_init(Some(Cipher::rc4()), Some(&key(sealing)?), None)?;
        Ok(Self { signing: PKey::hmac(&key(signing)?)?, cipher, sequence: 0 })
    }

    /// Seals or opens; RC4 does the same for both, and goes on where it ended.
    fn apply_keystream(&mut self, bytes: &mut [u8]) -> Result<(), String> {
        let length = bytes.len();
        if length > 0 {
            let done = self.cipher.cipher_update_inplace(bytes, length);
            done.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// First half of the signature of a message, of its plain bytes.
    fn checksum(&self, plain: &[u8]) -> Result<[u8; CHECKSUM_BYTES], ErrorStack> {
        let mut signer = Signer::new(MessageDigest::md5(), &self.signing)?;
        signer.update(&self.sequence.to_le_bytes())?;
        signer.update(plain)?;
        let mut digest = [0; 16];
        signer.sign(&mut digest)?;
        let mut checksum = [0; CHECKSUM_BYTES];
        checksum.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Ok(checksum)
    }

    /// The signature of the message that was sealed or opened last.
    fn sign(
        &mut self,
        mut checksum: [u8; CHECKSUM_BYTES],
    ) -> Result<[u8; SIGNATURE_BYTES], String> {
        self.apply_keystream(&mut checksum)?;
        let mut signature = [0; SIGNATURE_BYTES];
        let parts = VERSION.into_iter().chain(checksum).chain(self.sequence.to_le_bytes());
        signature.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        self.sequence = self.sequence.wrapping_add(1);
        Ok(signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The flags and keys of [MS-NLMP] 4.2.4 (NTLMv2), with the sealing of its 4.2.4.4.
    const SESSION_KEY: [u8; 16] = [0x55; 16];

    fn challenge(flags: u32) -> Vec<u8> {
        [&[0; 20][..], &flags.to_le_bytes(), &[0; 8]].concat()
    }

    fn client() -> Sealing {
        Sealing::of_client(&challenge(NEEDED), &SESSION_KEY).unwrap()
    }

    fn server() -> Sealing {
        let Sealing { ours, theirs } = client();
        Sealing { ours: theirs, theirs: ours }
    }

    #[test]
    fn the_example_of_the_specification() {
        let mut message: Vec<u8> = "Plaintext".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let signature = client().seal(&mut message).unwrap();
        let sealed = "54e50165bf1936dc996020c1811b0f06fb5f";
        assert_eq!(message, hex(sealed));
        assert_eq!(signature.to_vec(), hex("010000007fb38ec5c55d497600000000"));
    }

    fn hex(text: &str) -> Vec<u8> {
        let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    #[test]
    fn what_one_side_seals_the_other_opens_in_order() {
        let (mut client, mut server) = (client(), server());
        for length in [0, 1, 16, 70_000, 3] {
            for _ in 0..2 {
                let mut message = vec![7; length];
                let signature = client.seal(&mut message).unwrap();
                let mut whole = [&signature[..], &message].concat();
                let opened = server.open(&mut whole).unwrap();
                assert_eq!(whole[opened], vec![7; length]);
                std::mem::swap(&mut client, &mut server);
            }
        }
    }

    #[test]
    fn what_was_changed_left_out_or_repeated_is_not_opened() {
        let seal = |count: usize| {
            let mut client = client();
            let mut sealed = Vec::new();
            for _ in 0..count {
                let mut message = b"message".to_vec();
                let signature = client.seal(&mut message).unwrap();
                sealed = [&signature[..], &message].concat();
            }
            sealed
        };
        for at in 0..seal(1).len() {
            let mut changed = seal(1);
            changed[at] ^= 1;
            server().open(&mut changed).unwrap_err();
        }
        server().open(&mut seal(2)).unwrap_err();
        server().open(&mut seal(1)[..SIGNATURE_BYTES - 1]).unwrap_err();
        let mut server = server();
        server.open(&mut seal(1)).unwrap();
        server.open(&mut seal(1)).unwrap_err();
    }

    #[test]
    fn less_than_is_known_is_left_to_others() {
        for flag in [0x20, 0x8_0000, 0x2000_0000, 0x4000_0000] {
            assert!(Sealing::of_client(&challenge(NEEDED & !flag), &SESSION_KEY).is_none());
        }
        assert!(Sealing::of_client(&challenge(NEEDED), &[1; 8]).is_none());
        assert!(Sealing::of_client(&[0; 22], &SESSION_KEY).is_none());
    }
}

//! Keys and certificates made by the openssl command line.

use std::{path::Path, process::Command};

pub(in crate::hosted) fn openssl(directory: &Path, arguments: &str) {
    let done = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(directory)
        .output()
        .expect("openssl can be run");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "openssl {arguments}: {said}");
}

/// A key, its certificate and both in every form, made by the command line.
pub(in crate::hosted) fn made(kind: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    openssl(
        at,
        &format!(
            "req -x509 -nodes {kind} -keyout key.pem -out cert.pem -days 30 -subj /CN=Gatepost/O=Contoso"
        ),
    );
    openssl(at, "pkcs12 -export -inkey key.pem -in cert.pem -out aes.pfx -passout pass:open");
    openssl(
        at,
        "pkcs12 -export -legacy -inkey key.pem -in cert.pem -out old.pfx -passout pass:open",
    );
    openssl(at, "pkcs12 -export -inkey key.pem -in cert.pem -out bare.pfx -passout pass:");
    openssl(at, "pkcs8 -topk8 -in key.pem -out locked.pem -passout pass:open");
    directory
}

pub(in crate::hosted) const RSA: &str = "-newkey rsa:2048";
pub(in crate::hosted) const EC: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-256";
pub(in crate::hosted) const EC_384: &str = "-newkey ec -pkeyopt ec_paramgen_curve:P-384";

pub(in crate::hosted) fn file(directory: &tempfile::TempDir, names: &[&str]) -> Vec<u8> {
    names.iter().flat_map(|name| std::fs::read(directory.path().join(name)).unwrap()).collect()
}

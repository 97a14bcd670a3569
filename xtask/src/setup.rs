//! What the chores need of the system, installed where that is allowed.
//!
//! The product itself builds with Rust, a C compiler, perl and make. The rest is for its tests:
//! an independent Kerberos, an Active Directory, an array and a proxy, PostgreSQL, a browser, Node
//! and Python.

use std::path::Path;

use crate::process;

/// A file that shows the package is there, and the Debian package that brings it.
const NEEDED: &[(&str, &str)] = &[
    ("/usr/bin/cc", "build-essential"),
    ("/usr/bin/make", "make"),
    ("/usr/bin/perl", "perl"),
    ("/usr/bin/openssl", "openssl"),
    ("/usr/include/gssapi/gssapi.h", "libkrb5-dev"),
    ("/usr/sbin/krb5kdc", "krb5-kdc"),
    ("/usr/sbin/kadmin.local", "krb5-admin-server"),
    ("/usr/bin/kinit", "krb5-user"),
    ("/usr/sbin/samba", "samba"),
    ("/usr/share/doc/samba-dsdb-modules/copyright", "samba-dsdb-modules"),
    ("/usr/share/samba/setup/provision.ldif", "samba-ad-provision"),
    ("/usr/sbin/haproxy", "haproxy"),
    ("/usr/sbin/squid", "squid"),
    ("/usr/sbin/rsyslogd", "rsyslog"),
    ("/usr/share/doc/rsyslog-openssl/copyright", "rsyslog-openssl"),
    ("/usr/bin/chromium", "chromium"),
];

/// The same for what may come from elsewhere than Debian: programs, looked up by name.
const NEEDED_PROGRAMS: &[(&str, &[&str])] =
    &[("node", &["nodejs"]), ("npm", &["npm"]), ("python3", &["python3", "python3-venv"])];

pub(crate) fn run() -> anyhow::Result<()> {
    let mut missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(file, _)| !Path::new(file).exists())
        .map(|(_, package)| *package)
        .collect();
    for (program, packages) in NEEDED_PROGRAMS {
        if !process::has(program) {
            missing.extend(*packages);
        }
    }
    if !libclang_is_here() {
        missing.push("libclang-dev");
    }
    if postgresql_folder().is_none() {
        missing.push("postgresql");
    }
    if missing.is_empty() {
        println!("every system package is here");
        return Ok(());
    }
    if process::output("id", &["-u"])?.trim() != "0" {
        println!("not root, so these are left to you: apt-get install {}", missing.join(" "));
        return Ok(());
    }
    process::run("apt-get", &["update", "-q"])?;
    let mut install =
        process::command("apt-get", &["install", "-y", "-q", "--no-install-recommends"]);
    process::finish(install.args(&missing).env("DEBIAN_FRONTEND", "noninteractive"))
}

/// Debian keeps libclang in a folder with its version in the name.
fn libclang_is_here() -> bool {
    std::fs::read_dir("/usr/lib").is_ok_and(|entries| {
        entries.flatten().any(|entry| {
            entry.file_name().to_string_lossy().starts_with("llvm-")
                && entry.path().join("lib/libclang.so").exists()
        })
    })
}

/// Where Debian keeps `initdb`, if it is installed.
fn postgresql_folder() -> Option<std::path::PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    versions
        .flatten()
        .map(|version| version.path().join("bin"))
        .find(|bin| bin.join("initdb").exists())
}

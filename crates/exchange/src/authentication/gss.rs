//! Security contexts by the system's GSSAPI library: Kerberos with credential cache, keytab,
//! `krb5.conf`, channel binding. Built with the feature `gssapi`.

//! Mailboxes that have partnerships.

use std::collections::HashMap;

use domain::{ConnectorId, DistinguishedName, MailboxFacts, Scope};

use crate::connectors::{reaches, texts};
use crate::device_row::hash_of;
use crate::value::{Columns, Value};
use crate::{Error, Store, sql};

/// Mailboxes read at once: some megabytes.
const AT_ONCE: i64 = 5_000;

impl Store {
    /// Writes mailboxes, new or known, in one transaction; rows that did not change are left.
    pub async fn write_mailboxes(
        &self,
        connector: ConnectorId,
        mailboxes: Vec<MailboxFacts>,
    ) -> Result<(), Error> {
        // One statement cannot write a row twice: the last of two with the same name stands.
        let last: HashMap<_, _> = mailboxes
            .into_iter()
            .map(|mailbox| (mailbox.distinguished_name.key(), mailbox))
            .collect();
        let rows = last.into_iter().map(move |(key, mailbox)| encode(connector, &key, &mailbox));
        self.database.write_bulk(&sql::WRITE_MAILBOXES, Value::id(connector), rows).await
    }

    /// Every mailbox of a connector, some at a time: those whose key comes after `after`, and the
    /// last key among them. No key means that there are no more.
    pub async fn mailboxes(
        &self,
        connector: ConnectorId,
        after: &str,
    ) -> Result<(Vec<MailboxFacts>, Option<String>), Error> {
        let values = vec![Value::id(connector), Value::text(after), Value::Integer(AT_ONCE)];
        let decode =
            |row: &mut Columns<'_>| Ok((row.table("mailbox").text("dn_key")?, mailbox(row)?));
        let found = self.database.query(sql::MAILBOXES, values, decode).await?;
        let last = found.last().map(|(key, _)| key.clone());
        Ok((found.into_iter().map(|(_, mailbox)| mailbox).collect(), last))
    }

    /// The keys of a connector's mailboxes, some at a time: those after `after`. None: no more.
    pub async fn mailbox_keys(
        &self,
        connector: ConnectorId,
        after: &str,
    ) -> Result<Vec<String>, Error> {
        let values = vec![Value::id(connector), Value::text(after), Value::Integer(AT_ONCE)];
        let decode = |row: &mut Columns<'_>| row.table("mailbox").text("dn_key");
        self.database.query(sql::MAILBOX_KEYS, values, decode).await
    }

    /// Forgets mailboxes, by their keys.
    pub async fn remove_mailboxes(
        &self,
        connector: ConnectorId,
        keys: Vec<String>,
    ) -> Result<(), Error> {
        let one = |key: &String| vec![Value::id(connector), Value::text(key)];
        let steps: Vec<_> = keys.iter().map(|key| (sql::REMOVE_MAILBOX, one(key))).collect();
        if steps.is_empty() { Ok(()) } else { self.database.write(steps).await.map(drop) }
    }

    /// The mailbox with a distinguished name, in any case of its letters.
    pub async fn mailbox(
        &self,
        scope: &Scope,
        connector: ConnectorId,
        name: &DistinguishedName,
    ) -> Result<MailboxFacts, Error> {
        let values = vec![Value::id(connector), Value::text(&name.key())];
        let found = self.database.query_one(sql::MAILBOX, values, mailbox).await?;
        found.filter(|_| reaches(scope, connector)).ok_or(Error::NotFound("the mailbox"))
    }
}

fn encode(connector: ConnectorId, key: &str, mailbox: &MailboxFacts) -> Vec<Value> {
    let facts = vec![
        mailbox.guid.map_or(Value::Null, Value::id),
        Value::text(mailbox.distinguished_name.as_str()),
        Value::optional_text(mailbox.display_name.as_deref()),
        Value::optional_text(mailbox.alias.as_deref()),
        Value::optional_text(mailbox.sam_account_name.as_deref()),
        Value::optional_text(mailbox.user_principal_name.as_deref()),
        Value::optional_text(mailbox.primary_smtp_address.as_deref()),
        Value::text(&serde_json::json!(mailbox.allowed_device_ids).to_string()),
        Value::text(&serde_json::json!(mailbox.blocked_device_ids).to_string()),
        Value::optional_text(mailbox.policy.as_deref()),
        mailbox.active_sync_enabled.map_or(Value::Null, Value::Flag),
    ];
    let hash = Value::Integer(hash_of(&facts).cast_signed());
    [Value::id(connector), Value::text(key), hash].into_iter().chain(facts).collect()
}

fn mailbox(row: &mut Columns<'_>) -> Result<MailboxFacts, Error> {
    row.table("mailbox");
    Ok(MailboxFacts {
        guid: row.optional_uuid("guid")?,
        distinguished_name: DistinguishedName::parse(&row.text("distinguished_name")?)
            .ok_or_else(|| row.corrupt("distinguished_name"))?,
        display_name: row.optional_text("display_name")?,
        alias: row.optional_text("alias")?,
        sam_account_name: row.optional_text("sam_account_name")?,
        user_principal_name: row.optional_text("user_principal_name")?,
        primary_smtp_address: row.optional_text("primary_smtp_address")?,
        allowed_device_ids: texts(&row.json("allowed_device_ids")?)
            .ok_or_else(|| row.corrupt("allowed_device_ids"))?,
        blocked_device_ids: texts(&row.json("blocked_device_ids")?)
            .ok_or_else(|| row.corrupt("blocked_device_ids"))?,
        policy: row.optional_text("policy")?,
        active_sync_enabled: row.optional_flag("active_sync_enabled")?,
    })
}

//! What is asked of Exchange: cmdlets with named parameters, never script text.

use std::borrow::Cow;

use domain::Timestamp;
use psrp::{
    clixml::Value,
    pipeline::{self, Command, PipelineDescription},
};
use uuid::Uuid;

/// Cmdlets that run as one pipeline, the output of each being the input of the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// At least one.
    pub cmdlets: Vec<Cmdlet>,
    /// Texts streamed to the first cmdlet, such as identities.
    pub input: Vec<String>,
}

impl Pipeline {
    /// The same, its output cut down by the server to these properties.
    #[must_use]
    pub fn selecting(mut self, properties: Vec<String>) -> Self {
        self.cmdlets.push(Cmdlet::new(SELECT).with("Property", properties));
        self
    }
}

/// Cuts objects down to some of their properties. Every Exchange offers it, for PowerShell's own
/// remoting needs it.
pub(crate) const SELECT: &str = "Select-Object";

impl From<Cmdlet> for Pipeline {
    fn from(cmdlet: Cmdlet) -> Self {
        Self { cmdlets: vec![cmdlet], input: Vec::new() }
    }
}

/// One cmdlet and its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Cmdlet {
    /// `Get-MobileDevice`.
    pub name: Cow<'static, str>,
    /// Names without hyphen, in the order they are sent.
    pub parameters: Vec<(Cow<'static, str>, Argument)>,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// A text. Identities come in by [`Identity`] alone.
    Text(String),
    /// A boolean or switch.
    Bool(bool),
    /// A number.
    Int(i64),
    /// Nothing: what was set is taken away.
    Null,
    /// A point in time.
    Time(Timestamp),
    /// Several texts.
    List(Vec<String>),
    /// Changes of a list, never a whole one: `@{Add=…; Remove=…}`.
    Edit {
        /// What is added.
        add: Vec<String>,
        /// What is taken away.
        remove: Vec<String>,
    },
}

/// Names one object, and is never empty: asked about an empty identity, Exchange answers with every
/// object there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity(String);

/// An identity without a name in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("identity is empty, which Exchange would read as every object there is")]
pub struct EmptyIdentity;

impl Identity {
    /// The identity a text stands for.
    pub fn parse(text: &str) -> Result<Self, EmptyIdentity> {
        let blank = text.chars().all(|c| c.is_whitespace() || c.is_control());
        if blank { Err(EmptyIdentity) } else { Ok(Self(text.to_owned())) }
    }

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Uuid> for Identity {
    type Error = EmptyIdentity;

    /// The identity of the object with this GUID. The nil GUID names nothing.
    fn try_from(guid: Uuid) -> Result<Self, Self::Error> {
        if guid.is_nil() { Err(EmptyIdentity) } else { Ok(Self(guid.to_string())) }
    }
}

/// Parameters whose value names an object, so that an empty one would mean all of them.
const IDENTITY_PARAMETERS: [&str; 2] = ["Identity", "Mailbox"];

impl Cmdlet {
    /// A cmdlet without parameters.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), parameters: Vec::new() }
    }

    /// With one parameter more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Argument>) -> Self {
        self.parameters.push((Cow::Borrowed(name), value.into()));
        self
    }

    /// Of one object: `-Identity`.
    #[must_use]
    pub fn of(self, identity: Identity) -> Self {
        self.with("Identity", Argument::Text(identity.0))
    }

    /// Of the objects of one mailbox: `-Mailbox`.
    #[must_use]
    pub fn of_mailbox(self, mailbox: Identity) -> Self {
        self.with("Mailbox", Argument::Text(mailbox.0))
    }

    /// To the end, not the first thousand: `-ResultSize Unlimited`.
    #[must_use]
    pub fn unlimited(self) -> Self {
        self.with("ResultSize", "Unlimited")
    }

    /// Without asking back: `-Confirm:$false`.
    #[must_use]
    pub fn without_confirmation(self) -> Self {
        self.with("Confirm", false)
    }

    /// Whether a parameter that names an object is empty. Such a cmdlet is never sent, however it
    /// was put together.
    pub(crate) fn check(&self) -> Result<(), EmptyIdentity> {
        for (name, value) in &self.parameters {
            if !IDENTITY_PARAMETERS.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                continue;
            }
            match value {
                Argument::Text(text) => Identity::parse(text).map(drop)?,
                Argument::List(texts) if texts.is_empty() => return Err(EmptyIdentity),
                Argument::List(texts) => {
                    texts.iter().try_for_each(|text| Identity::parse(text).map(drop))?;
                }
                Argument::Bool(_)
                | Argument::Int(_)
                | Argument::Null
                | Argument::Time(_)
                | Argument::Edit { .. } => return Err(EmptyIdentity),
            }
        }
        Ok(())
    }
}

impl Pipeline {
    /// The pipeline as it is sent: names and parameters, never script text.
    ///
    /// # Errors
    /// [`EmptyIdentity`] if something is named by nothing; such a pipeline is never sent.
    pub(crate) fn to_psrp(&self) -> Result<PipelineDescription, EmptyIdentity> {
        self.check()?;
        let commands = self.cmdlets.iter().map(|cmdlet| {
            let command = Command::new(&cmdlet.name);
            cmdlet
                .parameters
                .iter()
                .fold(command, |command, (name, value)| command.with(name, value.to_clixml()))
        });
        let mut description = PipelineDescription::new(commands.collect());
        description.no_input = self.input.is_empty();
        Ok(description)
    }

    /// Whether every object that is named has a name: see [`Cmdlet::check`]. Input names objects
    /// too.
    pub(crate) fn check(&self) -> Result<(), EmptyIdentity> {
        self.cmdlets.iter().try_for_each(Cmdlet::check)?;
        self.input.iter().try_for_each(|text| Identity::parse(text).map(drop))
    }
}

impl Argument {
    fn to_clixml(&self) -> Value {
        let texts =
            |texts: &[String]| pipeline::list(texts.iter().map(|t| t.as_str().into()).collect());
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Bool(value) => (*value).into(),
            Self::Null => Value::Nil,
            Self::Time(time) => Value::DateTime(time.to_string()),
            // What Exchange counts is an Int32; a parameter does not take a wider one unasked.
            Self::Int(value) => i32::try_from(*value).map_or_else(|_| (*value).into(), Value::from),
            Self::List(items) => texts(items),
            Self::Edit { add, remove } => {
                let parts = [("Add", add), ("Remove", remove)];
                let parts = parts.into_iter().filter(|(_, items)| !items.is_empty());
                pipeline::hashtable(
                    parts.map(|(name, items)| (name.into(), texts(items))).collect(),
                )
            }
        }
    }
}

impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<String>> for Argument {
    fn from(texts: Vec<String>) -> Self {
        Self::List(texts)
    }
}

impl From<bool> for Argument {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Argument {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_identity_cannot_be_built_nor_smuggled_in() {
        for text in ["", " ", "\t\r\n", "\u{0}"] {
            assert_eq!(Identity::parse(text), Err(EmptyIdentity));
            let smuggled = Cmdlet::new("Get-MobileDevice").with("identity", text);
            assert_eq!(smuggled.check(), Err(EmptyIdentity));
            let streamed = Pipeline {
                cmdlets: vec![Cmdlet::new("Get-MobileDeviceStatistics")],
                input: vec!["x".to_owned(), text.to_owned()],
            };
            assert_eq!(streamed.check(), Err(EmptyIdentity));
        }
        assert_eq!(Identity::try_from(Uuid::nil()), Err(EmptyIdentity));
        let list = Cmdlet::new("Get-CASMailbox").with("Identity", Argument::List(Vec::new()));
        assert_eq!(list.check(), Err(EmptyIdentity));
    }

    #[test]
    fn a_named_object_may_be_asked_for() {
        let identity = Identity::parse("contoso.com/Users/Jane").unwrap();
        let cmdlet = Cmdlet::new("Clear-MobileDevice").of(identity).without_confirmation();
        assert_eq!(cmdlet.check(), Ok(()));
        assert_eq!(cmdlet.parameters[1], ("Confirm".into(), Argument::Bool(false)));
    }
}

use std::time::Duration;

use uuid::Uuid;

use crate::limits::EXCHANGE_MAX_ENVELOPE_BYTES;
use crate::stream::Signal;
use crate::write::{OVERHEAD_BYTES, Writer};
use crate::{duration, uri};

/// The largest payload, in raw bytes, whose base64 fits into an envelope of so many bytes beside
/// everything else a Send or Command holds. Never 0, so that a caller who cuts by it goes on.
pub fn max_payload(max_envelope_bytes: u32) -> usize {
    let envelope = usize::try_from(max_envelope_bytes).unwrap_or(usize::MAX);
    (envelope.saturating_sub(OVERHEAD_BYTES) / 4 * 3).max(1)
}

/// What stays the same in all requests of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The address requests are sent to, written into `To`.
    pub url: String,
    /// The kind of shell: [`uri::EXCHANGE`] or [`uri::WINDOWS_POWERSHELL`].
    pub resource_uri: String,
    /// Chosen by the client, the same for a whole session ([MS-WSMV] 3.1.4.1.29).
    pub session_id: Uuid,
    /// The largest answer wanted, in bytes.
    pub max_envelope_bytes: u32,
    /// How long the server may take; a Receive that has nothing to say ends in a fault after it.
    pub operation_timeout: Duration,
    /// The language of texts and of data, as in `en-US`.
    pub locale: String,
    /// The version of PowerShell remoting asked for, as `major.minor` ([MS-PSRP] 2.2.2.1).
    pub protocol_version: String,
}

impl Settings {
    /// The settings for an Exchange server: its resource and envelope size, English texts, and a
    /// time-out of 180 s, the one Windows PowerShell asks for.
    pub fn exchange(url: String, session_id: Uuid) -> Self {
        Self {
            url,
            resource_uri: uri::EXCHANGE.to_owned(),
            session_id,
            max_envelope_bytes: EXCHANGE_MAX_ENVELOPE_BYTES,
            operation_timeout: Duration::from_secs(180),
            locale: "en-US".to_owned(),
            protocol_version: "2.3".to_owned(),
        }
    }
}

/// What a shell is opened with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Creation<'a> {
    /// The id proposed for the shell, by custom the runspace pool's; the server may choose another.
    pub shell_id: Option<Uuid>,
    /// How long the shell may be left alone before the server ends it; none for the server's own.
    pub idle_timeout: Option<Duration>,
    /// The first bytes of the session, put into `creationXml`.
    pub payload: &'a [u8],
}

/// The streams a client writes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InputStream {
    /// `stdin`: everything but the next.
    Default,
    /// `pr`: answers to a server's prompts, which overtake the rest.
    PromptResponse,
}

impl InputStream {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "stdin",
            Self::PromptResponse => "pr",
        }
    }
}

/// One remote shell, from the side of its client: writes the requests.
///
/// Every request has its own message id, which the caller chooses and the answer relates to.
/// Requests other than [`Shell::create`] name the shell by the id told to [`Shell::opened`].
#[derive(Debug, Clone)]
pub struct Shell {
    settings: Settings,
    id: Option<String>,
}

impl Shell {
    /// A shell that is not open yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, id: None }
    }

    /// What its requests have in common.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The server's id of the shell; none before [`Shell::opened`].
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Notes the id from the answer to Create, as it was written.
    pub fn opened(&mut self, shell_id: String) {
        self.id = Some(shell_id);
    }

    /// Opens the shell ([MS-WSMV] 3.1.4.5).
    pub fn create(&self, message_id: Uuid, creation: &Creation<'_>) -> String {
        let mut writer = self.start(uri::ACTION_CREATE, message_id, creation.payload.len());
        self.protocol_version(&mut writer);
        writer.raw("</s:Header><s:Body><rsp:Shell");
        if let Some(id) = creation.shell_id {
            writer.raw(" ShellId=\"").id(id).raw("\"");
        }
        writer.raw(">");
        if let Some(timeout) = creation.idle_timeout {
            writer.element("rsp:IdleTimeOut", &duration::write(timeout));
        }
        writer
            .raw("<rsp:InputStreams>stdin pr</rsp:InputStreams>")
            .raw("<rsp:OutputStreams>stdout</rsp:OutputStreams>")
            .raw("<creationXml xmlns=\"http://schemas.microsoft.com/powershell\">")
            .base64(creation.payload)
            .raw("</creationXml></rsp:Shell>");
        end(&mut writer)
    }

    /// Starts a command whose id the client chooses ([MS-WSMV] 3.1.4.11, [MS-PSRP] 3.1.5.3.3): the
    /// payload is its first bytes, and the command line itself is empty.
    pub fn command(&self, message_id: Uuid, command_id: Uuid, payload: &[u8]) -> String {
        let mut writer = self.start(uri::ACTION_COMMAND, message_id, payload.len());
        writer
            .raw("<w:OptionSet s:mustUnderstand=\"true\">")
            .raw("<w:Option Name=\"WINRS_SKIP_CMD_SHELL\">FALSE</w:Option></w:OptionSet>");
        self.selector(&mut writer);
        writer
            .raw("</s:Header><s:Body><rsp:CommandLine CommandId=\"")
            .id(command_id)
            .raw("\"><rsp:Command/><rsp:Arguments>")
            .base64(payload)
            .raw("</rsp:Arguments></rsp:CommandLine>");
        end(&mut writer)
    }

    /// Sends bytes to a command, or to the shell ([MS-WSMV] 3.1.4.13).
    pub fn send(
        &self,
        message_id: Uuid,
        stream: InputStream,
        command_id: Option<Uuid>,
        bytes: &[u8],
    ) -> String {
        let mut writer = self.start(uri::ACTION_SEND, message_id, bytes.len());
        self.selector(&mut writer);
        writer.raw("</s:Header><s:Body><rsp:Send><rsp:Stream").attribute("Name", stream.name());
        if let Some(id) = command_id {
            writer.raw(" CommandId=\"").id(id).raw("\"");
        }
        writer.raw(">").base64(bytes).raw("</rsp:Stream></rsp:Send>");
        end(&mut writer)
    }

    /// Waits for output of a command, or of the shell ([MS-WSMV] 3.1.4.14).
    pub fn receive(&self, message_id: Uuid, command_id: Option<Uuid>) -> String {
        let mut writer = self.start(uri::ACTION_RECEIVE, message_id, 0);
        writer.raw("<w:OptionSet s:mustUnderstand=\"true\">").raw(
            "<w:Option Name=\"WSMAN_CMDSHELL_OPTION_KEEPALIVE\">TRUE</w:Option></w:OptionSet>",
        );
        self.selector(&mut writer);
        writer.raw("</s:Header><s:Body><rsp:Receive><rsp:DesiredStream");
        if let Some(id) = command_id {
            writer.raw(" CommandId=\"").id(id).raw("\"");
        }
        writer.raw(">stdout</rsp:DesiredStream></rsp:Receive>");
        end(&mut writer)
    }

    /// Stops or terminates a command ([MS-WSMV] 3.1.4.12).
    pub fn signal(&self, message_id: Uuid, command_id: Uuid, signal: &Signal) -> String {
        let mut writer = self.start(uri::ACTION_SIGNAL, message_id, 0);
        self.selector(&mut writer);
        writer
            .raw("</s:Header><s:Body><rsp:Signal CommandId=\"")
            .id(command_id)
            .raw("\">")
            .element("rsp:Code", signal.uri())
            .raw("</rsp:Signal>");
        end(&mut writer)
    }

    /// Closes the shell and all its commands ([MS-WSMV] 3.1.4.4).
    pub fn delete(&self, message_id: Uuid) -> String {
        self.bare(uri::ACTION_DELETE, message_id)
    }

    /// Leaves the shell on the server, for so long or for the server's own idle time-out
    /// ([MS-WSMV] 3.1.4.15).
    pub fn disconnect(&self, message_id: Uuid, idle_timeout: Option<Duration>) -> String {
        let mut writer = self.start(uri::ACTION_DISCONNECT, message_id, 0);
        self.selector(&mut writer);
        writer.raw("</s:Header><s:Body><rsp:Disconnect>");
        writer.optional("rsp:IdleTimeOut", idle_timeout.map(duration::write).as_deref());
        writer.raw("</rsp:Disconnect>");
        end(&mut writer)
    }

    /// Comes back to a shell this client left ([MS-WSMV] 3.1.4.16).
    pub fn reconnect(&self, message_id: Uuid) -> String {
        self.bare(uri::ACTION_RECONNECT, message_id)
    }

    /// Takes over a disconnected shell, opening with the bytes of the payload ([MS-WSMV] 3.1.4.17).
    pub fn connect(&self, message_id: Uuid, payload: &[u8]) -> String {
        let mut writer = self.start(uri::ACTION_CONNECT, message_id, payload.len());
        self.protocol_version(&mut writer);
        self.selector(&mut writer);
        writer
            .raw("</s:Header><s:Body><rsp:Connect>")
            .raw("<connectXml xmlns=\"http://schemas.microsoft.com/powershell\">")
            .base64(payload)
            .raw("</connectXml></rsp:Connect>");
        end(&mut writer)
    }

    /// A request whose body is empty.
    fn bare(&self, action: &str, message_id: Uuid) -> String {
        let mut writer = self.start(action, message_id, 0);
        self.selector(&mut writer);
        writer.raw("</s:Header><s:Body>");
        end(&mut writer)
    }

    /// Writes the envelope up to the headers that differ.
    fn start(&self, action: &str, message_id: Uuid, payload_bytes: usize) -> Writer {
        let settings = &self.settings;
        let mut writer = Writer::new(ENVELOPE, payload_bytes);
        writer.element("a:To", &settings.url);
        writer
            .raw("<w:ResourceURI s:mustUnderstand=\"true\">")
            .text(&settings.resource_uri)
            .raw("</w:ResourceURI><a:ReplyTo><a:Address s:mustUnderstand=\"true\">")
            .raw(uri::ANONYMOUS)
            .raw("</a:Address></a:ReplyTo><a:Action s:mustUnderstand=\"true\">")
            .raw(action)
            .raw("</a:Action><w:MaxEnvelopeSize s:mustUnderstand=\"true\">")
            .raw(&settings.max_envelope_bytes.to_string())
            .raw("</w:MaxEnvelopeSize><a:MessageID>uuid:")
            .id(message_id)
            .raw("</a:MessageID><w:Locale s:mustUnderstand=\"false\"")
            .attribute("xml:lang", &settings.locale)
            .raw("/><p:DataLocale s:mustUnderstand=\"false\"")
            .attribute("xml:lang", &settings.locale)
            .raw("/><p:SessionId s:mustUnderstand=\"false\">uuid:")
            .id(settings.session_id)
            .raw("</p:SessionId>")
            .element("w:OperationTimeout", &duration::write(settings.operation_timeout));
        writer
    }

    fn protocol_version(&self, writer: &mut Writer) {
        writer
            .raw("<w:OptionSet s:mustUnderstand=\"true\">")
            .raw("<w:Option Name=\"protocolversion\" MustComply=\"true\">")
            .text(&self.settings.protocol_version)
            .raw("</w:Option></w:OptionSet>");
    }

    fn selector(&self, writer: &mut Writer) {
        if let Some(id) = &self.id {
            writer
                .raw("<w:SelectorSet><w:Selector Name=\"ShellId\">")
                .text(id)
                .raw("</w:Selector></w:SelectorSet>");
        }
    }
}

const ENVELOPE: &str = concat!(
    r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope""#,
    r#" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing""#,
    r#" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd""#,
    r#" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd""#,
    r#" xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell"><s:Header>"#,
);

fn end(writer: &mut Writer) -> String {
    writer.raw("</s:Body></s:Envelope>").finish()
}

use std::time::Duration;

use uuid::Uuid;

use crate::fault::Fault;
use crate::stream::{CommandState, StreamData};
use crate::write::Writer;
use crate::{duration, uri};

/// A shell as its server describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShellDescription {
    /// The shell's id.
    pub shell_id: String,
    /// The address of the server, as clients know it.
    pub url: String,
    /// The kind of shell.
    pub resource_uri: String,
    /// The user it belongs to, as in `DOMAIN\user`.
    pub owner: String,
    /// The client's address.
    pub client_ip: String,
    /// How long it may be left alone.
    pub idle_timeout: Duration,
    /// `Connected` or `Disconnected`.
    pub state: String,
}

/// Writes the answer to one request, as Windows writes it.
#[derive(Debug, Clone, Copy)]
pub struct Reply<'a> {
    message_id: Uuid,
    relates_to: &'a str,
}

impl<'a> Reply<'a> {
    /// An answer with an id of its own to the request of that message id, repeated to the letter.
    pub fn new(message_id: Uuid, relates_to: &'a str) -> Self {
        Self { message_id, relates_to }
    }

    /// The shell is open.
    pub fn created(&self, shell: &ShellDescription) -> String {
        let mut writer =
            self.start("http://schemas.xmlsoap.org/ws/2004/09/transfer/CreateResponse", 0);
        writer
            .raw("<x:ResourceCreated>")
            .element("a:Address", &shell.url)
            .raw("<a:ReferenceParameters>")
            .element("w:ResourceURI", &shell.resource_uri)
            .raw("<w:SelectorSet><w:Selector Name=\"ShellId\">")
            .text(&shell.shell_id)
            .raw("</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>");
        write_shell(&mut writer, shell);
        end(&mut writer)
    }

    /// The command runs.
    pub fn command(&self, command_id: Uuid) -> String {
        let mut writer = self.start_shell("CommandResponse", 0);
        writer
            .raw("<rsp:CommandResponse><rsp:CommandId>")
            .id(command_id)
            .raw("</rsp:CommandId></rsp:CommandResponse>");
        end(&mut writer)
    }

    /// The input was taken.
    pub fn sent(&self) -> String {
        let mut writer = self.start_shell("SendResponse", 0);
        writer.raw("<rsp:SendResponse/>");
        end(&mut writer)
    }

    /// Output.
    pub fn received(&self, streams: &[StreamData], state: Option<&CommandState>) -> String {
        let bytes = streams.iter().map(|stream| stream.bytes.len() + 128).sum();
        let mut writer = self.start_shell("ReceiveResponse", bytes);
        writer.raw("<rsp:ReceiveResponse>");
        for stream in streams {
            writer.raw("<rsp:Stream").attribute("Name", &stream.name);
            if let Some(id) = stream.command_id {
                writer.raw(" CommandId=\"").id(id).raw("\"");
            }
            if stream.end {
                writer.raw(" End=\"true\"");
            }
            writer.raw(">").base64(&stream.bytes).raw("</rsp:Stream>");
        }
        if let Some(state) = state {
            write_state(&mut writer, state);
        }
        writer.raw("</rsp:ReceiveResponse>");
        end(&mut writer)
    }

    /// The signal was taken.
    pub fn signalled(&self) -> String {
        let mut writer = self.start_shell("SignalResponse", 0);
        writer.raw("<rsp:SignalResponse/>");
        end(&mut writer)
    }

    /// The shell is closed.
    pub fn deleted(&self) -> String {
        end(&mut self.start("http://schemas.xmlsoap.org/ws/2004/09/transfer/DeleteResponse", 0))
    }

    /// The shell runs on alone.
    pub fn disconnected(&self) -> String {
        end(&mut self.start_shell("DisconnectResponse", 0))
    }

    /// The shell is the client's again.
    pub fn reconnected(&self) -> String {
        end(&mut self.start_shell("ReconnectResponse", 0))
    }

    /// The shell was taken over; the payload goes into `connectResponseXml`.
    pub fn connected(&self, payload: &[u8]) -> String {
        let mut writer = self.start_shell("ConnectResponse", payload.len());
        writer
            .raw("<rsp:ConnectResponse><rsp:InputStreams>stdin pr</rsp:InputStreams>")
            .raw("<rsp:OutputStreams>stdout</rsp:OutputStreams>")
            .raw("<connectResponseXml xmlns=\"http://schemas.microsoft.com/powershell\">")
            .base64(payload)
            .raw("</connectResponseXml></rsp:ConnectResponse>");
        end(&mut writer)
    }

    /// One shell, read.
    pub fn got(&self, shell: &ShellDescription) -> String {
        let mut writer =
            self.start("http://schemas.xmlsoap.org/ws/2004/09/transfer/GetResponse", 0);
        write_shell(&mut writer, shell);
        end(&mut writer)
    }

    /// The shells of a user, all in one answer.
    pub fn enumerated(&self, shells: &[ShellDescription]) -> String {
        let action = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/EnumerateResponse";
        let mut writer = self.start(action, shells.len() * 1_024);
        writer
            .raw("<n:EnumerateResponse xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\">")
            .raw("<n:EnumerationContext></n:EnumerationContext><w:Items>");
        for shell in shells {
            write_shell(&mut writer, shell);
        }
        writer.raw("</w:Items><w:EndOfSequence/></n:EnumerateResponse>");
        end(&mut writer)
    }

    /// A refusal; goes with HTTP status 500.
    pub fn fault(&self, fault: &Fault) -> String {
        let mut writer = self.start(uri::ACTION_WSMAN_FAULT, 0);
        write_fault(&mut writer, fault);
        end(&mut writer)
    }

    fn start_shell(&self, name: &str, payload_bytes: usize) -> Writer {
        self.start(&format!("{}/{name}", uri::SHELL), payload_bytes)
    }

    fn start(&self, action: &str, payload_bytes: usize) -> Writer {
        let mut writer = Writer::new(ENVELOPE, payload_bytes);
        writer
            .element("a:Action", action)
            .raw("<a:MessageID>uuid:")
            .id(self.message_id)
            .raw("</a:MessageID>")
            .element("a:To", uri::ANONYMOUS)
            .element("a:RelatesTo", self.relates_to)
            .raw("</s:Header><s:Body>");
        writer
    }
}

const ENVELOPE: &str = concat!(
    r#"<s:Envelope xml:lang="en-US" xmlns:s="http://www.w3.org/2003/05/soap-envelope""#,
    r#" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing""#,
    r#" xmlns:x="http://schemas.xmlsoap.org/ws/2004/09/transfer""#,
    r#" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd""#,
    r#" xmlns:rsp="http://schemas.microsoft.com/wbem/wsman/1/windows/shell""#,
    r#" xmlns:p="http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"><s:Header>"#,
);

fn end(writer: &mut Writer) -> String {
    writer.raw("</s:Body></s:Envelope>").finish()
}

fn write_shell(writer: &mut Writer, shell: &ShellDescription) {
    writer
        .raw("<rsp:Shell>")
        .element("rsp:ShellId", &shell.shell_id)
        .element("rsp:ResourceUri", &shell.resource_uri)
        .element("rsp:Owner", &shell.owner)
        .element("rsp:ClientIP", &shell.client_ip)
        .element("rsp:IdleTimeOut", &duration::write(shell.idle_timeout))
        .raw("<rsp:InputStreams>stdin pr</rsp:InputStreams>")
        .raw("<rsp:OutputStreams>stdout</rsp:OutputStreams>")
        .element("rsp:State", &shell.state)
        .raw("</rsp:Shell>");
}

fn write_state(writer: &mut Writer, state: &CommandState) {
    writer.raw("<rsp:CommandState");
    if let Some(id) = state.command_id {
        writer.raw(" CommandId=\"").id(id).raw("\"");
    }
    writer.attribute("State", state.progress.uri()).raw(">");
    writer.optional("rsp:ExitCode", state.exit_code.map(|code| code.to_string()).as_deref());
    writer.raw("</rsp:CommandState>");
}

fn write_fault(writer: &mut Writer, fault: &Fault) {
    writer.raw("<s:Fault><s:Code><s:Value>s:").text(&fault.soap_code).raw("</s:Value>");
    if let Some(subcode) = &fault.soap_subcode {
        writer.raw("<s:Subcode><s:Value>w:").text(subcode).raw("</s:Value></s:Subcode>");
    }
    writer
        .raw("</s:Code><s:Reason><s:Text xml:lang=\"en-US\">")
        .text(&fault.text)
        .raw("</s:Text></s:Reason><s:Detail>")
        .optional("w:FaultDetail", fault.detail.as_deref());
    if let Some(code) = fault.code {
        writer
            .raw("<f:WSManFault xmlns:f=\"http://schemas.microsoft.com/wbem/wsman/1/wsmanfault\"")
            .attribute("Code", &code.to_string());
        if let Some(machine) = &fault.machine {
            writer.attribute("Machine", machine);
        }
        writer.raw("><f:Message>").text(fault.message.as_deref().unwrap_or_default());
        if let Some(text) = &fault.provider_text {
            writer.raw("<f:ProviderFault");
            if let Some(provider) = &fault.provider {
                writer.attribute("provider", provider);
            }
            writer.raw(">").text(text).raw("</f:ProviderFault>");
        }
        writer.raw("</f:Message></f:WSManFault>");
    }
    writer.raw("</s:Detail></s:Fault>");
}

//! Faults: what a server says when it will not or cannot ([MS-WSMV] 2.2.4.43, DSP0226 section 14).
//!
//! The codes are those of Windows' `wsmerror.h` and `winerror.h`, in decimal as they travel.

use crate::error::Error;
use crate::xml::{Ns, Piece, Reader, parse_code};

/// 5: the user may not use this resource (`ERROR_ACCESS_DENIED`).
pub const ACCESS_DENIED: u32 = 5;
/// 87: a value is not allowed (`ERROR_INVALID_PARAMETER`).
pub const INVALID_PARAMETER: u32 = 87;
/// 995: the operation was ended because its shell or command went away (`ERROR_OPERATION_ABORTED`).
pub const OPERATION_ABORTED: u32 = 995;
/// 0x80338000: no resource of this URI, or not for this user (`ERROR_WSMAN_RESOURCE_NOT_FOUND`).
pub const RESOURCE_NOT_FOUND: u32 = 2_150_858_752;
/// 0x80338001: the action is not known (`ERROR_WSMAN_INVALID_ACTIONURI`).
pub const INVALID_ACTION: u32 = 2_150_858_753;
/// 0x80338003: the shell's plug-in failed (`ERROR_WSMAN_PROVIDER_FAILURE`).
pub const PROVIDER_FAILURE: u32 = 2_150_858_755;
/// 0x80338026: the request is larger than the server takes (`ERROR_WSMAN_ENVELOPE_TOO_LARGE`).
pub const ENVELOPE_TOO_LARGE: u32 = 2_150_858_790;
/// 0x80338029: the operation took longer than its OperationTimeout (`ERROR_WSMAN_OPERATION_TIMEDOUT`).
/// After a Receive this only says that there was nothing to say: ask again.
pub const OPERATION_TIMED_OUT: u32 = 2_150_858_793;
/// 0x8033803B: the resource URI is not of the right form (`ERROR_WSMAN_INVALID_RESOURCE_URI`).
pub const INVALID_RESOURCE_URI: u32 = 2_150_858_811;
/// 0x8033803F: one of the service's quotas is used up (`ERROR_WSMAN_QUOTA_LIMIT`).
pub const QUOTA_LIMIT: u32 = 2_150_858_815;
/// 0x80338041: the envelope does not fit the schema (`ERROR_WSMAN_SCHEMA_VALIDATION_ERROR`).
pub const SCHEMA_VALIDATION: u32 = 2_150_858_817;
/// 0x80338048: the answer does not fit the MaxEnvelopeSize asked for
/// (`ERROR_WSMAN_MAX_ENVELOPE_SIZE_EXCEEDED`).
pub const MAX_ENVELOPE_SIZE_EXCEEDED: u32 = 2_150_858_824;
/// 0x80338049: the answer does not fit the server's own envelope limit
/// (`ERROR_WSMAN_SERVER_ENVELOPE_LIMIT`).
pub const SERVER_ENVELOPE_LIMIT: u32 = 2_150_858_825;
/// 0x8033805B: the selectors name nothing that exists (`ERROR_WSMAN_UNEXPECTED_SELECTORS`). Windows
/// answers so for a shell that does not exist any more and for a command that does not.
pub const SHELL_NOT_FOUND: u32 = 2_150_858_843;
/// 0x80338083: the plug-in gave no proper answer (`ERROR_WSMAN_PLUGIN_FAILED`).
pub const PLUGIN_FAILED: u32 = 2_150_858_883;
/// 0x80338199: the server asks to go elsewhere (`ERROR_WSMAN_REDIRECT_REQUESTED`).
pub const REDIRECT_REQUESTED: u32 = 2_150_859_161;
/// 0x803381A5: the user has as many shells as a user may have (`ERROR_WSMAN_QUOTA_MAX_SHELLS`).
pub const TOO_MANY_SHELLS: u32 = 2_150_859_173;
/// 0x803381A6: the user has as many operations under way as a user may have
/// (`ERROR_WSMAN_QUOTA_MAX_OPERATIONS`).
pub const TOO_MANY_OPERATIONS: u32 = 2_150_859_174;
/// 0x803381A7: the user's load quota is used up (`ERROR_WSMAN_QUOTA_USER`).
pub const USER_QUOTA: u32 = 2_150_859_175;
/// 0x803381A8: the server's load quota is used up (`ERROR_WSMAN_QUOTA_SYSTEM`).
pub const SYSTEM_QUOTA: u32 = 2_150_859_176;
/// 0x803381AB: as many users have shells as may (`ERROR_WSMAN_QUOTA_MAX_SHELLUSERS`).
pub const TOO_MANY_SHELL_USERS: u32 = 2_150_859_179;
/// 0x803381E4: the user has as many shells of this plug-in as allowed
/// (`ERROR_WSMAN_QUOTA_MAX_SHELLS_PPQ`).
pub const TOO_MANY_SHELLS_OF_USER: u32 = 2_150_859_236;
/// 0x803381E5: as many users use this plug-in as may (`ERROR_WSMAN_QUOTA_MAX_USERS_PPQ`).
pub const TOO_MANY_USERS: u32 = 2_150_859_237;
/// 0x803381E6: the plug-in has as many shells as it may have (`ERROR_WSMAN_QUOTA_MAX_PLUGINSHELLS_PPQ`).
pub const TOO_MANY_SHELLS_OF_PLUGIN: u32 = 2_150_859_238;
/// 0x803381E7: the plug-in has as many operations as it may have
/// (`ERROR_WSMAN_QUOTA_MAX_PLUGINOPERATIONS_PPQ`).
pub const TOO_MANY_OPERATIONS_OF_PLUGIN: u32 = 2_150_859_239;
/// 0x803381E8: the user has as many operations of this plug-in as allowed
/// (`ERROR_WSMAN_QUOTA_MAX_OPERATIONS_USER_PPQ`).
pub const TOO_MANY_OPERATIONS_OF_USER: u32 = 2_150_859_240;
/// 0x803381E9: the shell has as many commands as it may have; each must be ended by a Terminate
/// (`ERROR_WSMAN_QUOTA_MAX_COMMANDS_PER_SHELL_PPQ`).
pub const TOO_MANY_COMMANDS: u32 = 2_150_859_241;

/// What a server says when it will not or cannot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fault {
    /// `WSManFault/@Code`, else a Win32 error code in the detail; none when the fault has no
    /// Microsoft detail. Compare with the constants of this module.
    pub code: Option<u32>,
    /// The SOAP code without its prefix: `Sender` or `Receiver`.
    pub soap_code: String,
    /// The SOAP subcode without its prefix: `TimedOut`, `AccessDenied`, `InvalidSelectors`, …
    pub soap_subcode: Option<String>,
    /// The reason in the server's language, trimmed; empty when there is none.
    pub text: String,
    /// `FaultDetail`, a URI that says what exactly was wrong (DSP0226, 14.4).
    pub detail: Option<String>,
    /// `WSManFault/@Machine`: who says so.
    pub machine: Option<String>,
    /// The text of `WSManFault/Message` itself, trimmed; often the same as `text`, often more precise.
    pub message: Option<String>,
    /// What the shell's plug-in said, trimmed: the text within `ProviderFault`, however deep. With
    /// Exchange this holds the true reason.
    pub provider_text: Option<String>,
    /// `ProviderFault/@provider`.
    pub provider: Option<String>,
}

impl Fault {
    /// Whether a Receive only waited in vain and may be asked again.
    pub fn is_time_out(&self) -> bool {
        self.code == Some(OPERATION_TIMED_OUT)
            || (self.code.is_none() && self.soap_subcode.as_deref() == Some("TimedOut"))
    }

    /// Whether the shell or command is not there (any more).
    pub fn is_not_found(&self) -> bool {
        self.code == Some(SHELL_NOT_FOUND)
    }

    /// Whether one of the quotas of shells, operations, users or load is used up, so that waiting helps.
    pub fn is_quota(&self) -> bool {
        matches!(
            self.code,
            Some(
                QUOTA_LIMIT
                | TOO_MANY_SHELLS..=SYSTEM_QUOTA
                | TOO_MANY_SHELL_USERS
                | TOO_MANY_SHELLS_OF_USER..=TOO_MANY_COMMANDS,
            )
        )
    }

    /// Whether the user may not do this.
    pub fn is_access_denied(&self) -> bool {
        self.code == Some(ACCESS_DENIED)
            || (self.code.is_none() && self.soap_subcode.as_deref() == Some("AccessDenied"))
    }

    /// The most telling text there is: the plug-in's, else the message's, else the reason's.
    pub fn best_text(&self) -> &str {
        let told = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
        match self {
            Self { provider_text: Some(text), .. } if told(&self.provider_text) => text,
            Self { message: Some(text), .. } if told(&self.message) => text,
            _ => &self.text,
        }
    }
}

/// Reads a SOAP fault with whatever detail Microsoft's servers add; leaves the element.
pub(crate) fn read_fault(reader: &mut Reader<'_>) -> Result<Fault, Error> {
    let mut fault = Fault::default();
    while let Some(child) = reader.child()? {
        match child.key() {
            (Ns::Soap, "Code") => read_code(reader, &mut fault)?,
            (Ns::Soap, "Reason") => {
                while let Some(child) = reader.child()? {
                    let is_text = child.key() == (Ns::Soap, "Text");
                    let text = reader.text()?;
                    // The first of several languages is the server's own.
                    if is_text && fault.text.is_empty() {
                        fault.text = text;
                    }
                }
            }
            (Ns::Soap, "Detail") => read_detail(reader, &mut fault)?,
            _ => reader.skip()?,
        }
    }
    Ok(fault)
}

fn read_code(reader: &mut Reader<'_>, fault: &mut Fault) -> Result<(), Error> {
    let local = |name: String| match name.split_once(':') {
        Some((_, local)) => local.to_owned(),
        None => name,
    };
    while let Some(child) = reader.child()? {
        match child.key() {
            (Ns::Soap, "Value") => fault.soap_code = local(reader.text()?),
            (Ns::Soap, "Subcode") => {
                while let Some(child) = reader.child()? {
                    match child.key() {
                        (Ns::Soap, "Value") => fault.soap_subcode = Some(local(reader.text()?)),
                        _ => reader.skip()?,
                    }
                }
            }
            _ => reader.skip()?,
        }
    }
    Ok(())
}

fn read_detail(reader: &mut Reader<'_>, fault: &mut Fault) -> Result<(), Error> {
    while let Some(child) = reader.child()? {
        match child.key() {
            (Ns::Wsman, "FaultDetail") => fault.detail = Some(reader.text()?),
            (Ns::Fault, "WSManFault") => {
                let code = child.attribute("Code")?;
                fault.code = code.as_deref().and_then(parse_code).or(fault.code);
                fault.machine = child.attribute("Machine")?;
                read_message(reader, fault)?;
            }
            // CIM servers give the code in an instance of MSFT_WmiError instead.
            (_, "MSFT_WmiError") => read_wmi_error(reader, fault)?,
            _ => reader.skip()?,
        }
    }
    Ok(())
}

/// Reads what is within `WSManFault`: the text of `Message`, and the texts of the plug-in's
/// `ProviderFault`, which may hold a `WSManFault` in its turn.
fn read_message(reader: &mut Reader<'_>, fault: &mut Fault) -> Result<(), Error> {
    let mut message = String::new();
    let mut provider_text = String::new();
    let mut within_provider = 0_usize;
    let mut open = 1_usize;
    while open > 0 {
        match reader.piece()? {
            Some(Piece::Child(child)) => {
                open += 1;
                if within_provider > 0 || child.key() == (Ns::Fault, "ProviderFault") {
                    within_provider += 1;
                    fault.provider = fault.provider.take().or(child.attribute("provider")?);
                }
            }
            Some(Piece::Text(text)) if within_provider > 0 => {
                reader.push_text(&mut provider_text, &text)?;
            }
            Some(Piece::Text(text)) => reader.push_text(&mut message, &text)?,
            None => {
                open -= 1;
                within_provider = within_provider.saturating_sub(1);
            }
        }
    }
    let told = |text: &str| Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned);
    fault.message = told(&message);
    fault.provider_text = told(&provider_text);
    Ok(())
}

fn read_wmi_error(reader: &mut Reader<'_>, fault: &mut Fault) -> Result<(), Error> {
    while let Some(child) = reader.child()? {
        match child.name() {
            "error_Code" => fault.code = fault.code.or(parse_code(&reader.text()?)),
            "Message" => fault.message = Some(reader.text()?),
            _ => reader.skip()?,
        }
    }
    Ok(())
}

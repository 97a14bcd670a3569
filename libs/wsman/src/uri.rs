//! The names of the protocol: namespaces ([MS-WSMV] 2.2.1), actions ([MS-WSMV] 2.2.4 and 3.1.4) and
//! the codes written as URIs.

/// SOAP 1.2 envelopes.
pub const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
/// WS-Addressing of August 2004, the one WS-Management uses.
pub const ADDRESSING: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
/// WS-Transfer: Create, Delete, Get.
pub const TRANSFER: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer";
/// WS-Enumeration.
pub const ENUMERATION: &str = "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
/// WS-Management (DSP0226).
pub const WSMAN: &str = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd";
/// WS-Management's Identify.
pub const IDENTITY: &str = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd";
/// Microsoft's additions to WS-Management headers.
pub const MICROSOFT_WSMAN: &str = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd";
/// Microsoft's fault detail.
pub const WSMAN_FAULT: &str = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault";
/// The remote shell.
pub const SHELL: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell";
/// PowerShell's elements within the shell's.
pub const POWERSHELL: &str = "http://schemas.microsoft.com/powershell";
/// The `xml:` prefix.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// The address that stands for "on this connection".
pub const ANONYMOUS: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous";

/// The resource of Exchange's remote PowerShell.
pub const EXCHANGE: &str = "http://schemas.microsoft.com/powershell/Microsoft.Exchange";
/// The resource of plain Windows PowerShell.
pub const WINDOWS_POWERSHELL: &str = "http://schemas.microsoft.com/powershell/Microsoft.PowerShell";

/// Opens a shell.
pub const ACTION_CREATE: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create";
/// Closes a shell.
pub const ACTION_DELETE: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Delete";
/// Reads a resource, such as the service's configuration.
pub const ACTION_GET: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get";
/// Lists shells or commands.
pub const ACTION_ENUMERATE: &str = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate";
/// Goes on with a list.
pub const ACTION_PULL: &str = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull";
/// Starts a command in a shell.
pub const ACTION_COMMAND: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Command";
/// Sends input.
pub const ACTION_SEND: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Send";
/// Waits for output.
pub const ACTION_RECEIVE: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Receive";
/// Stops or terminates a command.
pub const ACTION_SIGNAL: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Signal";
/// Leaves a shell running without a client.
pub const ACTION_DISCONNECT: &str =
    "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Disconnect";
/// Comes back to a shell of one's own.
pub const ACTION_RECONNECT: &str =
    "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Reconnect";
/// Takes over a disconnected shell.
pub const ACTION_CONNECT: &str = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/Connect";

/// The action of most faults (DSP0226, 14.6).
pub const ACTION_WSMAN_FAULT: &str = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault";
/// The action of faults of WS-Addressing.
pub const ACTION_ADDRESSING_FAULT: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault";

/// A command not yet started.
pub const STATE_PENDING: &str =
    "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Pending";
/// A command under way.
pub const STATE_RUNNING: &str =
    "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Running";
/// A command that ended.
pub const STATE_DONE: &str =
    "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/CommandState/Done";

/// Ends a command ([MS-WSMV] 2.2.5.6 writes it in lower case, Windows with a capital).
pub const SIGNAL_TERMINATE: &str =
    "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/Terminate";
/// Stops a PowerShell pipeline, spelled as PowerShell spells it.
pub const SIGNAL_STOP: &str = "powershell/signal/crtl_c";
/// Stops a PowerShell pipeline, spelled as [MS-WSMV] 2.2.5.6 spells it.
pub const SIGNAL_STOP_SPECIFIED: &str = "powershell/signal/ctrl_c";
/// Ctrl+C to a process.
pub const SIGNAL_CTRL_C: &str =
    "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/ctrl_c";
/// Ctrl+Break to a process.
pub const SIGNAL_CTRL_BREAK: &str =
    "http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/ctrl_break";

//! The only room that speaks Exchange: sessions, cmdlets, records, errors.
//!
//! Names of cmdlets, properties and enums of Exchange live here and nowhere else; what leaves this
//! crate is in the words of `domain`. It knows nothing of SQL, of serving HTTP, of schedules and of
//! decisions; it holds no clock.
//!
//! Start reading at [`organization`], which says what is asked of Exchange, then [`session`], the
//! narrow door through which everything is asked, then what stands behind that door:
//! [`remote_powershell`] on premises, [`hosted`] for Exchange Online.

mod authentication;
pub mod cmdlet;
pub mod connection;
pub mod directory;
pub mod errors;
pub mod hosted;
pub mod notice;
pub mod object;
pub mod organization;
pub mod permissions;
pub mod records;
pub mod remote_powershell;
pub mod secret;
pub mod session;
mod settings;

pub use cmdlet::{Argument, Cmdlet, EmptyIdentity, Identity, Pipeline};
pub use connection::{ConnectError, ConnectionSettings, Timeouts};
pub use directory::{
    DirectoryError, DirectorySecurity, DirectoryServer, DirectorySettings, DirectoryTimeouts,
    find_servers,
    people::{
        DirectoryGroup, DirectoryPerson, PersonError, PersonSearch, check_account, sign_in_person,
    },
};
pub use errors::{CmdletError, CmdletErrorKind};
pub use notice::{CmdletLimit, Notice};
pub use object::{Object, Reference, Value};
pub use organization::{
    Capabilities, Devices, Exemption, Family, Identified, Knowledge, Mailboxes, Observed,
    Organization, Reading, Spent, StatisticsTarget, Wipe, Writing,
};
pub use permissions::{
    CmdletNeed, Feature, FeatureCheck, FeatureState, HostedRoleScript, RoleScript, RoleScriptError,
    hosted_role_script, role_script,
};
pub use remote_powershell::RemotePowerShell;
pub use secret::{Credential, Secret};
pub use session::{AnySession, Error, Reply, Session};

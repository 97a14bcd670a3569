//! Reading CLIXML: our typed values and records against quick-xml alone, over the same bytes.

use std::hint::black_box;

use exchange::{Object, records};
use psrp::clixml;
use quick_xml::{Reader, escape::unescape, events::Event};

use crate::measure;

const OBJECTS: u32 = 20_000;

pub(crate) fn run() -> anyhow::Result<()> {
    let messages: Vec<String> = (0..OBJECTS).map(device).collect();
    let bytes: u64 = messages.iter().map(|message| message.len() as u64).sum();
    let total = measure::megabytes(bytes);
    println!("{OBJECTS} device objects, {total:.1} MB, processor time:");

    let (plain, read) = measure::timed(|| messages.iter().map(|xml| everything(xml)).sum())?;
    let read: anyhow::Result<u64> = Ok(read);
    let speed = |time| total / f64::max(std::time::Duration::as_secs_f64(&time), 0.001);
    println!("  quick-xml, all attributes and text  {:7.1} MB/s  ({} bytes)", speed(plain), read?);

    measure::forget_peak()?;
    let before = measure::peak_memory(std::process::id())?;
    let mut reader = clixml::Reader::new();
    let (typed, ()) = measure::timed(|| {
        for xml in &messages {
            black_box(reader.read(xml.as_bytes())?);
        }
        Ok(())
    })?;
    let growth = measure::peak_memory(std::process::id())?.saturating_sub(before);
    println!("  psrp::clixml, typed values          {:7.1} MB/s", speed(typed));

    let mut reader = clixml::Reader::new();
    let (recorded, ()) = measure::timed(|| {
        for xml in &messages {
            let object = Object::from_clixml(reader.read(xml.as_bytes())?);
            black_box(records::device(object)?);
        }
        Ok(())
    })?;
    println!("  exchange, device records            {:7.1} MB/s", speed(recorded));
    println!(
        "  typed / quick-xml                   {:7.2}     (bar: at least 0.50)",
        ratio(plain, typed)
    );
    println!("  records / quick-xml                 {:7.2}", ratio(plain, recorded));
    println!("  peak memory grew by                 {:7.1} MB", measure::megabytes(growth));
    Ok(())
}

fn ratio(first: std::time::Duration, second: std::time::Duration) -> f64 {
    first.as_secs_f64() / second.as_secs_f64().max(0.001)
}

/// Every event with every attribute and text, decoded; the bytes of text seen.
fn everything(xml: &str) -> anyhow::Result<u64> {
    let mut reader = Reader::from_str(xml);
    let mut seen = 0;
    loop {
        match reader.read_event()? {
            Event::Start(element) | Event::Empty(element) => {
                for attribute in element.attributes() {
                    seen += attribute?.normalized_value(quick_xml::XmlVersion::Implicit1_0)?.len()
                        as u64;
                }
            }
            Event::Text(text) => seen += unescape(&text)?.len() as u64,
            Event::Eof => return Ok(seen),
            _ => {}
        }
    }
}

/// A device as Exchange 2019 serializes it: 44 properties, about 4.5 KB.
fn device(n: u32) -> String {
    let guid = format!("{n:08x}-1b2c-4d3e-8f90-a1b2c3d4e5f6");
    let dn = format!(
        "CN=iPhone§Appl{n:08X},CN=ExchangeActiveSyncDevices,CN=Ocampo\\, Jorge {n},OU=Staff,OU=Taipei,DC=corp,DC=contoso,DC=com"
    );
    let path = format!(
        "corp.contoso.com/Taipei/Staff/Ocampo, Jorge {n}/ExchangeActiveSyncDevices/iPhone§Appl{n:08X}"
    );
    let id = |name: &str, refid: u32, tn: &str| {
        format!(
            r#"<Obj N="{name}" RefId="{refid}">{tn}<ToString>{path}</ToString><Props><S N="Rdn">CN=iPhone§Appl{n:08X}</S><S N="Parent">corp.contoso.com/Taipei/Staff/Ocampo, Jorge {n}/ExchangeActiveSyncDevices</S><I32 N="Depth">8</I32><S N="DistinguishedName">{dn}</S><B N="IsRelativeDn">false</B><S N="DomainId">corp.contoso.com</S><G N="PartitionGuid">59ce2f71-eaa2-4ddf-a4fa-f25069d0b324</G><S N="PartitionFQDN">corp.contoso.com</S><G N="ObjectGuid">{guid}</G><S N="Name">iPhone§Appl{n:08X}</S></Props></Obj>"#
        )
    };
    let identity = id(
        "Identity",
        4,
        r#"<TN RefId="3"><T>Microsoft.Exchange.Data.Directory.ADObjectId</T><T>Microsoft.Exchange.Data.ObjectId</T><T>System.Object</T></TN>"#,
    );
    format!(
        r#"<Obj RefId="0"><TN RefId="0"><T>Microsoft.Exchange.Data.Directory.SystemConfiguration.MobileDevice</T><T>Microsoft.Exchange.Data.Directory.SystemConfiguration.ADConfigurationObject</T><T>Microsoft.Exchange.Data.Directory.ADObject</T><T>Microsoft.Exchange.Data.Directory.ADRawEntry</T><T>Microsoft.Exchange.Data.ConfigurableObject</T><T>System.Object</T></TN><ToString>iPhone§Appl{n:08X}</ToString><Props><S N="FriendlyName">Jorge's iPhone 13 Pro</S><S N="DeviceId">Appl{n:08X}</S><S N="DeviceImei">35209900176148{n:05}</S><S N="DeviceMobileOperator">Chunghwa Telecom</S><S N="DeviceOS">iOS 17.4.1 21E236</S><S N="DeviceOSLanguage">zh-TW</S><S N="DeviceTelephoneNumber">+886 912 {n:06}</S><S N="DeviceType">iPhone</S><S N="DeviceUserAgent">Apple-iPhone14C2/2105.236</S><S N="DeviceModel">iPhone14C2</S><DT N="FirstSyncTime">2024-03-05T07:12:09.1234567Z</DT><S N="UserDisplayName">corp.contoso.com/Taipei/Staff/Ocampo, Jorge {n}</S><Obj N="DeviceAccessState" RefId="1"><TN RefId="1"><T>Microsoft.Exchange.Data.Directory.SystemConfiguration.DeviceAccessState</T><T>System.Enum</T><T>System.ValueType</T><T>System.Object</T></TN><ToString>Allowed</ToString><I32>1</I32></Obj><Obj N="DeviceAccessStateReason" RefId="2"><TN RefId="2"><T>Microsoft.Exchange.Data.Directory.SystemConfiguration.DeviceAccessStateReason</T><T>System.Enum</T><T>System.ValueType</T><T>System.Object</T></TN><ToString>Global</ToString><I32>1</I32></Obj><Nil N="DeviceAccessControlRule" /><S N="DeviceActiveSyncVersion">16.1</S><S N="ClientVersion">16.1</S><Obj N="ClientType" RefId="3"><TN RefId="7"><T>Microsoft.Exchange.Data.Directory.SystemConfiguration.MobileClientType</T><T>System.Enum</T><T>System.ValueType</T><T>System.Object</T></TN><ToString>EAS</ToString><I32>0</I32></Obj><B N="IsManaged">false</B><B N="IsCompliant">false</B><B N="IsDisabled">false</B><I32 N="ProvisioningFlags">0</I32><S N="AdminDisplayName"></S><S N="ExchangeVersion">0.10 (14.0.100.0)</S><S N="Name">iPhone§Appl{n:08X}</S><S N="DistinguishedName">{dn}</S>{identity}<G N="Guid">{guid}</G><S N="ObjectCategory">corp.contoso.com/Configuration/Schema/ms-Exch-Active-Sync-Device</S><Obj N="ObjectClass" RefId="5"><TN RefId="4"><T>Microsoft.Exchange.Data.MultiValuedProperty`1[[System.String, mscorlib, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089]]</T><T>Microsoft.Exchange.Data.MultiValuedPropertyBase</T><T>System.Object</T></TN><LST><S>top</S><S>msExchActiveSyncDevice</S></LST></Obj><DT N="WhenChanged">2026-11-20T18:53:39+08:00</DT><DT N="WhenCreated">2024-03-05T15:12:09+08:00</DT><DT N="WhenChangedUTC">2026-11-20T10:53:39Z</DT><DT N="WhenCreatedUTC">2024-03-05T07:12:09Z</DT><Obj N="OrganizationId" RefId="6"><TN RefId="5"><T>Microsoft.Exchange.Data.Directory.OrganizationId</T><T>System.Object</T></TN><ToString></ToString></Obj><Ref N="Id" RefId="4" /><S N="OriginatingServer">dc01.corp.contoso.com</S><B N="IsValid">true</B><Obj N="ObjectState" RefId="7"><TN RefId="6"><T>Microsoft.Exchange.Data.ObjectState</T><T>System.Enum</T><T>System.ValueType</T><T>System.Object</T></TN><ToString>Unchanged</ToString><I32>1</I32></Obj></Props><MS><S N="PSComputerName">exch01.corp.contoso.com</S><G N="RunspaceId">b7b0d1f6-6a0a-4f1d-9f11-0c7f2f5b6a01</G><B N="PSShowComputerName">false</B></MS></Obj>"#
    )
}

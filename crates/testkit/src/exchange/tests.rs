use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use super::*;

/// What the health page of a server answers; nothing if it cannot be reached.
fn health(exchange: &Exchange) -> Option<String> {
    let mut stream = TcpStream::connect(exchange.address).ok()?;
    let request =
        "GET /PowerShell/healthcheck.htm HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.lines().next().map(str::to_owned)
}

#[test]
fn somebody_else_changes_what_the_servers_show_and_is_named() -> anyhow::Result<()> {
    let exchange = Exchange::serve(&OrganizationOptions::default())?;
    let later = exchange.organization().now() + jiff::SignedDuration::from_mins(5);
    exchange.skip_to(later);
    let set = "Set-MobileDeviceMailboxPolicy Default -AllowCamera $false";
    assert_eq!(exchange.console(set), Ok(String::new()));
    let texts = exchange.organization().policy_texts("Default").unwrap_or_default();
    assert_eq!(texts["AllowCamera"], "False");
    let log = exchange.console("Search-AdminAuditLog | fl Caller,RunDate").unwrap_or_default();
    assert!(log.contains("contoso.com/Users/administrator"), "{log}");
    assert!(log.contains(&later.to_string()), "{log}");
    assert!(exchange.console("Set-Nothing").is_err());
    Ok(())
}

#[test]
fn one_server_goes_off_and_comes_again_while_the_other_stays() -> anyhow::Result<()> {
    let first = Exchange::serve(&OrganizationOptions::default())?;
    let second = first.server(1)?;
    let alive = Some("HTTP/1.1 200 OK".to_owned());
    first.faults().offline = true;
    assert_eq!((health(&first), health(&second)), (None, alive.clone()));
    first.faults().offline = false;
    assert_eq!(health(&first), alive);
    first.stop()?;
    assert!(TcpStream::connect(first.address).is_err());
    assert_eq!(health(&second), alive);
    let connections = first.ledger().entries().connections;
    first.start_again()?;
    assert_eq!(health(&first), alive);
    assert_eq!(first.ledger().entries().connections, connections + 1);
    Ok(())
}

#[test]
fn a_tenant_goes_off_and_comes_again_at_the_same_address() -> anyhow::Result<()> {
    let exchange = Exchange::serve(&Side::Hosted.organization(5))?;
    let endpoint = exchange.endpoint();
    let hosted = endpoint.hosted().expect("it is hosted");
    assert_eq!(hosted.service_url.as_deref(), Some(exchange.url()));
    assert_eq!(hosted.tenant.as_str(), exchange.organization().tenant_id().to_string());
    assert!(TcpStream::connect(exchange.address).is_ok());
    exchange.stop()?;
    assert!(TcpStream::connect(exchange.address).is_err());
    exchange.start_again()?;
    assert!(TcpStream::connect(exchange.address).is_ok());
    let later = exchange.organization().now() + jiff::SignedDuration::from_mins(5);
    exchange.skip_to(later);
    assert_eq!(exchange.organization().now(), later);
    let set = "Set-MobileDeviceMailboxPolicy Default -AllowGooglePushNotifications $false";
    assert_eq!(exchange.console(set), Ok(String::new()));
    assert!(exchange.console("Get-ExchangeServer").is_err());
    assert!(exchange.server(0).is_err(), "there is one service");
    Ok(())
}

//! The real binary, as a person or a script runs it.

#![expect(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod acting;
mod authority;
mod connector;
mod explaining;
mod help;
mod hosted;
mod keys;
mod leaks;
mod people;
mod program;
mod reference;
mod simulate;
mod story;
mod wishes;

use std::process::Stdio;

use program::{Program, gatepost};

/// A server on an empty directory, and a simulated organization that stands still.
struct Lab {
    directory: tempfile::TempDir,
    exchange: Program,
    server: Program,
    exchange_url: String,
}

const PASSWORD: &str = "Pa55word!";

impl Lab {
    fn new(devices: usize) -> Self {
        Self::with(devices, &[])
    }

    /// A lab whose organization is simulated with more arguments.
    fn with(devices: usize, arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let devices = devices.to_string();
        let user = format!("CONTOSO\\gatepost:{PASSWORD}");
        let usual = ["simulate", "on-premises", "--still", "--devices", &devices, "--user", &user];
        // What a test types there is run as at the Exchange console.
        let mut simulate = program::command(&[&usual, arguments].concat());
        let mut exchange = Program::of(simulate.stdin(Stdio::piped()));
        let line = exchange.line_with("simulated Exchange listens on ");
        let exchange_url = line.split_whitespace().last().unwrap().to_owned();
        let server = serve(&directory);
        std::fs::write(directory.path().join("password"), format!("{PASSWORD}\n")).unwrap();
        Self { directory, exchange, server, exchange_url }
    }

    /// Runs a verb as a client of the lab's server.
    fn run(&self, arguments: &[&str]) -> program::Ended {
        let data = self.data();
        let data = data.to_str().unwrap();
        gatepost(&[arguments, &["--data", data]].concat())
    }

    fn data(&self) -> std::path::PathBuf {
        self.directory.path().join("data")
    }

    fn add_connector(&self, password_file: &str) -> program::Ended {
        self.add(&self.exchange_url, password_file, &[])
    }

    /// The path of a file beside the data.
    fn file(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// Adds the connector with more arguments.
    fn add(&self, url: &str, password_file: &str, more: &[&str]) -> program::Ended {
        let file = self.file(password_file);
        let mut arguments = vec!["connector", "add", "lab", "--on-premises", url];
        arguments.extend(["--auth", "ntlm", "--username", "CONTOSO\\gatepost"]);
        arguments.extend(["--password-file", &file]);
        arguments.extend(more);
        self.run(&arguments)
    }

    /// Ends the server as a power cut would, and starts it again.
    fn crash_and_restart(&mut self) {
        self.server.kill();
        self.server = serve(&self.directory);
    }
}

fn serve(directory: &tempfile::TempDir) -> Program {
    let data = directory.path().join("data");
    let mut server =
        Program::start(&["serve", "--data", data.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    server.line_with("gatepost listens on http://127.0.0.1:");
    server
}

//! A mail server of the story: takes mail on loopback, refuses it, or does not answer at all.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use domain::notification::{ChannelKind, MailServer, SmtpSecurity};
use engine::NewChannel;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::name;

/// How the server receives who connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// Says this to who names a recipient.
    Says(&'static str),
    /// Takes the connection and never says a word.
    Silent,
}

/// Takes mail.
#[derive(Clone)]
pub(super) struct Mailbox {
    port: u16,
    moods: Arc<Mutex<VecDeque<Mood>>>,
    /// Recipient and message.
    got: Arc<Mutex<Vec<(String, String)>>>,
    connections: Arc<Mutex<usize>>,
}

impl Mailbox {
    /// One mood after the other for each connection, the last of them for ever; without any, it
    /// takes everything.
    pub(super) async fn open(moods: &[Mood]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mailbox = Self {
            port: listener.local_addr().unwrap().port(),
            moods: Arc::new(Mutex::new(moods.iter().copied().collect())),
            got: Arc::default(),
            connections: Arc::default(),
        };
        let serving = mailbox.clone();
        let serve = async move {
            let mut conversations = tokio::task::JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                let mailbox = serving.clone();
                conversations.spawn(async move { mailbox.talk(connection).await });
            }
        };
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(serve);
        tasks.detach_all();
        mailbox
    }

    /// The channel that leads here.
    pub(super) fn channel(&self) -> NewChannel {
        let kind = ChannelKind::Mail(MailServer {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            security: SmtpSecurity::None,
            username: None,
            from: "Gatepost <gatepost@contoso.com>".to_owned(),
            trusted: None,
        });
        NewChannel { name: name("post"), kind, password: None }
    }

    pub(super) fn got(&self) -> Vec<(String, String)> {
        self.got.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    fn mood(&self) -> Mood {
        *self.connections.lock().unwrap() += 1;
        let mut moods = self.moods.lock().unwrap();
        let mood = moods.front().copied().unwrap_or(Mood::Says("250 OK"));
        if moods.len() > 1 {
            moods.pop_front();
        }
        mood
    }

    async fn talk(&self, connection: TcpStream) -> Option<()> {
        let mood = self.mood();
        let (reader, mut writer) = connection.into_split();
        let mut lines = BufReader::new(reader).lines();
        let Mood::Says(of_recipient) = mood else {
            // Until the other side has had enough.
            return lines.next_line().await.ok().flatten().map(drop);
        };
        writer.write_all(b"220 mailbox\r\n").await.ok()?;
        let mut recipient = String::new();
        while let Some(line) = lines.next_line().await.ok()? {
            let answer = match line.get(..4).unwrap_or(&line).to_uppercase().as_str() {
                "RCPT" => {
                    let (_, rest) = line.split_once('<').unwrap();
                    recipient = rest.split_once('>').unwrap().0.to_owned();
                    of_recipient
                }
                "DATA" => {
                    writer.write_all(b"354 go on\r\n").await.ok()?;
                    let mut message = String::new();
                    loop {
                        let line = lines.next_line().await.ok()??;
                        if line == "." {
                            break;
                        }
                        message.push_str(&line);
                        message.push('\n');
                    }
                    self.got.lock().unwrap().push((recipient.clone(), message));
                    "250 taken"
                }
                "QUIT" => {
                    writer.write_all(b"221 bye\r\n").await.ok()?;
                    return Some(());
                }
                _ => "250 OK",
            };
            writer.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
        }
        Some(())
    }
}

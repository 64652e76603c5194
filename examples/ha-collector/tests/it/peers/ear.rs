//! Hears lines over TCP.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};

use crate::support::PATIENCE;

pub(crate) struct Ear {
    address: SocketAddr,
    lines: Receiver<String>,
}

impl Ear {
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, lines) = channel();
        // Ends with the test's process: nobody waits for it.
        std::thread::spawn(move || {
            while let Ok((tcp, _)) = listener.accept() {
                let heard = heard.clone();
                std::thread::spawn(move || {
                    for line in BufReader::new(tcp).lines().map_while(Result::ok) {
                        if heard.send(line).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, lines }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next line that holds `text`.
    pub(crate) fn hear(&self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{text:?} is not heard"));
            if line.contains(text) {
                return line;
            }
        }
    }
}

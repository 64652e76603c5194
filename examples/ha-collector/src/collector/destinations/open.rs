//! From a configuration to what delivers.

use std::io;

use super::Deliver;
use super::console::Console;
use super::datagram::Datagrams;
use super::file::FileDestination;
use super::pipe::Pipe;
use super::program::Program;
use super::stream::Streams;
use super::usertty::Terminals;
use crate::config::{Destination, DestinationKind};

/// Makes the destination ready to run. Only files are opened already: the others are not always there.
pub(crate) fn open(to: &Destination, most_files: usize) -> io::Result<Box<dyn Deliver>> {
    Ok(match &to.kind {
        DestinationKind::File(file) => Box::new(FileDestination::open(&file.root, most_files)?),
        DestinationKind::Stream(stream) => Box::new(Streams::new(&to.id, stream)),
        DestinationKind::Datagram(datagram) => Box::new(Datagrams::new(&to.id, datagram)),
        DestinationKind::Program(program) => Box::new(Program::new(&to.id, program)),
        DestinationKind::Pipe(pipe) => Box::new(Pipe::new(pipe)),
        DestinationKind::Usertty(tty) => Box::new(Terminals::new(tty)),
        DestinationKind::Console(console) => Box::new(Console::new(console)),
    })
}

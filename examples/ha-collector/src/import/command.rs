//! Commands: from one string to a list of arguments, with a shell only where one is needed.

use nom::branch::alt;
use nom::bytes::complete::{take_till, take_while1};
use nom::character::complete::{char, multispace0};
use nom::combinator::opt;
use nom::error::Error;
use nom::multi::{fold_many1, many0};
use nom::sequence::{delimited, preceded};
use nom::{Err, Parser as _};

/// What is to be run, and what has to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// The program by its absolute path, and its arguments. Never empty.
    pub(super) arguments: Vec<String>,
    pub(super) how: How,
}

/// How the words of the configuration became the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    AsWritten,
    /// By /bin/sh: there is something in it that only a shell understands.
    Shell,
    /// By /usr/bin/env: it has no absolute path.
    Search,
}

impl Command {
    /// `None`: there is nothing to run.
    pub(super) fn new(whole: &str) -> Option<Self> {
        let mut arguments = arguments(whole);
        let program = arguments.first()?;
        if needs_shell(whole) {
            let arguments = ["/bin/sh", "-c", whole.trim()].map(str::to_owned).to_vec();
            return Some(Self { arguments, how: How::Shell });
        }
        if program.starts_with('/') {
            return Some(Self { arguments, how: How::AsWritten });
        }
        arguments.insert(0, "/usr/bin/env".to_owned());
        Some(Self { arguments, how: How::Search })
    }

    /// Whether it only asks systemd if a service is active.
    pub(super) fn asks_is_active(&self) -> bool {
        let mut arguments = self.arguments.iter();
        arguments.any(|argument| argument.ends_with("systemctl"))
            && arguments.any(|argument| argument == "is-active")
    }

    /// The program that would be run: the first word with an absolute path.
    pub(super) fn program(&self) -> Option<&str> {
        match self.how {
            How::AsWritten => self.arguments.first().map(String::as_str),
            How::Shell | How::Search => None,
        }
    }
}

/// Whether a shell would do something that a list of arguments does not. What stands in single quotes is safe, and the
/// `?` and `&` of a URL are meant as they are.
fn needs_shell(command: &str) -> bool {
    let mut outside = command.split('\'').step_by(2).flat_map(str::split_whitespace);
    outside.any(|word| {
        let special = if word.contains("://") { "|;<>$`" } else { "|&;<>$`*?[~()" };
        word.contains(|c| special.contains(c))
    })
}

/// The words of a command: separated by white space, held together by quotes. No shell.
fn arguments(command: &str) -> Vec<String> {
    let quoted = |quote: char| delimited(char(quote), take_till(move |c| c == quote), opt(char(quote)));
    let plain = take_while1(|c: char| !c.is_whitespace() && c != '\'' && c != '"');
    let piece = alt((quoted('\''), quoted('"'), plain));
    let word = fold_many1(piece, String::new, |word, piece: &str| word + piece);
    let mut words = many0(preceded(multispace0, word));
    words.parse(command).map_or_else(|_: Err<Error<&str>>| Vec::new(), |(_, words)| words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_split_at_its_blanks() {
        assert_eq!(arguments("/bin/x a 'b c' d\"e f\""), ["/bin/x", "a", "b c", "de f"]);
        assert_eq!(arguments("  "), [""; 0]);
        assert_eq!(arguments("x 'open"), ["x", "open"]);
    }

    #[test]
    fn a_shell_is_taken_only_where_it_is_needed_and_a_path_is_searched_only_where_there_is_none() {
        let command = |whole| Command::new(whole).map(|command| (command.arguments, command.how));
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let script = "/usr/bin/systemctl is-active --quiet syslog-ng";
        let expected = list(&["/usr/bin/systemctl", "is-active", "--quiet", "syslog-ng"]);
        assert_eq!(command(script), Some((expected, How::AsWritten)));
        let expected = list(&["/usr/bin/env", "killall", "-0", "haproxy"]);
        assert_eq!(command("killall -0 haproxy"), Some((expected, How::Search)));
        for needs in
            ["/bin/a | /bin/b", "</dev/tcp/127.0.0.1/80", "a && b", "/bin/ls *", "/bin/x $HOME", "a; b"]
        {
            let expected = list(&["/bin/sh", "-c", needs]);
            assert_eq!(command(needs), Some((expected, How::Shell)), "{needs}");
        }
        let quoted = "/bin/sh -c 'a | b'";
        assert_eq!(command(quoted), Some((list(&["/bin/sh", "-c", "a | b"]), How::AsWritten)));
        let url = command("/usr/bin/curl -s http://localhost/?a=1&b=*").unwrap();
        assert_eq!(url.1, How::AsWritten);
        assert_eq!(command(" "), None);
    }
}

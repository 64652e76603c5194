//! The collectors, each set up to write one file a host and day.

use std::path::Path;
use std::process::{Command, Stdio};

/// A collector and how it is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setup {
    Ours,
    Rsyslog,
    /// With `queue.type="Disk"`.
    RsyslogDisk,
    SyslogNg,
    /// With `disk-buffer(reliable(yes))`.
    SyslogNgDisk,
}

impl Setup {
    pub(crate) const ALL: [Self; 5] =
        [Self::Ours, Self::Rsyslog, Self::RsyslogDisk, Self::SyslogNg, Self::SyslogNgDisk];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ha-collector",
            Self::Rsyslog => "rsyslog, no disk queue",
            Self::RsyslogDisk => "rsyslog, disk queue",
            Self::SyslogNg => "syslog-ng, no disk buffer",
            Self::SyslogNgDisk => "syslog-ng, reliable disk buffer",
        }
    }

    /// Why not, if not.
    pub(crate) fn is_installed(self) -> Result<(), String> {
        let (program, version) = match self {
            Self::Ours => return Ok(()),
            Self::Rsyslog | Self::RsyslogDisk => ("rsyslogd", "-v"),
            Self::SyslogNg | Self::SyslogNgDisk => ("syslog-ng", "--version"),
        };
        let asked = Command::new(program).arg(version).stdout(Stdio::null()).stderr(Stdio::null()).status();
        match asked {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("{program}: {status}")),
            Err(error) => Err(format!("{program}: {error}")),
        }
    }

    /// Writes its configuration beneath `dir` and gives the command that stays in the foreground, listening on this port
    /// of 127.0.0.1, UDP and TCP, and writing beneath `dir/out`.
    pub(crate) fn command(self, dir: &Path, port: u16, binary: &Path) -> std::io::Result<Command> {
        let at = |name: &str| dir.join(name);
        std::fs::create_dir_all(at("out"))?;
        std::fs::create_dir_all(at("work"))?;
        let (out, work) = (at("out"), at("work"));
        let (out, work) = (out.display(), work.display());
        let (config, command) = match self {
            Self::Ours => {
                let config = format!(
                    "data = \"{work}\"\n\
                     [[source]]\nid = \"udp\"\ntype = \"udp\"\nlisten = \"127.0.0.1:{port}\"\n\
                     [[source]]\nid = \"tcp\"\ntype = \"tcp\"\nlisten = \"127.0.0.1:{port}\"\n\
                     [[destination]]\nid = \"files\"\ntype = \"file\"\nroot = \"{out}\"\n"
                );
                let mut command = Command::new(binary);
                command.arg("run").arg("--config").arg(at("config"));
                (config, command)
            }
            Self::Rsyslog | Self::RsyslogDisk => {
                let queue = match self {
                    Self::RsyslogDisk => {
                        "queue.type=\"Disk\" queue.filename=\"q\" queue.maxDiskSpace=\"4g\" queue.checkpointInterval=\"1000\""
                    }
                    _ => "",
                };
                let config = format!(
                    "global(workDirectory=\"{work}\")\nmodule(load=\"imudp\") module(load=\"imtcp\" maxSessions=\"2000\")\n\
                     template(name=\"perhost\" type=\"string\" string=\"{out}/%HOSTNAME%/%$year%-%$month%-%$day%.log\")\n\
                     ruleset(name=\"r\" {queue}) {{ action(type=\"omfile\" dynaFile=\"perhost\" template=\"RSYSLOG_FileFormat\" ioBufferSize=\"64k\") }}\n\
                     input(type=\"imudp\" address=\"127.0.0.1\" port=\"{port}\" ruleset=\"r\" rcvbufSize=\"16m\")\n\
                     input(type=\"imtcp\" address=\"127.0.0.1\" port=\"{port}\" ruleset=\"r\")\n"
                );
                let mut command = Command::new("rsyslogd");
                command.arg("-n").arg("-i").arg(at("pid")).arg("-f").arg(at("config"));
                (config, command)
            }
            Self::SyslogNg | Self::SyslogNgDisk => {
                let buffer = match self {
                    Self::SyslogNgDisk => format!(
                        "disk-buffer(mem-buf-size(64M) disk-buf-size(4G) reliable(yes) dir(\"{work}\"))"
                    ),
                    _ => String::new(),
                };
                let config = format!(
                    "@version: 3.38\n\
                     options {{ create_dirs(yes); flush_lines(100); ts_format(iso); use_dns(no); keep_hostname(yes); }};\n\
                     source s {{ udp(ip(\"127.0.0.1\") port({port}) so-rcvbuf(16777216));\n\
                     tcp(ip(\"127.0.0.1\") port({port}) max-connections(2000) log-iw-size(200000)); }};\n\
                     destination d {{ file(\"{out}/$HOST/$YEAR-$MONTH-$DAY.log\" create-dirs(yes) {buffer}); }};\n\
                     log {{ source(s); destination(d); flags(flow-control); }};\n"
                );
                let mut command = Command::new("syslog-ng");
                command.arg("-F").arg("--no-caps").arg("-f").arg(at("config"));
                command.arg("-R").arg(at("persist")).arg("-c").arg(at("control")).arg("-p").arg(at("pid"));
                (config, command)
            }
        };
        std::fs::write(at("config"), config)?;
        let mut command = command;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(std::fs::File::create(at("said"))?);
        Ok(command)
    }
}

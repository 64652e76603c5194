//! [`Boot`]: which run of the machine this is.

/// One run of the machine, from its start to its end. What its memory held is gone in the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Boot([u8; 16]);

impl Boot {
    /// The run with this id; `None` for sixteen zeros, which mean that it is not known.
    #[must_use]
    pub const fn new(id: [u8; 16]) -> Option<Self> {
        if u128::from_le_bytes(id) == 0 { None } else { Some(Self(id)) }
    }

    /// Its id.
    #[must_use]
    pub const fn id(self) -> [u8; 16] {
        self.0
    }

    /// The present one.
    #[cfg(target_os = "linux")]
    pub(super) fn present() -> Option<Self> {
        use std::io::Read as _;

        let mut file = std::fs::File::open("/proc/sys/kernel/random/boot_id").ok()?;
        // Where a container is given a file of its own there, with another id at each of its starts, memory outlives the id.
        let statfs = rustix::fs::fstatfs(&file).ok()?;
        let mut text = [0; 36];
        file.read_exact(&mut text).ok()?;
        if statfs.f_type == rustix::fs::PROC_SUPER_MAGIC { Self::parse(&text) } else { None }
    }

    /// From 32 hexadecimal digits, with dashes anywhere.
    #[cfg(any(target_os = "linux", test))]
    fn parse(text: &[u8]) -> Option<Self> {
        let mut digits = text.iter().filter(|byte| **byte != b'-').map(|byte| char::from(*byte).to_digit(16));
        let mut id = 0_u128;
        for _ in 0..32 {
            id = id << 4 | u128::from(digits.next()??);
        }
        if digits.next().is_some() { None } else { Self::new(id.to_be_bytes()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_read_in_the_order_of_its_digits() {
        let id = Boot::parse(b"e6040148-5365-456f-98eb-3aa0f5e346c6").unwrap().id();
        assert_eq!(id, 0xe604_0148_5365_456f_98eb_3aa0_f5e3_46c6_u128.to_be_bytes());
    }

    #[test]
    fn what_is_no_id_is_none() {
        let texts: [&[u8]; 5] = [
            b"",
            b"e6040148-5365-456f-98eb-3aa0f5e346c",
            b"e6040148-5365-456f-98eb-3aa0f5e346c60",
            b"e6040148-5365-456f-98eb-3aa0f5e346cg",
            b"00000000-0000-0000-0000-000000000000",
        ];
        assert_eq!(texts.map(Boot::parse), [None; 5]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn it_does_not_change_while_the_machine_runs() {
        assert_eq!(Boot::present(), Boot::present());
    }
}

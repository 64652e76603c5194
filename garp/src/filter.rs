//! The programs that the kernel runs before it wakes us: classic BPF over what follows the Ethernet header. They only
//! spare us work; what passes is looked at again.

use libc::sock_filter;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an IPv4 program lets through: ARP for Ethernet and IPv4 whose sender is in `addresses`, or that has no sender and
/// whose target is.
pub(crate) fn arp_claims(addresses: &[IpAddr]) -> Vec<sock_filter> {
    let mut program = arp_header();
    program.extend([
        load_word(ARP_SENDER),
        // A probe has no sender: its target counts.
        jump_equal(0, 0, 1),
        load_word(ARP_TARGET),
    ]);
    among(&mut program, ipv4(addresses));
    program
}

/// ARP replies from one of `neighbors` to one of ours are what is listened for; the reply's target is ours.
pub(crate) fn arp_answers(addresses: &[IpAddr]) -> Vec<sock_filter> {
    let mut program = arp_header();
    program.extend([load_half(ARP_OPERATION), jump_equal(2, 1, 0), refuse(), load_word(ARP_TARGET)]);
    among(&mut program, ipv4(addresses));
    program
}

/// What an IPv6 program lets through: advertisements and probes whose target is in `addresses`, and solicitations whose
/// source is. Addresses are told apart by their last 32 bits.
pub(crate) fn ndp_claims(addresses: &[IpAddr]) -> Vec<sock_filter> {
    let mut program = ndp_header();
    program.extend([
        load_byte(ICMP_TYPE),
        jump_equal(136, 13, 0),
        jump_equal(135, 1, 0),
        refuse(),
        // A solicitation: from `::` it is a probe and its target counts, otherwise its source does.
        load_word(IP6_SOURCE),
        jump_equal(0, 0, 7),
        load_word(IP6_SOURCE + 4),
        jump_equal(0, 0, 5),
        load_word(IP6_SOURCE + 8),
        jump_equal(0, 0, 3),
        load_word(IP6_SOURCE + 12),
        jump_equal(0, 3, 0),
        jump(3),
        // To here lead the sources that are not `::`.
        load_word(IP6_SOURCE + 12),
        jump(1),
        load_word(ND_TARGET + 12),
    ]);
    among(&mut program, ipv6(addresses));
    program
}

/// Advertisements to one of `addresses`.
pub(crate) fn ndp_answers(addresses: &[IpAddr]) -> Vec<sock_filter> {
    let mut program = ndp_header();
    program.extend([load_byte(ICMP_TYPE), jump_equal(136, 1, 0), refuse(), load_word(IP6_DESTINATION + 12)]);
    among(&mut program, ipv6(addresses));
    program
}

/// RFC 826's first eight octets for IPv4 over Ethernet, any operation.
fn arp_header() -> Vec<sock_filter> {
    vec![
        load_word(0),
        jump_equal(0x0001_0800, 1, 0),
        refuse(),
        load_half(4),
        jump_equal(0x0604, 1, 0),
        refuse(),
    ]
}

/// ICMPv6 right behind the IPv6 header, from a neighbour (RFC 4861 §7.1: hop limit 255).
fn ndp_header() -> Vec<sock_filter> {
    vec![load_half(6), jump_equal(0x3aff, 1, 0), refuse()]
}

/// Ends the program: accept what is loaded if it is one of `words`.
fn among(program: &mut Vec<sock_filter>, words: impl Iterator<Item = u32> + Clone) {
    if words.clone().count() > MOST_ADDRESSES {
        program.push(accept());
        return;
    }
    for word in words {
        program.extend([jump_equal(word, 0, 1), accept()]);
    }
    program.push(refuse());
}

fn ipv4(addresses: &[IpAddr]) -> impl Iterator<Item = u32> + Clone {
    addresses.iter().filter_map(|address| match address {
        IpAddr::V4(address) => Some(Ipv4Addr::to_bits(*address)),
        IpAddr::V6(_) => None,
    })
}

fn ipv6(addresses: &[IpAddr]) -> impl Iterator<Item = u32> + Clone {
    addresses.iter().filter_map(|address| match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => Some(low_bits(*address)),
    })
}

fn low_bits(address: Ipv6Addr) -> u32 {
    let [.., a, b, c, d] = address.octets();
    u32::from_be_bytes([a, b, c, d])
}

const fn load_word(at: u32) -> sock_filter {
    sock_filter { code: 0x20, jt: 0, jf: 0, k: at } // BPF_LD | BPF_W | BPF_ABS
}

const fn load_half(at: u32) -> sock_filter {
    sock_filter { code: 0x28, jt: 0, jf: 0, k: at } // BPF_LD | BPF_H | BPF_ABS
}

const fn load_byte(at: u32) -> sock_filter {
    sock_filter { code: 0x30, jt: 0, jf: 0, k: at } // BPF_LD | BPF_B | BPF_ABS
}

const fn jump_equal(value: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: 0x15, jt, jf, k: value } // BPF_JMP | BPF_JEQ | BPF_K
}

const fn jump(over: u32) -> sock_filter {
    sock_filter { code: 0x05, jt: 0, jf: 0, k: over } // BPF_JMP | BPF_JA
}

const fn accept() -> sock_filter {
    sock_filter { code: 0x06, jt: 0, jf: 0, k: u32::MAX } // BPF_RET | BPF_K
}

const fn refuse() -> sock_filter {
    sock_filter { code: 0x06, jt: 0, jf: 0, k: 0 }
}

const ARP_OPERATION: u32 = 6;
const ARP_SENDER: u32 = 14;
const ARP_TARGET: u32 = 24;
const IP6_SOURCE: u32 = 8;
const IP6_DESTINATION: u32 = 24;
const ICMP_TYPE: u32 = 40;
const ND_TARGET: u32 = 48;
/// A program has at most 4096 instructions; beyond this many addresses it lets all of them through.
const MOST_ADDRESSES: usize = 2000;

#[cfg(test)]
mod tests;

use super::*;
use crate::Octets;

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 100);
const V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x100);

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.split_whitespace().collect();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

#[track_caller]
fn assert_golden(message: Message, mac: [u8; 6], golden: &str) {
    let frame = message.frame(mac);
    assert_eq!(frame.emit().as_slice(), hex(golden), "{message:?}");
    assert_eq!(Frame::parse(&hex(golden)), Ok(frame));
    assert!(frame.emit().as_slice().len() <= Octets::CAPACITY);
}

#[test]
fn the_request_form_is_the_announcement_of_rfc_5227() {
    assert_golden(
        Message::Announcement { address: V4, form: ArpForm::Request },
        MAC,
        "ffffffffffff 020000000001 0806 0001 0800 06 04 0001
         020000000001 c0000264 000000000000 c0000264",
    );
}

#[test]
fn the_reply_form_names_itself_as_the_target_as_rfc_5944_asks() {
    assert_golden(
        Message::Announcement { address: V4, form: ArpForm::Reply },
        MAC,
        "ffffffffffff 020000000001 0806 0001 0800 06 04 0002
         020000000001 c0000264 020000000001 c0000264",
    );
}

#[test]
fn keepalived_s_form_is_its_octets_on_the_device_and_on_a_virtual_mac() {
    // Captured from keepalived 2.2.7, see tests/it/main.rs.
    assert_golden(
        Message::Announcement { address: Ipv4Addr::new(10, 9, 0, 115), form: ArpForm::RequestToBroadcast },
        MAC,
        "ffffffffffff 020000000001 0806 0001080006040001 020000000001 0a090073 ffffffffffff 0a090073",
    );
    assert_golden(
        Message::Announcement { address: Ipv4Addr::new(10, 9, 0, 117), form: ArpForm::RequestToBroadcast },
        [0, 0, 0x5e, 0, 1, 0x11],
        "ffffffffffff 00005e000111 0806 0001080006040001 00005e000111 0a090075 ffffffffffff 0a090075",
    );
}

#[test]
fn keepalived_s_advertisement_is_its_octets() {
    assert_golden(
        Message::Advertisement {
            address: "2001:db8:9::1".parse().unwrap(),
            audience: Audience::AllNodes,
            role: Role::Host,
        },
        MAC,
        "333300000001 020000000001 86dd
         6000000000203aff20010db8000900000000000000000001ff020000000000000000000000000001
         8800f9182000000020010db80009000000000000000000010201020000000001",
    );
}

#[test]
fn a_probe_has_no_sender() {
    assert_golden(
        Message::Probe { address: V4.into() },
        MAC,
        "ffffffffffff 020000000001 0806 0001 0800 06 04 0001
         020000000001 00000000 000000000000 c0000264",
    );
}

#[test]
fn an_advertisement_overrides_and_says_whether_it_is_a_router_s() {
    let golden = |flags, sum| {
        format!(
            "333300000001 020000000001 86dd 60000000 0020 3a ff
             20010db8000000000000000000000100 ff020000000000000000000000000001
             8800 {sum} {flags}000000 20010db8000000000000000000000100 0201 020000000001"
        )
    };
    let message = |role| Message::Advertisement { address: V6, audience: Audience::AllNodes, role };
    assert_golden(message(Role::Host), MAC, &golden("20", "f72c"));
    assert_golden(message(Role::Router), MAC, &golden("a0", "772c"));
}

#[test]
fn routers_are_told_without_overriding() {
    let message = Message::Advertisement { address: V6, audience: Audience::AllRouters, role: Role::Host };
    let frame = message.frame(MAC);
    assert_eq!(frame.destination, [0x33, 0x33, 0, 0, 0, 2]);
    let Body::Ndp(packet) = frame.body else { panic!("{frame:?}") };
    assert_eq!(packet.destination, "ff02::2".parse::<Ipv6Addr>().unwrap());
    assert_eq!(packet.kind, ndp::Kind::Advertisement(ndp::Flags::NONE));
}

#[test]
fn a_probe_for_an_ipv6_address_comes_from_nowhere_and_says_no_link_layer_address() {
    assert_golden(
        Message::Probe { address: V6.into() },
        MAC,
        "3333ff000100 020000000001 86dd 60000000 0018 3a ff
         00000000000000000000000000000000 ff0200000000000000000001ff000100
         8700 4aef 00000000 20010db8000000000000000000000100",
    );
}

#[test]
fn a_question_goes_to_the_neighbour_s_mac_where_it_is_known() {
    let at = Some([2, 0, 0, 0, 0, 9]);
    let neighbor = Ipv4Addr::new(192, 0, 2, 1);
    let frame = Message::ArpQuestion { address: V4, neighbor, at }.frame(MAC);
    assert_eq!(frame.destination, [2, 0, 0, 0, 0, 9]);
    let everybody = Message::ArpQuestion { address: V4, neighbor, at: None }.frame(MAC);
    assert_eq!((everybody.destination, everybody.body), ([0xff; 6], frame.body));

    let neighbor = "2001:db8::1".parse().unwrap();
    let frame = Message::Solicitation { address: V6, neighbor, at }.frame(MAC);
    let group = Message::Solicitation { address: V6, neighbor, at: None }.frame(MAC);
    assert_eq!((frame.destination, group.destination), ([2, 0, 0, 0, 0, 9], [0x33, 0x33, 0xff, 0, 0, 1]));
    let (Body::Ndp(frame), Body::Ndp(group)) = (frame.body, group.body) else { panic!("not NDP") };
    assert_eq!((frame.destination, group.destination), (neighbor, "ff02::1:ff00:1".parse().unwrap()));
    assert_eq!((frame.link_layer, group.link_layer), (Some(MAC), Some(MAC)));
}

use super::*;

#[test]
fn a_frame_can_not_be_taken_for_two() {
    let framed = |framing, text: &[u8]| {
        let mut out = Vec::new();
        frame(framing, text, &mut out);
        out
    };
    assert_eq!(framed(Framing::OctetCounting, b"<13>a\nb"), b"7 <13>a\nb");
    assert_eq!(framed(Framing::Lf, b"<13>a\nb\0c"), b"<13>a#012b#000c\n");
    assert_eq!(framed(Framing::Lf, b"<13>a"), b"<13>a\n");
}

use super::*;

fn read(text: &str) -> (Vec<String>, String) {
    let (mut files, mut report) = (Files::default(), Report::default());
    let lines = Expander::new(&mut files, &mut report, "main").read_text(Path::new("/nowhere/k.conf"), text);
    (lines.into_iter().map(|line| line.text).collect(), report.show(&files))
}

fn lines(text: &str) -> Vec<String> {
    let (lines, said) = read(text);
    assert_eq!(said, "");
    lines
}

#[test]
fn comments_and_empty_lines_are_gone() {
    assert_eq!(lines("! a\n# b\n\n  x 1 # c\n\ty!d\n"), ["x 1", "y"]);
}

#[test]
fn conditions_keep_or_drop_their_line() {
    assert_eq!(lines("@main a\n@other b\n@^main c\n@^other d\n@main @^other e"), ["a", "d", "e"]);
}

#[test]
fn a_definition_is_replaced_where_it_is_used_not_where_it_is_made() {
    let text = "$B=10.2.${S}\n$S=0\n${B}.100/32\n$S=10\n${B}.100/32\npriority $S\n";
    assert_eq!(lines(text), ["10.2.0.100/32", "10.2.10.100/32", "priority 10"]);
}

#[test]
fn what_is_not_defined_stays_as_it_is() {
    assert_eq!(lines("script \"echo $HOME ${X} $\""), ["script \"echo $HOME ${X} $\""]);
    assert_eq!(lines("$X=1\na $X.5"), ["a $X.5"]);
}

#[test]
fn conditions_and_definitions_work_together() {
    assert_eq!(lines("@main $P=240\n@backup $P=200\npriority $P"), ["priority 240"]);
    assert_eq!(lines("$IF=@main\n$IF priority 1\n$IF=@other\n$IF priority 2"), ["priority 1"]);
}

#[test]
fn a_definition_of_several_lines_is_read_anew_at_each_use() {
    let text = "$I= \\\nvrrp_instance VI_${N} { \\\n  @main priority 1 \\\n\n  @low priority 2 \\\n}\n$N=0\n$I\n$N=1\n$I\n";
    let one = |n| [format!("vrrp_instance VI_{n} {{"), "priority 1".to_owned(), "}".to_owned()];
    assert_eq!(lines(text), [one(0), one(1)].concat());
}

#[test]
fn other_lines_that_end_in_a_backslash_are_one() {
    assert_eq!(lines("a \\\n  b \\\n c\nd"), ["a b c", "d"]);
}

#[test]
fn what_keepalived_defines_is_defined() {
    assert_eq!(lines("a ${_HASH}${_BANG} ${_INSTANCE} ${_PWD}"), ["a #! main /nowhere"]);
    assert_eq!(lines("a ${_ENV CARGO_PKG_NAME}"), ["a ha-collector"]);
    let (kept, said) = read("a ${_ENV NO_SUCH_VARIABLE_7}\nb ${_RANDOM 1 2}");
    assert_eq!(kept, ["a ${_ENV NO_SUCH_VARIABLE_7}", "b ${_RANDOM 1 2}"]);
    assert!(said.contains("k.conf:1:3: ${_ENV NO_SUCH_VARIABLE_7}: is not set here"), "{said}");
}

#[test]
fn sequences_and_lists_are_written_out() {
    assert_eq!(lines("~SEQ(N, 0, 2) a 10.0.${N}.1"), ["a 10.0.0.1", "a 10.0.1.1", "a 10.0.2.1"]);
    assert_eq!(lines("~LST({A, B}, {1,2}, {3,4}) ~SEQ(C,1,2) ${A}${B}${C}"), ["121", "122", "341", "342"]);
    assert!(read("~SEQ(N, x) a").1.contains("~SEQ"), "said");
}

#[test]
fn a_place_is_that_of_the_use_and_in_several_lines_that_of_the_definition() {
    let (mut files, mut report) = (Files::default(), Report::default());
    let text = "$P=7\n$I= \\\n a b \\\n c\n  priority $P\n$I\n";
    let lines = Expander::new(&mut files, &mut report, "x").read_text(Path::new("k"), text);
    let place = |line: usize, word: &str| {
        let place = lines[line].place(lines[line].text.find(word).unwrap());
        (place.line, place.column)
    };
    assert_eq!((place(0, "7"), place(1, "b"), place(2, "c")), ((5, 12), (3, 4), (4, 2)));
}

#[test]
fn definitions_that_never_end_do() {
    for text in [
        "$A=${A}\na ${A}",
        "$A=x${A}${A}\n${A}",
        "$A= \\\n$A \\\n$A\n$A",
        "$A=${B}${B}\n$B=${C}${C}\n$C=${D}${D}\n$D=${E}${E}\n$E=${F}${F}\n$F=${A}x\n$A",
        "~SEQ(A,1,99999999) x",
        "~SEQ(A,1,1000) ~SEQ(B,1,1000) ~SEQ(C,1,1000) x",
    ] {
        let said = read(text).1;
        assert!(said.contains("the rest is not read") || said.contains("too many"), "{text}: {said}");
    }
}

#[test]
fn includes_are_found_beside_the_file_and_a_loop_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("k.conf", "a\ninclude conf.d/*.conf\ninclude {one,two}\ninclude nothing/*\nz\n");
    write("conf.d/1.conf", "b\ninclude ../deep");
    write("conf.d/2.conf", "d\ninclude ../k.conf");
    write("deep", "c\n");
    write("two", "e\n");
    let (mut files, mut report) = (Files::default(), Report::default());
    let lines = Expander::new(&mut files, &mut report, "x").read(&dir.path().join("k.conf")).unwrap();
    assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<String>(), "abcdez");
    let said = report.show(&files);
    assert!(said.contains("2.conf:2:1: include ../k.conf: ") && said.contains("includes itself"), "{said}");
    assert!(said.contains("k.conf:4:1: include nothing/*: there is no such file"), "{said}");
}

#[test]
fn what_is_no_text_is_said_and_a_device_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("k.conf");
    std::fs::write(&path, b"a \xff\0b\n").unwrap();
    let (mut files, mut report) = (Files::default(), Report::default());
    let lines = Expander::new(&mut files, &mut report, "x").read(&path).unwrap();
    assert_eq!(lines.len(), 1);
    assert!(report.has_wrong());
    assert!(Expander::new(&mut files, &mut report, "x").read(Path::new("/dev/zero")).is_err());
}

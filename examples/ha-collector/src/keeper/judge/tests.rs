//! What each tracker does to a priority.

use super::*;
use crate::config::Config;

/// A keeper with one router of priority 150 that tracks everything, with these lines beside it.
fn judge(tracks: &str, more: &str) -> Judge {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c.toml");
    let text = format!(
        "[[vrrp]]\nid = \"V\"\ninterface = \"eth0\"\nvrid = 1\npriority = 150\naddresses = [\"10.0.0.10\"]\n{more}\n{tracks}\n\
         [[track-script]]\nid = \"s\"\ncommand = [\"/bin/true\"]\n[[track-file]]\nid = \"f\"\npath = \"/f\"\n\
         [[track-process]]\nid = \"p\"\nprocess = \"p\"\n"
    );
    std::fs::write(&path, text).unwrap();
    Judge::new(&Config::load(&[path], None).unwrap().keeper.unwrap(), Verdict::Up)
}

fn script(weight: &str) -> Judge {
    judge(&format!("[[vrrp.track]]\nscript = \"s\"\n{weight}"), "")
}

fn priority(priority: u8) -> Vec<Command> {
    vec![Command::Priority(Priority::new(priority))]
}

#[test]
fn a_negative_weight_counts_while_it_is_down() {
    let mut judge = script("weight = -80");
    assert_eq!(judge.commands(0), []);
    judge.script(0, Verdict::Down);
    assert_eq!(judge.commands(0), priority(70));
    assert_eq!(judge.commands(0), [], "said once");
    judge.script(0, Verdict::Up);
    assert_eq!(judge.commands(0), priority(150));
}

#[test]
fn a_positive_weight_counts_while_it_is_up() {
    let mut judge = script("weight = 50");
    assert_eq!(judge.commands(0), priority(200));
    judge.script(0, Verdict::Down);
    assert_eq!(judge.commands(0), priority(150));
}

#[test]
fn without_a_weight_down_is_a_fault() {
    let mut judge = script("");
    judge.script(0, Verdict::Down);
    assert_eq!(judge.commands(0), [Command::Raise(Fault::CHECK)]);
    judge.script(0, Verdict::Up);
    assert_eq!(judge.commands(0), [Command::Clear(Fault::CHECK)]);
}

#[test]
fn reverse_turns_it_round() {
    let mut judge = script("reverse = true");
    assert_eq!(judge.commands(0), [Command::Raise(Fault::CHECK)], "up is bad");
    judge.script(0, Verdict::Down);
    assert_eq!(judge.commands(0), [Command::Clear(Fault::CHECK)]);
}

#[test]
fn priorities_stay_between_1_and_254_and_the_owners_stays_as_it_is() {
    let mut low = script("weight = -253");
    low.script(0, Verdict::Down);
    assert_eq!(low.commands(0), priority(1));
    assert_eq!(script("weight = 253").commands(0), priority(254));
    let track = "[[vrrp.track]]\nscript = \"s\"\nweight = -80";
    let mut owner = judge(track, "state = \"active\"");
    owner.routers[0].config.priority = Priority::OWNER;
    owner.routers[0].told.priority = 255;
    owner.script(0, Verdict::Down);
    assert_eq!(owner.commands(0), []);
}

#[test]
fn a_file_adds_its_number_times_the_weight_and_is_a_fault_far_below() {
    let mut judge = judge("[[vrrp.track]]\nfile = \"f\"\nweight = 2", "");
    judge.file(0, Verdict::Number(-20));
    assert_eq!(judge.commands(0), priority(110));
    judge.file(0, Verdict::Number(30));
    assert_eq!(judge.commands(0), priority(210));
    judge.file(0, Verdict::Number(-127));
    assert_eq!(judge.commands(0), [Command::Raise(Fault::CHECK), Command::Priority(Priority::new(150))]);
    judge.file(0, Verdict::Number(0));
    assert_eq!(judge.commands(0), [Command::Clear(Fault::CHECK)]);
}

#[test]
fn what_is_tracked_twice_counts_twice_and_kinds_do_not_mix() {
    let mut judge = judge(
        "[[vrrp.track]]\nprocess = \"p\"\nweight = -10\n[[vrrp.track]]\ninterface = \"eth1\"\nweight = -20",
        "",
    );
    assert_eq!(judge.interfaces().collect::<Vec<_>>(), ["eth1"]);
    judge.process(0, Verdict::Down);
    assert_eq!(judge.commands(0), priority(140));
    judge.interface("eth1", &Verdict::Down);
    assert_eq!(judge.commands(0), priority(120));
    judge.interface("eth7", &Verdict::Down);
    judge.script(9, Verdict::Down);
    assert_eq!(judge.commands(0), [], "neither is tracked");
}

#[test]
fn a_collector_that_is_not_well_is_a_fault_or_a_weight_or_nothing() {
    for (health, expected) in [
        ("", vec![Command::Raise(UNHEALTHY)]),
        ("health = \"fault\"", vec![Command::Raise(UNHEALTHY)]),
        ("health = -60", priority(90)),
        ("health = \"ignore\"", vec![]),
    ] {
        let mut judge = judge("", health);
        judge.health(Verdict::Down);
        assert_eq!(judge.commands(0), expected, "{health}");
    }
}

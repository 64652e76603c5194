use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MOMENT: Duration = Duration::from_millis(1);

const fn word(state: State, course: Course) -> Word {
    Word { state, course, here: matches!(state, State::Active), announcements: 1 }
}

const ACTIVE: Word = word(State::Active, Course::Other);
const YIELDS: Word = word(State::Active, Course::LooksForSuccessor);
const GAVE_UP: Word = word(State::Backup, Course::GivenUp);
const STOPPED: Word = word(State::Initialize, Course::Other);
const FAULT: Word = word(State::Fault, Course::Other);

fn active(now: Instant) -> Held {
    let mut held = Held::new(now);
    assert_eq!(held.heed(ACTIVE, now).act, Act::Take);
    held.taken();
    held
}

#[test]
fn who_hands_over_is_silent_and_keeps_the_addresses_until_the_successor_is_heard() {
    let now = Instant::now();
    let mut held = active(now);
    assert_eq!(held.heed(YIELDS, now).act, Act::FallSilent);
    assert_eq!(held.heed(GAVE_UP, now + MOMENT).act, Act::FallSilent);
    assert!(!held.end_lingering(now + MOMENT));
    assert!(!held.claimed_by_another(now + 2 * MOMENT));
    let heard = now + 2 * MOMENT + HEARD_BY_ALL;
    assert_eq!(held.lingers_until(), Some(heard));
    assert!(!held.end_lingering(heard - MOMENT) && held.end_lingering(heard));
    assert_eq!(held.lingers_until(), None);
}

#[test]
fn a_successor_that_nobody_hears_is_not_waited_for_longer_than_half_a_second() {
    let now = Instant::now();
    let mut held = active(now);
    held.heed(GAVE_UP, now);
    assert!(!held.end_lingering(now + LONGEST_LINGER - MOMENT));
    assert!(held.end_lingering(now + LONGEST_LINGER));
}

#[test]
fn a_word_spoken_before_the_hand_over_began_does_not_end_it() {
    let now = Instant::now();
    let mut held = active(now);
    held.claimed_by_another(now);
    held.heed(GAVE_UP, now + SECOND);
    assert_eq!(held.lingers_until(), Some(now + SECOND + LONGEST_LINGER));
}

#[test]
fn who_stops_while_the_addresses_linger_still_waits_and_who_is_faulty_does_not() {
    let now = Instant::now();
    let mut held = active(now);
    held.heed(GAVE_UP, now);
    assert_eq!(held.heed(STOPPED, now + MOMENT).act, Act::Nothing);
    assert!(held.lingers_until().is_some());
    assert_eq!(held.heed(FAULT, now + MOMENT).act, Act::LetGo);
}

#[test]
fn who_wanted_to_hand_over_and_found_nobody_tells_the_neighbours_again() {
    let now = Instant::now();
    let mut held = active(now);
    held.heed(YIELDS, now);
    assert_eq!(held.heed(ACTIVE, now + SECOND).act, Act::Take);
}

#[test]
fn an_address_that_somebody_removes_is_put_back_while_it_is_ours() {
    let now = Instant::now();
    let mut held = active(now);
    for _ in 0..MOST_REPAIRS {
        assert_eq!(held.removed_by_another(now), Repair::Now);
    }
    assert_eq!(held.removed_by_another(now), Repair::Later);
    assert_eq!(held.removed_by_another(now), Repair::StillLater);
    assert_eq!(held.removed_by_another(now + REPAIR_WINDOW + MOMENT), Repair::Now);
}

#[test]
fn an_address_that_somebody_removes_while_it_lingers_stays_away() {
    let now = Instant::now();
    let mut held = active(now);
    held.heed(GAVE_UP, now);
    assert_eq!(held.removed_by_another(now + MOMENT), Repair::NotOurs);
    assert_eq!(Held::new(now).removed_by_another(now), Repair::NotOurs);
}

#[test]
fn who_had_the_address_before_us_is_contradicted_a_few_times_and_only_at_first() {
    let now = Instant::now();
    let mut held = active(now);
    let answered = (0..9).filter(|_| held.claimed_by_another(now + MOMENT)).count();
    assert_eq!(answered, MOST_LAST_WORDS as usize);
    assert!(!active(now).claimed_by_another(now + SETTLED_AFTER + MOMENT));
}

#[test]
fn an_address_is_defended_after_a_thought_and_only_while_it_is_settled() {
    let address: IpAddr = "10.0.0.10".parse().unwrap();
    let now = Instant::now();
    let later = now + 2 * SECOND;
    let mut held = active(now);
    assert!(!held.is_settled(now + MOMENT) && held.is_settled(later));
    held.defend_later(address, later);
    assert_eq!(held.defend(later), None);
    assert_eq!(held.defends_at(), Some(later + THINK));
    assert_eq!(held.defend(later + THINK), Some(address));
    assert_eq!(held.defend(later + 2 * THINK), None);
    held.defend_later(address, later);
    held.heed(YIELDS, later);
    assert_eq!(held.defend(later + THINK), None, "the election has had its say");
}

//! Accounts that close, and what closes them.

use super::*;

#[test]
fn the_balance_closes_only_when_every_message_is_accounted_for() {
    let ledger = Ledger::new(100);
    let source = ledger.open_source("udp");
    let files = ledger.open_destination("files", 95);
    source.received(10, 1);
    source.accepted(7);
    source.dropped(DropReason::BufferFull, 3);
    files.delivered(4);
    assert!(ledger.balance(107, |_| 8).closes());
    assert!(!ledger.balance(107, |_| 7).closes(), "one message is nowhere");
    assert!(!ledger.balance(108, |_| 9).closes(), "one message in the buffer came from nowhere");
    source.received(1, 0);
    assert!(!ledger.balance(107, |_| 8).closes(), "one message was received and not accepted");
}

#[test]
fn what_is_for_others_and_what_was_before_it_close_a_destinations_account() {
    let ledger = Ledger::new(0);
    let source = ledger.open_source("udp");
    source.received(15, 0);
    source.accepted(15);
    let late = ledger.open_destination("late", 8);
    late.delivered(3);
    late.passed_by(4);
    assert!(ledger.balance(15, |_| 0).closes());
    assert!(Arc::ptr_eq(&ledger.open_source("udp"), &source), "counted on");
}

#[test]
fn what_comes_while_a_destination_is_not_there_is_not_due_to_it() {
    let ledger = Ledger::new(0);
    let source = ledger.open_source("udp");
    source.received(30, 0);
    source.accepted(30);
    ledger.open_destination("on-and-off", 0).delivered(10);
    ledger.forget_destination("on-and-off", 10);
    assert!(ledger.balance(30, |_| 0).closes());
    ledger.open_destination("on-and-off", 25).delivered(5);
    assert!(ledger.balance(30, |_| 0).closes());
    assert!(!ledger.balance(31, |_| 0).closes());
}

#[test]
fn it_is_printed_with_the_reasons_that_occurred() {
    let ledger = Ledger::new(0);
    ledger.open_source("udp").dropped(DropReason::KernelReceiveBuffer, 2);
    ledger.open_path("errors").count(15, 6);
    ledger.open_destination("files", 0).delivered(1);
    let line = ledger.balance(0, |_| 0).to_string();
    assert_eq!(
        line,
        r#"{"buffered":0,"sources":[{"id":"udp","received":0,"accepted":0,"cut":0,"refused_connections":0,"waiting":0,"dropped":{"kernel_receive_buffer":2}}],"paths":[{"id":"errors","offered":15,"taken":6,"filtered":9}],"destinations":[{"id":"files","due":0,"delivered":1,"passed_by":0,"queued":0,"dropped":{}}]}"#
    );
}

#[test]
fn an_orphan_is_no_reason_to_be_unwell_and_its_account_closes_when_it_is_forgotten() {
    let ledger = Ledger::new(100);
    let account = ledger.orphan_destination("gone", 90);
    let balance = ledger.balance(100, |_| 10);
    assert!(balance.closes());
    assert_eq!((balance.queued(), balance.progress().count()), (0, 0));
    assert_eq!(balance.orphans().collect::<Vec<_>>(), [("gone", 10)]);
    account.passed_by(4);
    account.dropped(DropReason::Forgotten, 6);
    ledger.forget_destination("gone", 100);
    let balance = ledger.balance(100, |_| 0);
    assert!(balance.closes() && balance.orphans().next().is_none());
}

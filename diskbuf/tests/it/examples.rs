//! The examples do what they say.

#[path = "../../examples/outbox.rs"]
#[expect(dead_code, reason = "an example has a `main`")]
mod outbox;
#[path = "../../examples/tokio.rs"]
#[expect(dead_code, reason = "an example has a `main`")]
mod tasks;

#[test]
fn the_outbox_ships_what_it_confirmed() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(outbox::run(dir.path()).unwrap(), 400);
    assert_eq!(outbox::run(dir.path()).unwrap(), 400, "nothing comes twice");
}

#[test]
fn the_tasks_deliver_everything() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(tasks::run(dir.path()).unwrap(), 8000);
}

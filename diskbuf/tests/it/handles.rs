//! What the handles look like in a log.

use std::fmt::Debug;
use std::fs;

use diskbuf::inspect::Inspection;
use diskbuf::storage::{Disk, Overlay};
use diskbuf::{Batch, Limit, Start};

use crate::support::{append, open, payload};

/// Wide and pretty.
fn shown(handle: &dyn Debug) -> [String; 2] {
    [format!("{handle:?}"), format!("{handle:#?}")]
}

#[test]
fn no_handle_shows_the_secret_or_a_salt_or_all_it_holds() {
    let dir = tempfile::tempdir().unwrap();
    let queue = open(dir.path());
    append(&queue, 1..1500);
    let mut texts = Vec::new();
    {
        let mut consumer = queue.consumer("a", Start::Oldest).unwrap();
        let other = queue.consumer("b", Start::Oldest).unwrap();
        let mut batch = Batch::new();
        (0..100).for_each(|n| batch.push(&payload(n)).unwrap());
        texts.extend([shown(&queue), shown(&queue.reserve(1000).unwrap()), shown(&other), shown(&batch)]);
        texts.push(shown(&consumer.interrupter()));
        let delivery = consumer.read(Limit::default()).unwrap();
        assert!(delivery.len() > 100);
        texts.extend([shown(&delivery), shown(&delivery.iter())]);
        texts.push(shown(&queue.durable_seq()));
    }
    drop(queue);
    texts.push(shown(&Inspection::open(dir.path()).unwrap()));
    texts.extend([shown(&Disk::new(dir.path())), shown(&Overlay::new(dir.path()).unwrap())]);
    let meta = fs::read(dir.path().join("META")).unwrap();
    let secret = meta[24..40].to_vec();
    let hex: String = secret.iter().map(|octet| format!("{octet:02x}")).collect();
    let decimal: Vec<String> = secret.iter().map(u8::to_string).collect();
    for text in texts.iter().flatten() {
        let plain: String = text.split_whitespace().collect();
        assert!(!plain.contains(&hex) && !plain.contains(&decimal.join(",")), "{text}");
        assert!(!plain.contains("secret") && !plain.contains("salt"), "{text}");
        assert!(text.len() < 700, "{} characters: {text}", text.len());
    }
}

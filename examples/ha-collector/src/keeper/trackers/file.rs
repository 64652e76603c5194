//! A file with a number in it.

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use super::Found;
use crate::config::TrackedFile;
use crate::keeper::judge::Verdict;

/// Reads the file at its interval and says what has changed. A file that is not there counts as 0.
pub(super) async fn run(place: usize, file: TrackedFile, found: mpsc::UnboundedSender<Found>) {
    let mut ticks = interval(file.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = 0;
    loop {
        ticks.tick().await;
        let path = file.path.clone();
        // A file may lie where reading takes long.
        let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(path)).await;
        let number = match read {
            Ok(Ok(text)) => match text.trim().parse::<i32>() {
                Ok(number) => number.clamp(-254, 254),
                Err(_) if text.trim().is_empty() => 0,
                Err(error) => {
                    if known != 0 {
                        warn!("{}: no number in {}: {error}", file.id, file.path.display());
                    }
                    0
                }
            },
            Ok(Err(_)) | Err(_) => 0,
        };
        if number != known {
            info!("file {}: {known} -> {number}", file.id);
            known = number;
            if found.send(Found::File(place, Verdict::Number(number))).is_err() {
                return;
            }
        }
    }
}

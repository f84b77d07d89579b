//! The end of a node: told once, heard by whatever goes on without an end of its own.

use tokio::sync::watch;

/// Whether this node is coming to its end.
pub struct Stopping(watch::Sender<bool>);

impl Default for Stopping {
    fn default() -> Stopping {
        Stopping(watch::Sender::new(false))
    }
}

impl Stopping {
    /// Whether the node is stopping: long jobs ask this between their parts, and end where another can go on.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Tells everything that goes on in the background to come to an end.
    pub fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Wakes whoever waits when the end begins.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }

    /// Waits until the end begins.
    pub async fn wait(&self) {
        let mut watched = self.watch();
        // Who could tell is gone: then there is nothing to wait for.
        drop(watched.wait_for(|begun| *begun).await);
    }
}

/// Receives the progress of a backup or restore.
pub trait Progress: Send + Sync {
    /// Work of `length` bytes begins.
    fn begin(&self, length: u64);

    /// The next step begins.
    fn step(&self, name: &str);

    /// The first `position` bytes of the work are done.
    fn at(&self, position: u64);
}

/// Reports nothing.
#[derive(Debug)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _: u64) {}
    fn step(&self, _: &str) {}
    fn at(&self, _: u64) {}
}

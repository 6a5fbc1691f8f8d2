/// Receives how far a backup or restore has come.
pub trait Progress: Send + Sync {
    /// The work that follows has this length, in bytes.
    fn begin(&self, length: u64);

    /// The next step begins.
    fn step(&self, name: &str);

    /// So many bytes of the work are done.
    fn at(&self, position: u64);
}

/// Reports nothing.
#[derive(Debug)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: u64) {}
    fn step(&self, _: &str) {}
    fn at(&self, _: u64) {}
}

//! A file a day, of which the newest are kept.
//!
//! (tracing-appender's own reads the machine's clock and prunes by the file system's dates, which a backup that was
//! played back, or a test that moves the clock, has none of.)

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

use crate::clock::Clock;

/// How many days of logs are kept, today's included.
const DAYS_KEPT: usize = 7;

/// How a day stands behind a file's name.
const DAY: &str = "%Y-%m-%d";

/// The day's file, `app.log.2026-11-20`, to which `app.log` points. The day is that of UTC.
#[derive(Debug)]
pub(super) struct DailyFile {
    directory: PathBuf,
    name: String,
    clock: Clock,
    day: NaiveDate,
    file: File,
}

impl DailyFile {
    /// Opens today's file at `path`, and forgets those of long ago.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn open(path: &Path, clock: Clock) -> io::Result<Self> {
        let name = path.file_name().unwrap_or_else(|| "app.log".as_ref()).to_string_lossy().into_owned();
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(directory)?;
        let day = clock.now().date_naive();
        let file = file_of(directory, &name, day)?;
        let this = Self { directory: directory.to_owned(), name, clock, day, file };
        this.tidy();
        Ok(this)
    }

    /// Goes on in today's file, where a new day has begun. Where that cannot be opened, the old one has to do for
    /// another line.
    fn turn_the_page(&mut self) {
        let today = self.clock.now().date_naive();
        if today == self.day {
            return;
        }
        if let Ok(file) = file_of(&self.directory, &self.name, today) {
            (self.file, self.day) = (file, today);
            self.tidy();
        }
    }

    /// Lets the link point at today's file, and removes the files of all but the newest days. What cannot be done is
    /// done tomorrow: lines are worth more than tidiness.
    fn tidy(&self) {
        let _ = self.link();
        for day in self.days().into_iter().rev().skip(DAYS_KEPT) {
            let _ = fs::remove_file(self.directory.join(name_of(&self.name, day)));
        }
    }

    /// The days of which there is a file, oldest first.
    fn days(&self) -> Vec<NaiveDate> {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let day_of = |file: fs::DirEntry| {
            let file = file.file_name();
            let day = file.to_str()?.strip_prefix(&self.name)?.strip_prefix('.')?;
            NaiveDate::parse_from_str(day, DAY).ok()
        };
        let mut days: Vec<_> = entries.filter_map(day_of).collect();
        days.sort_unstable();
        days
    }

    fn link(&self) -> io::Result<()> {
        let link = self.directory.join(&self.name);
        // A file that somebody put there is not ours to replace.
        if link.symlink_metadata().is_ok_and(|there| !there.is_symlink()) {
            return Ok(());
        }
        // Made beside and moved into its place, so that there is one at every moment.
        let made = self.directory.join(format!(".{}.link", self.name));
        let _ = fs::remove_file(&made);
        symlink(name_of(&self.name, self.day), &made)?;
        fs::rename(made, link)
    }
}

impl Write for DailyFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.turn_the_page();
        self.file.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn name_of(name: &str, day: NaiveDate) -> String {
    format!("{name}.{}", day.format(DAY))
}

fn file_of(directory: &Path, name: &str, day: NaiveDate) -> io::Result<File> {
    File::options().create(true).append(true).open(directory.join(name_of(name, day)))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;

    struct Logs {
        directory: PathBuf,
        now: Arc<Mutex<DateTime<Utc>>>,
    }

    impl Logs {
        fn new(name: &str, now: &str) -> Self {
            let directory = std::env::temp_dir().join(format!("tableorder-logs-{}-{name}", std::process::id()));
            fs::create_dir_all(&directory).unwrap();
            Self { directory, now: Arc::new(Mutex::new(now.parse().unwrap())) }
        }

        fn open(&self) -> DailyFile {
            let now = Arc::clone(&self.now);
            DailyFile::open(&self.directory.join("app.log"), Clock::from_fn(move || *now.lock().unwrap())).unwrap()
        }

        fn pass(&self, time: TimeDelta) {
            *self.now.lock().unwrap() += time;
        }

        fn files(&self) -> Vec<String> {
            let files = fs::read_dir(&self.directory).unwrap();
            let mut files: Vec<_> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
            files.sort();
            files
        }

        fn read(&self, file: &str) -> String {
            fs::read_to_string(self.directory.join(file)).unwrap()
        }
    }

    impl Drop for Logs {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.directory);
        }
    }

    #[test]
    fn each_day_has_its_file_and_seven_days_are_kept() {
        let logs = Logs::new("days", "2026-11-20T23:59:59Z");
        let mut file = logs.open();
        for day in 0..10 {
            writeln!(file, "line {day}").unwrap();
            assert_eq!(logs.read("app.log"), format!("line {day}\n"), "the link points at the day's file");
            logs.pass(TimeDelta::days(1));
        }
        let kept: Vec<_> = (23..=29).map(|day| format!("app.log.2026-11-{day}")).collect();
        assert_eq!(logs.files(), [&["app.log".to_owned()], kept.as_slice()].concat());
        assert_eq!(logs.read("app.log.2026-11-23"), "line 3\n");
    }

    #[test]
    fn a_day_is_not_over_a_second_before_midnight() {
        let logs = Logs::new("midnight", "2026-11-20T00:00:00Z");
        let mut file = logs.open();
        for _ in 0..2 {
            writeln!(file, "a line").unwrap();
            logs.pass(TimeDelta::seconds(86_399));
        }
        assert_eq!(logs.files(), ["app.log", "app.log.2026-11-20"]);
        logs.pass(-TimeDelta::seconds(86_398));
        writeln!(file, "the next day").unwrap();
        assert_eq!(logs.read("app.log"), "the next day\n");
    }

    #[test]
    fn a_start_after_a_while_keeps_the_newest_and_touches_nothing_else() {
        let logs = Logs::new("start", "2026-11-20T12:00:00Z");
        let old: Vec<_> = (1..=9).map(|day| format!("app.log.2026-10-0{day}")).collect();
        // Made newest first: it is the name that says of which day a file is.
        for file in old.iter().rev().map(String::as_str).chain(["app.log.old", "other.log.2026-10-01", "notes"]) {
            fs::write(logs.directory.join(file), "x").unwrap();
        }
        let _file = logs.open();
        let mut kept = vec!["app.log".to_owned()];
        kept.extend_from_slice(&old[3..]);
        kept.extend(["app.log.2026-11-20", "app.log.old", "notes", "other.log.2026-10-01"].map(str::to_owned));
        assert_eq!(logs.files(), kept);
    }

    #[test]
    fn a_second_start_on_a_day_goes_on_in_its_file() {
        let logs = Logs::new("again", "2026-11-20T12:00:00Z");
        for line in ["one", "two"] {
            writeln!(logs.open(), "{line}").unwrap();
        }
        assert_eq!(logs.read("app.log"), "one\ntwo\n");
    }

    #[test]
    fn what_somebody_put_in_the_place_of_the_link_stays() {
        let logs = Logs::new("place", "2026-11-20T12:00:00Z");
        fs::write(logs.directory.join("app.log"), "theirs").unwrap();
        writeln!(logs.open(), "ours").unwrap();
        assert_eq!((logs.read("app.log"), logs.read("app.log.2026-11-20")), ("theirs".into(), "ours\n".into()));
    }
}

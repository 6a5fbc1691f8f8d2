//! Reads single settings: parses and checks each one, and collects all mistakes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::NaiveTime;

/// A wrong setting.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The variable.
    pub name: &'static str,
    /// Its value; `(hidden)` if it may be a secret.
    pub value: String,
    /// The rule that the value violates, such as "must be a time of day like 04:30".
    pub allowed: String,
}

/// All wrong settings. The message has one line for each.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError(pub Vec<Mistake>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} setting(s) are wrong:", self.0.len())?;
        for Mistake { name, value, allowed } in &self.0 {
            write!(f, "\n  {name}={value}: {allowed}")?;
        }
        Ok(())
    }
}

/// Looks up settings and collects mistakes. A wrong setting is read as its default, so that one run finds all mistakes.
pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, mistakes: Vec::new() }
    }

    /// Returns `value`, or an error if there were mistakes.
    pub(super) fn finish<T>(self, value: T) -> Result<T, ConfigError> {
        if self.mistakes.is_empty() { Ok(value) } else { Err(ConfigError(self.mistakes)) }
    }

    pub(super) fn mistake(&mut self, name: &'static str, value: impl Into<String>, allowed: impl Into<String>) {
        self.mistakes.push(Mistake { name, value: value.into(), allowed: allowed.into() });
    }

    /// The value of a setting. An empty value counts as not set.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// The values of a setting, separated by commas.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let value = self.get(name).unwrap_or_default();
        value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    pub(super) fn choice<T: Copy>(&mut self, name: &'static str, default: T, choices: &[(&str, T)]) -> T {
        let Some(value) = self.get(name) else { return default };
        if let Some((_, chosen)) = choices.iter().find(|(word, _)| value.eq_ignore_ascii_case(word)) {
            return *chosen;
        }
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        self.mistake(name, value, format!("must be one of {}", words.join(", ")));
        default
    }

    pub(super) fn boolean(&mut self, name: &'static str, default: bool) -> bool {
        self.choice(name, default, &[("true", true), ("false", false)])
    }

    pub(super) fn number<T>(&mut self, name: &'static str, default: T, min: T, max: T) -> T
    where
        T: FromStr + PartialOrd + fmt::Display + Copy,
    {
        let Some(value) = self.get(name) else { return default };
        match value.parse() {
            Ok(number) if number >= min && number <= max => number,
            _ => {
                self.mistake(name, value, format!("must be a whole number from {min} to {max}"));
                default
            }
        }
    }

    pub(super) fn time_of_day(&mut self, name: &'static str, default: &str) -> NaiveTime {
        let parse = |text: &str| NaiveTime::parse_from_str(text, "%H:%M").ok();
        let value = self.get(name).unwrap_or_else(|| default.to_owned());
        parse(&value).unwrap_or_else(|| {
            self.mistake(name, value, "must be a time of day like 04:30");
            parse(default).unwrap_or_default()
        })
    }

    pub(super) fn seconds(&mut self, name: &'static str, default: u64, max: u64) -> Duration {
        Duration::from_secs(self.number(name, default, 1, max))
    }
}

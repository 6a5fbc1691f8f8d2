//! Reads single settings. It parses and checks each one, and collects every mistake.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::NaiveTime;

/// A wrong setting.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The variable.
    pub name: &'static str,
    /// Its value, unless that is a secret.
    pub value: String,
    /// What is allowed.
    pub allowed: String,
}

/// Every wrong setting, one on each line.
#[derive(Debug, thiserror::Error)]
pub struct ConfigError(pub Vec<Mistake>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the settings have {} mistake(s):", self.0.len())?;
        for Mistake { name, value, allowed } in &self.0 {
            write!(f, "\n  {name}={value}: {allowed}")?;
        }
        Ok(())
    }
}

/// Looks settings up and collects mistakes. A wrong setting is read as its default, so that one run finds every mistake.
pub(super) struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    mistakes: Vec<Mistake>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup, mistakes: Vec::new() }
    }

    /// `value`, if there was no mistake.
    pub(super) fn finish<T>(self, value: T) -> Result<T, ConfigError> {
        if self.mistakes.is_empty() { Ok(value) } else { Err(ConfigError(self.mistakes)) }
    }

    pub(super) fn mistake(&mut self, name: &'static str, value: impl Into<String>, allowed: impl Into<String>) {
        self.mistakes.push(Mistake { name, value: value.into(), allowed: allowed.into() });
    }

    /// The value; an empty one counts as not set.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// The values between commas.
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

//! Modules are served without their comments, which are a quarter of them.

/// `source` without its lines of comment and its empty lines. A comment beside code stays.
pub(super) fn strip(source: &str) -> String {
    let mut stripped = String::with_capacity(source.len());
    let mut is_inside = false;
    for line in source.lines() {
        let text = line.trim();
        let begins = text.starts_with("/*");
        let end = text.find("*/").map(|end| end + 2 == text.len());
        let is_comment = match end {
            Some(is_last) => (is_inside || begins) && is_last,
            None => is_inside || begins || text.starts_with("//"),
        };
        is_inside = (is_inside || begins) && end.is_none();
        if !is_comment && !text.is_empty() {
            stripped.push_str(line);
            stripped.push('\n');
        }
    }
    stripped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_comment_go_and_code_stays() {
        let source = "// a\n\nconst b = 1; // c\n/**\n * d\n * @param {e} f\n */\nfunction g() {\n  /** @type {h} */\n  \
                      /** @type {i} */ (j).k = '//';\n}\n";
        let expected = "const b = 1; // c\nfunction g() {\n  /** @type {i} */ (j).k = '//';\n}\n";
        assert_eq!(strip(source), expected);
    }
}

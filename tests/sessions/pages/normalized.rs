//! What of a page's output differs from run to run, and is not compared.

/// The line without what differs from run to run: ids, times of day, durations, blanks at its end.
pub fn normalized(line: &str) -> String {
    if line.starts_with("Time: ") {
        return "Time: ...".to_owned();
    }
    // How long ago a user was changed.
    if let Some((before, after)) = line.split_once(" the latest change ")
        && let Some((_, after)) = after.split_once(" ago")
    {
        return normalized(&format!("{before} the latest change some time{after}"));
    }
    // How many workers other sessions have.
    if let Some((before, after)) = line.split_once(" worker processes in use")
        && let Some((before, _)) = before.rsplit_once("; ")
    {
        return normalized(&format!("{before}; some worker processes{after}"));
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let mut result = String::new();
    let mut rest = line.trim_end();
    while !rest.is_empty() {
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        result += if is_id(word) { "<id>" } else { word };
        rest = after;
        if word == "ms" && after.starts_with('=') {
            result += "=<time>";
            rest = after[1..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        }
        if is_date(word) && after.len() >= 9 && after[1..].starts_with(|c: char| c.is_ascii_digit())
        {
            result.truncate(result.len() - word.len());
            result += "<time>";
            rest = after[1..].trim_start_matches(|c: char| c.is_ascii_digit() || ":.+".contains(c));
        }
        let other = rest.find(is_word).unwrap_or(rest.len());
        result += &rest[..other];
        rest = &rest[other..];
    }
    result
}

/// A UUID, or its digits alone.
fn is_id(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_hexdigit).count();
    digits == 32 && matches!(word.len(), 32 | 36)
}

fn is_date(word: &str) -> bool {
    let shape = |(at, b): (usize, u8)| match at {
        4 | 7 => b == b'-',
        _ => b.is_ascii_digit(),
    };
    word.len() == 10 && word.bytes().enumerate().all(shape)
}

#[test]
fn what_differs_from_run_to_run_is_not_compared() {
    let id = "1e38f016-4964-43de-a4d0-4aaad026ff95";
    assert_eq!(
        normalized(&format!("request id {id}.  ")),
        "request id <id>."
    );
    assert_eq!(
        normalized(" pck_d66aa724ca6e47688b5380435ffe0e19"),
        " pck_<id>"
    );
    assert_eq!(normalized("2026-11-23 17:48:23.5+00 | x"), "<time> | x");
    assert_eq!(
        normalized("1 user, the latest change 00:00:02 ago"),
        "1 user, the latest change some time"
    );
    assert_eq!(
        normalized("none is needed; 2 of 8 worker processes in use"),
        "none is needed; some worker processes"
    );
    assert_eq!(normalized("--------+---"), "--------+---");
    assert_eq!(normalized("on 2026-11-23 | é"), "on 2026-11-23 | é");
    assert_eq!(normalized("ms=12.345 attempts=1"), "ms=<time> attempts=1");
}

//! The names that somebody who typed another one probably meant.

/// No more are worth reading.
const MOST: usize = 3;

/// The names that are nearest to `typed`: at most a third of its letters away, or with it at their beginning. The
/// nearest come first, at most three.
pub fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let limit = typed.chars().count() / 3;
    let mut near: Vec<(usize, &str)> = known
        .map(|name| (distance(typed, name), name))
        .filter(|(away, name)| *away <= limit || (typed.len() > 2 && name.starts_with(typed)))
        .collect();
    near.sort_unstable();
    near.into_iter().map(|(_, name)| name).take(MOST).collect()
}

/// How many letters have to be changed, put in or taken out (Levenshtein's distance).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    // The distances of the beginning of `one` read so far to each beginning of `other`.
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (read, letter) in one.chars().enumerate() {
        let mut next = vec![read + 1];
        for ((before, pair), theirs) in next_to(&row).zip(&other) {
            let left = next.last().copied().unwrap_or_default();
            next.push((pair + 1).min(left + 1).min(before + usize::from(letter != *theirs)));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// Each number with the one after it.
fn next_to(row: &[usize]) -> impl Iterator<Item = (usize, usize)> + '_ {
    row.iter().copied().zip(row.iter().copied().skip(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted() {
        for (one, other, away) in [
            ("", "", 0),
            ("", "box", 3),
            ("box", "box", 0),
            ("githb", "github", 1),
            ("gihtub", "github", 2),
            ("x", "xero", 3),
        ] {
            assert_eq!((distance(one, other), distance(other, one)), (away, away), "{one} {other}");
        }
    }

    #[test]
    fn a_slip_finds_its_name_and_a_stranger_none() {
        const KNOWN: [&str; 6] = ["github", "github-app", "gitlab", "google", "microsoft", "x"];
        let near = |typed: &str| nearest(typed, KNOWN.into_iter());
        assert_eq!(near("githb"), ["github"]);
        assert_eq!(near("gitlap"), ["gitlab"]);
        assert_eq!(near("gitlub"), ["github", "gitlab"], "equally near: by name");
        assert_eq!(near("micro"), ["microsoft"]);
        assert_eq!(near("git"), ["github", "gitlab", "github-app"]);
        assert_eq!(near("nobody"), [] as [&str; 0]);
    }
}

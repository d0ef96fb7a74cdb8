//! Names like the one that does not exist, for "did you mean".

/// Most names offered.
const MOST: usize = 3;
/// A longer name is not a typo, and comparing it with 10 000 others would be work for nothing.
const LONGEST: usize = 128;

/// Up to three of `candidates` that differ from `wanted` by a slip or two, nearest first, each once.
pub fn near_names<'a>(wanted: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let length = wanted.chars().count();
    if length > LONGEST {
        return Vec::new();
    }
    // A third of the name may be wrong; three slips is the most anybody makes.
    let tolerated = (length / 3).clamp(1, 3);
    let lower = wanted.to_lowercase();
    let mut found: Vec<(usize, &str)> = candidates
        .into_iter()
        // A name is at most four bytes a character longer, so this drops the hopeless without counting.
        .filter(|name| *name != wanted && name.len() <= 4 * (length + tolerated))
        .filter_map(|name| {
            let distance = strsim::osa_distance(&lower, &name.to_lowercase());
            (distance <= tolerated).then_some((distance, name))
        })
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(MOST).map(|(_, name)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_nearest_first() {
        let names = ["prod", "proud", "prod-eu", "staging", "PRDO", "default"];
        assert_eq!(near_names("prdo", names), ["PRDO", "prod"]);
        assert_eq!(near_names("stagin", names), ["staging"]);
        assert_eq!(near_names("prod", names.into_iter().chain(names)), ["PRDO", "proud"]);
        assert_eq!(near_names("something-else", names), [""; 0]);
        assert_eq!(near_names("x", names), [""; 0]);
        assert_eq!(near_names(&"x".repeat(1000), names), [""; 0]);
    }
}

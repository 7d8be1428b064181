//! Delta debugging (Zeller and Hildebrandt, 2002): the parts of a failing thing without which it no longer fails, and the
//! least number with which it still does. Pure: what failing means is the caller's to say, as often as it is asked.

/// What came of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fails as the original does.
    Fails,
    /// It does not, or fails in another way.
    Passes,
    /// It was not tried, and no other will be: the budget is used up.
    Stop,
}

/// Takes parts away from a whole that fails until no single one of the rest can be spared, larger pieces first. What
/// is left fails, is in the order of `parts`, and is the same for the same verdicts; after a `Stop` it is what was
/// found until then.
pub fn ddmin<T: Clone>(parts: &[T], mut test: impl FnMut(&[T]) -> Verdict) -> Vec<T> {
    let mut kept = parts.to_vec();
    let mut size = kept.len();
    while size > 0 {
        let (mut start, mut reduced) = (0, false);
        while start < kept.len() {
            let end = kept.len().min(start + size);
            let rest = [&kept[..start], &kept[end..]].concat();
            match test(&rest) {
                Verdict::Fails => {
                    kept = rest;
                    reduced = true;
                }
                Verdict::Passes => start = end,
                Verdict::Stop => return kept,
            }
        }
        size = match size {
            // What could not be spared before may be now.
            1 if reduced => 1,
            1 => 0,
            _ => size.div_ceil(2).min(kept.len()),
        };
    }
    kept
}

/// The least number from `low` on that fails, where `high` does: looked for from below in doubling steps, then by
/// halves. What is returned fails; that nothing below does holds if more always fails when less does.
pub fn least(low: u64, high: u64, mut test: impl FnMut(u64) -> Verdict) -> u64 {
    let (mut low, mut high, mut step) = (low, high, 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let next = middle.min(low + step - 1);
        match test(next) {
            Verdict::Fails => high = next,
            Verdict::Passes => {
                low = next + 1;
                step *= 2;
            }
            Verdict::Stop => return high,
        }
    }
    high
}

#[cfg(test)]
#[path = "ddmin_prop.rs"]
mod properties;

//! What is known of one source file: which lines and branches ran. Its union with itself is itself, in any order.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::lines::Lines;

/// Coverage of one source file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCoverage {
    /// Lines that ran.
    pub hit: Lines,
    /// Lines that could have run and did not.
    pub missed: Lines,
    /// Lines with more than one way on, by number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub branches: BTreeMap<u32, Branch>,
}

/// The ways on from one line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    /// How many there are.
    pub total: u32,
    /// Where those lead that were not taken; below 0 for the end of a function or module, as `coverage` has it.
    pub missed: BTreeSet<i64>,
}

/// Counts of lines and branches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Lines that could run.
    pub lines: u64,
    /// Lines that did.
    pub lines_hit: u64,
    /// Branches that could be taken; none where a project does not measure them.
    pub branches: u64,
    /// Branches that were.
    pub branches_hit: u64,
}

impl FileCoverage {
    /// Adds what another session saw of the same file. A line that ran in one of them ran.
    pub fn merge(&mut self, other: &Self) {
        self.hit.0.extend(&other.hit.0);
        self.missed.0.extend(&other.missed.0);
        let hit = &self.hit.0;
        self.missed.0.retain(|line| !hit.contains(line));
        for (line, branch) in &other.branches {
            self.branches.entry(*line).and_modify(|known| known.merge(branch)).or_insert_with(|| branch.clone());
        }
    }

    /// Its counts.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let (hit, missed) = (number(self.hit.0.len()), number(self.missed.0.len()));
        let branches = self.branches.values().map(|branch| u64::from(branch.total)).sum();
        let taken = self.branches.values().map(|branch| u64::from(branch.taken())).sum();
        Counts { lines: hit + missed, lines_hit: hit, branches, branches_hit: taken }
    }
}

impl Branch {
    fn merge(&mut self, other: &Self) {
        // Versions of Python may see another number of ways; the one that sees more is believed.
        self.missed = match self.total.cmp(&other.total) {
            std::cmp::Ordering::Less => other.missed.clone(),
            std::cmp::Ordering::Greater => std::mem::take(&mut self.missed),
            std::cmp::Ordering::Equal => self.missed.intersection(&other.missed).copied().collect(),
        };
        self.total = self.total.max(other.total);
    }

    /// How many were taken.
    #[must_use]
    pub fn taken(&self) -> u32 {
        self.total.saturating_sub(u32::try_from(self.missed.len()).unwrap_or(u32::MAX))
    }
}

impl Counts {
    /// Adds those of something else.
    pub fn add(&mut self, other: Self) {
        self.lines += other.lines;
        self.lines_hit += other.lines_hit;
        self.branches += other.branches;
        self.branches_hit += other.branches_hit;
    }

    /// Percent of lines and branches together, as `coverage` counts; 100 where there is nothing to cover.
    #[must_use]
    pub fn percent(&self) -> f64 {
        let (all, hit) = (self.lines + self.branches, self.lines_hit + self.branches_hit);
        if all == 0 { 100.0 } else { hit as f64 * 100.0 / all as f64 }
    }

    /// [`percent`](Self::percent) with one decimal, rounded so that only what is whole is 100.0 and only nothing is 0.0.
    #[must_use]
    pub fn shown(&self) -> String {
        let percent = self.percent();
        let tenths = (percent * 10.0).round();
        let tenths = match (tenths >= 1000.0, tenths <= 0.0) {
            (true, _) if percent < 100.0 => 999.0,
            (_, true) if percent > 0.0 => 1.0,
            _ => tenths,
        };
        format!("{:.1}", tenths / 10.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_file() -> impl Strategy<Value = FileCoverage> {
        let lines = proptest::collection::vec((0_u8..3, proptest::option::of(0_u8..4)), 12);
        lines.prop_map(|lines| {
            let mut file = FileCoverage::default();
            for (line, (state, branch)) in (1..).zip(lines) {
                match state {
                    0 => drop(file.hit.0.insert(line)),
                    1 => drop(file.missed.0.insert(line)),
                    _ => continue,
                }
                if let Some(ways) = branch.filter(|_| line % 3 == 0) {
                    let missed = [5_i64, -1].into_iter().enumerate().filter(|(bit, _)| ways & (1 << bit) != 0);
                    file.branches.insert(line, Branch { total: 2, missed: missed.map(|(_, to)| to).collect() });
                }
            }
            file
        })
    }

    fn union(a: &FileCoverage, b: &FileCoverage) -> FileCoverage {
        let mut out = a.clone();
        out.merge(b);
        out
    }

    proptest! {
        #[test]
        fn the_order_of_merging_does_not_matter(a in any_file(), b in any_file(), c in any_file()) {
            prop_assert_eq!(union(&a, &b), union(&b, &a));
            prop_assert_eq!(union(&union(&a, &b), &c), union(&a, &union(&b, &c)));
            prop_assert_eq!(&union(&a, &a), &a);
            let (one, both) = (a.counts(), union(&a, &b).counts());
            prop_assert!(both.lines_hit >= one.lines_hit && both.branches_hit >= one.branches_hit);
        }
    }

    #[test]
    fn only_what_is_whole_is_a_hundred() {
        let shown = |hit, lines| Counts { lines, lines_hit: hit, ..Counts::default() }.shown();
        assert_eq!(shown(9_999, 10_000), "99.9");
        assert_eq!(shown(1, 10_000), "0.1");
        assert_eq!([shown(0, 3), shown(3, 3), shown(0, 0), shown(2, 3)], ["0.0", "100.0", "100.0", "66.7"]);
    }
}

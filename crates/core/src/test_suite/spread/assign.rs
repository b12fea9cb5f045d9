//! Who gets which file: the longest first, each to whoever has the least.

use std::collections::BTreeMap;

/// Gives each file a share from 1 to `shares`. Longest first, each to the share with the least so far: no share then takes more
/// than 4/3 of the best there is (R. L. Graham, "Bounds on Multiprocessing Timing Anomalies", 1969). Ties go by path and by
/// number, so the same files and durations give the same shares everywhere.
///
/// Durations are counted in whole microseconds: sums of floating point numbers may differ with their order.
#[must_use]
pub fn assign<'f>(files: impl IntoIterator<Item = (&'f str, f64)>, shares: u32) -> BTreeMap<String, u32> {
    let micros = |seconds: f64| (seconds.clamp(0.0, 1e12) * 1e6) as u64;
    let mut order: Vec<(&str, u64)> = files.into_iter().map(|(file, seconds)| (file, micros(seconds))).collect();
    order.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    // Files of no time at all are spread by their number.
    let mut loads = vec![(0_u64, 0_usize); shares.max(1) as usize];
    let mut assigned = BTreeMap::new();
    for (file, micros) in order {
        let least = (0..loads.len()).min_by_key(|share| loads[*share]).unwrap_or_default();
        loads[least] = (loads[least].0 + micros, loads[least].1 + 1);
        assigned.insert(file.to_owned(), u32::try_from(least).unwrap_or_default() + 1);
    }
    assigned
}

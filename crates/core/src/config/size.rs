//! Sizes as people write them: `500MB`, `2GB`.

const UNITS: [(&str, u64); 4] = [("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000)];

/// Reads `500MB` or `2GB` as bytes; units are powers of a thousand. Zero is none.
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..digits].parse().ok()?;
    let (_, unit) = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(&text[digits..]))?;
    number.checked_mul(*unit).filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_number_and_a_unit() {
        assert_eq!(parse_size("500MB"), Some(500_000_000));
        assert_eq!(parse_size("2gb"), Some(2_000_000_000));
        for wrong in ["", "2", "GB", "0GB", "-1GB", "1.5GB", "2 GB", "2GiB", "99999999999TB"] {
            assert_eq!(parse_size(wrong), None, "{wrong}");
        }
    }
}

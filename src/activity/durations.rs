//! Durations in buckets of powers of 1.1, as `pilothouse.daily_kinds` and `daily_events` have them: they add up, and tell how long most take.

/// What a duration of this bucket comes to, in milliseconds: off by 5 % at most.
fn middle(bucket: i16) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "buckets come from 64-bit numbers")]
    let ms = (1.1_f64.powf(f64::from(bucket) + 0.5) - 1.0).round() as i64;
    ms
}

/// The milliseconds that `percent` of the runs stay within, off by 5 % at most; `buckets` ascending, with how many each holds.
#[must_use]
pub fn percentile(buckets: &[(i16, i64)], percent: i64) -> Option<i64> {
    let all: i64 = buckets.iter().map(|(_, runs)| runs).sum();
    let mut seen = 0;
    let found = buckets.iter().find(|(_, runs)| {
        seen += runs;
        seen * 100 >= all * percent
    });
    found.filter(|_| all > 0).map(|(bucket, _)| middle(*bucket))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(ms: i64) -> i16 {
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers")]
        let bucket = ((ms as f64 + 1.0).ln() / 1.1_f64.ln()).floor() as i16;
        bucket
    }

    #[test]
    fn a_bucket_tells_a_duration_to_five_percent() {
        for ms in [0, 1, 7, 100, 999, 12_345, 3_600_000, 86_400_000_000_i64] {
            let told = middle(bucket(ms));
            assert!((told - ms).abs() * 100 <= ms * 5 + 100, "{ms} is told as {told}");
        }
    }

    #[test]
    pub fn percentiles_are_those_of_the_runs() {
        let runs: Vec<(i16, i64)> = vec![(bucket(100), 90), (bucket(1_000), 5), (bucket(10_000), 5)];
        let told = |percent| percentile(&runs, percent);
        assert_eq!(told(50), Some(middle(bucket(100))));
        assert_eq!(told(95), Some(middle(bucket(1_000))));
        assert_eq!(told(96), Some(middle(bucket(10_000))));
        assert_eq!(percentile(&[], 50), None);
    }
}

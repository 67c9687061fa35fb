//! Many tests at once: p-values that may each be held against the level of one.

/// Holm's (1979) correction: the chance that any of the tests claims something false stays below the
/// level.
pub(crate) fn holm(p: &[f64]) -> Vec<f64> {
    let order = ascending(p);
    let mut adjusted = vec![1.0; p.len()];
    let mut largest = 0.0f64;
    for (done, &at) in order.iter().enumerate() {
        largest = largest.max(p[at] * (p.len() - done) as f64).min(1.0);
        adjusted[at] = largest;
    }
    adjusted
}

/// Benjamini and Hochberg's (1995) correction: of what is claimed, the share that is false stays
/// below the level on average.
pub(crate) fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    let order = ascending(p);
    let mut adjusted = vec![1.0; p.len()];
    let mut smallest = 1.0f64;
    for (rank, &at) in (1..).zip(&order).collect::<Vec<_>>().into_iter().rev() {
        smallest = smallest.min(p[at] * p.len() as f64 / f64::from(rank));
        adjusted[at] = smallest;
    }
    adjusted
}

fn ascending(p: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&one, &other| p[one].total_cmp(&p[other]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(found: &[f64], expected: &[f64]) {
        let off = found
            .iter()
            .zip(expected)
            .map(|(one, other)| (one - other).abs());
        assert!(off.fold(0.0, f64::max) < 1e-12, "{found:?}");
    }

    #[test]
    fn adjusted_p_are_those_of_the_definitions() {
        let p = [0.01, 0.04, 0.03, 0.005];
        assert_close(&holm(&p), &[0.03, 0.06, 0.06, 0.02]);
        assert_close(&benjamini_hochberg(&p), &[0.02, 0.04, 0.04, 0.02]);
        assert_close(&holm(&[0.6, 0.9]), &[1.0, 1.0]);
        assert!(holm(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
    }
}

//! The sum: how well a set of roots accounts for everything that failed, in natural logarithms.
//!
//! `Σ_r (prior(r) − PRICE) + Σ_e w(e) · ln min(ENOUGH, max(LEAK, max_r p(r → e)))`
//!
//! A link `p(r → e)` says how likely the root makes the failure; what one root explains already is no reason for a second, hence the
//! maximum. The weight of a failure grows with the logarithm of its entries;
//! [`LEAK`] is what nobody explains, [`ENOUGH`] is as good as certain; [`PRICE`] makes one fault one incident. The best set is searched by adding, swapping and
//! dropping. Everything printed about a cause, for and against it, is a term of this sum.

/// How likely a failure is that no root explains.
const LEAK: f64 = 0.05;

/// What a further root costs: one fault is twenty times likelier than two at once.
pub(super) const PRICE: f64 = 4.0;

/// A failure that is at least this likely is explained; more is no reason for a further root.
const ENOUGH: f64 = 0.65;

/// Rounds of swapping and dropping. Two settle nearly all cases.
const ROUNDS: usize = 4;

/// Something that can be at fault, as the sum sees it.
#[derive(Clone, Debug)]
pub(super) struct Hypothesis {
    /// Its log odds before anything is explained.
    pub(super) prior: f64,
    /// How likely it makes each failure: index and probability, in order of index.
    pub(super) links: Vec<(usize, f64)>,
}

/// All failures and hypotheses of a stretch of time.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// Weight of each failure.
    pub(super) weights: Vec<f64>,
    /// Everything that can be at fault.
    pub(super) hypotheses: Vec<Hypothesis>,
}

/// For each failure, the probability of the root of a set that makes it most likely, or the leak.
#[derive(Clone, Debug)]
struct Made(Vec<f64>);

impl Model {
    fn start(&self) -> Made {
        Made(vec![LEAK; self.weights.len()])
    }

    /// What adding `h` to a set is worth.
    fn gain(&self, made: &Made, h: usize) -> f64 {
        let hypothesis = &self.hypotheses[h];
        hypothesis.prior - PRICE + self.explained(made, h)
    }

    /// What the links of `h` add to a set.
    fn explained(&self, made: &Made, h: usize) -> f64 {
        let links = self.hypotheses[h].links.iter();
        links.map(|&(e, p)| self.weights[e] * (p.min(ENOUGH) / made.0[e]).ln().max(0.0)).sum()
    }

    fn add(&self, made: &mut Made, h: usize) {
        for &(e, p) in &self.hypotheses[h].links {
            made.0[e] = made.0[e].max(p.min(ENOUGH));
        }
    }

    fn of(&self, roots: &[usize]) -> Made {
        let mut made = self.start();
        roots.iter().for_each(|h| self.add(&mut made, *h));
        made
    }

    /// The sum for a set of roots, less what it is for none.
    pub(super) fn score(&self, roots: &[usize]) -> f64 {
        let mut made = self.start();
        roots
            .iter()
            .map(|h| {
                let gain = self.gain(&made, *h);
                self.add(&mut made, *h);
                gain
            })
            .sum()
    }

    /// The best set without those that are `barred`, and its score.
    pub(super) fn search(&self, start: &[usize], barred: &dyn Fn(usize) -> bool) -> (Vec<usize>, f64) {
        let mut roots: Vec<usize> = start.iter().copied().filter(|h| !barred(*h)).collect();
        let allowed: Vec<usize> = (0..self.hypotheses.len()).filter(|h| !barred(*h)).collect();
        for _ in 0..ROUNDS {
            let before = roots.clone();
            self.grow(&mut roots, &allowed);
            self.swap(&mut roots, &allowed);
            self.shrink(&mut roots);
            if roots == before {
                break;
            }
        }
        let score = self.score(&roots);
        (roots, score)
    }

    fn grow(&self, roots: &mut Vec<usize>, allowed: &[usize]) {
        let mut made = self.of(roots);
        while let Some((h, gain)) = self.best(&made, allowed, roots)
            && gain > 0.0
        {
            self.add(&mut made, h);
            roots.push(h);
        }
    }

    /// The hypothesis besides those `taken` that adds most; of equals the first.
    fn best(&self, made: &Made, among: &[usize], taken: &[usize]) -> Option<(usize, f64)> {
        let gains = among.iter().filter(|h| !taken.contains(h)).map(|h| (*h, self.gain(made, *h)));
        gains.fold(None, |best: Option<(usize, f64)>, one| match best {
            Some(known) if known.1 >= one.1 => Some(known),
            _ => Some(one),
        })
    }

    /// Replaces each root by what fits better in its place.
    fn swap(&self, roots: &mut [usize], allowed: &[usize]) {
        for place in 0..roots.len() {
            let others: Vec<usize> =
                roots.iter().copied().enumerate().filter(|(i, _)| *i != place).map(|(_, h)| h).collect();
            let made = self.of(&others);
            if let Some((h, gain)) = self.best(&made, allowed, &others)
                && gain > self.gain(&made, roots[place])
            {
                roots[place] = h;
            }
        }
    }

    fn shrink(&self, roots: &mut Vec<usize>) {
        while let Some(place) = (0..roots.len()).find(|place| {
            let others: Vec<usize> =
                roots.iter().copied().enumerate().filter(|(i, _)| i != place).map(|(_, h)| h).collect();
            self.gain(&self.of(&others), roots[*place]) < 0.0
        }) {
            roots.remove(place);
        }
    }

    /// What each hypothesis would be worth in the place of root `place`.
    pub(super) fn in_place_of(&self, roots: &[usize], place: usize) -> Vec<f64> {
        let others: Vec<usize> =
            roots.iter().copied().enumerate().filter(|(i, _)| *i != place).map(|(_, h)| h).collect();
        let made = self.of(&others);
        (0..self.hypotheses.len()).map(|h| self.gain(&made, h)).collect()
    }

    /// The same hypotheses for some of the failures, which keep their places.
    pub(super) fn only(&self, kept: &[usize]) -> Model {
        let mut weights = vec![0.0; self.weights.len()];
        kept.iter().for_each(|e| weights[*e] = self.weights[*e]);
        Model { weights, hypotheses: self.hypotheses.clone() }
    }

    /// The probability of a link.
    pub(super) fn link(&self, h: usize, e: usize) -> f64 {
        let links = &self.hypotheses[h].links;
        links.binary_search_by_key(&e, |(e, _)| *e).map_or(0.0, |at| links[at].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(weights: &[f64], hypotheses: &[(f64, &[(usize, f64)])]) -> Model {
        let hypotheses = hypotheses.iter().map(|(prior, links)| Hypothesis { prior: *prior, links: links.to_vec() });
        Model { weights: weights.to_vec(), hypotheses: hypotheses.collect() }
    }

    fn roots(model: &Model) -> Vec<usize> {
        let (mut roots, _) = model.search(&[], &|_| false);
        roots.sort_unstable();
        roots
    }

    #[test]
    fn one_root_that_explains_all_beats_two_that_explain_a_part() {
        let model = model(&[5.0, 5.0], &[(0.0, &[(0, 0.9)]), (0.0, &[(1, 0.9)]), (0.0, &[(0, 0.8), (1, 0.8)])]);
        assert_eq!(roots(&model), [2]);
    }

    #[test]
    fn two_failures_that_nothing_joins_have_two_roots() {
        let model = model(&[5.0, 5.0], &[(0.0, &[(0, 0.9)]), (0.0, &[(1, 0.9)])]);
        assert_eq!(roots(&model), [0, 1]);
    }

    #[test]
    fn a_root_that_is_swapped_in_frees_those_it_replaces() {
        let model = model(
            &[8.0, 4.0, 4.0],
            &[
                (0.0, &[(0, 0.95), (1, 0.1)]),
                (0.0, &[(1, 0.9)]),
                (0.0, &[(2, 0.9)]),
                (-0.5, &[(0, 0.9), (1, 0.9), (2, 0.9)]),
            ],
        );
        assert_eq!(roots(&model), [3]);
    }

    #[test]
    fn the_score_of_a_set_does_not_depend_on_its_order() {
        let model = model(&[3.0, 2.0], &[(0.5, &[(0, 0.5), (1, 0.2)]), (-1.0, &[(0, 0.3), (1, 0.9)])]);
        assert!((model.score(&[0, 1]) - model.score(&[1, 0])).abs() < 1e-12);
    }
}

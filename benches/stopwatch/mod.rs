//! Times stages one after another: each on a line with the best and the middle of its runs, and gigabytes a second of the best.

use std::hint::black_box;
use std::time::Instant;

/// Which stages are asked for.
pub(crate) struct Stopwatch {
    names: Vec<String>,
}

impl Stopwatch {
    /// From the command line: the stages whose names hold one of its words, or all.
    pub(crate) fn new() -> Stopwatch {
        let names = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
        println!("{:<22} {:>10} {:>10} {:>8}", "", "best ms", "middle ms", "GB/s");
        Stopwatch { names }
    }

    /// Runs a stage `runs` times on what `prepare` makes: the input, and how many bytes are counted for it.
    pub(crate) fn stage<I, T>(
        &self,
        name: &str,
        runs: usize,
        prepare: impl FnOnce() -> (I, usize),
        run: impl Fn(&I) -> T,
    ) {
        if !self.names.is_empty() && !self.names.iter().any(|word| name.contains(word.as_str())) {
            return;
        }
        let (input, bytes) = prepare();
        let mut seconds: Vec<f64> = (0..runs.max(1)).map(|_| time(|| run(black_box(&input)))).collect();
        seconds.sort_by(f64::total_cmp);
        let (best, middle) = (seconds[0], seconds[seconds.len() / 2]);
        println!("{name:<22} {:>10.3} {:>10.3} {:>8.3}", best * 1e3, middle * 1e3, bytes as f64 / best / 1e9);
    }
}

fn time<T>(run: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(run());
    start.elapsed().as_secs_f64()
}

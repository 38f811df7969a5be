//! What calls leave in the memory of a worker.

use super::Queue;
use crate::sql::private_memory;

const ROUNDS: usize = 110;
/// Until all that is made once is made.
const FIRST: usize = 10;
const CALLS: usize = 1000;

pub fn measure() {
    let mut queue = Queue::unlimited("bench_memory");
    let mut sizes = Vec::new();
    let mut workers = Vec::new();
    for _ in 0..ROUNDS {
        queue.enqueue(CALLS);
        queue.wait_until_done();
        let worker = queue.worker().expect("it lingers");
        if !workers.contains(&worker) {
            workers.push(worker);
        }
        sizes.push(private_memory(worker));
    }
    let calls = (ROUNDS - FIRST) * CALLS;
    let most = sizes[FIRST..].iter().max().expect("a size");
    println!(
        "\nMemory of the worker over {calls} calls ({} processes):",
        workers.len()
    );
    println!("  private, before         {:>7} kB", sizes[FIRST - 1]);
    println!("  private, after          {:>7} kB", sizes[ROUNDS - 1]);
    println!("  private, at most        {most:>7} kB");
}
